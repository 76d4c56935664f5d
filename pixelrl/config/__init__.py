"""From recipes and overrides to the settings of an experiment."""
