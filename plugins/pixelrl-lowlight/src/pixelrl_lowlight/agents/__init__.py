"""Trained agents of this task: NAME.safetensors with its card, NAME.json."""
