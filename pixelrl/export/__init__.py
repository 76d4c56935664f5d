"""Trained agents as files that need no pixelrl: ONNX, and PyTorch's own exported programs."""
