"""Trained agents of these tasks: NAME.safetensors with its card, NAME.json."""
