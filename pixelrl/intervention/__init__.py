"""A person's say in what the agents choose: rules, how they are written, where they hold."""
