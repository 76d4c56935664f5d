"""Pictures in, pictures out, from Python: `pixelrl.load`, the agents it gives, their results."""
