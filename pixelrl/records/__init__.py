"""Files of what every pixel chose: written, read, altered, replayed."""
