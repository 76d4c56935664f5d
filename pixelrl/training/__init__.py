"""The Lightning shell: module, callbacks, loggers, checkpoints, official weights."""
