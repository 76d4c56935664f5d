"""Views of a task for other people's learning algorithms: Gymnasium's and TorchRL's environments.

Nothing of pixelrl rests on them. ``pixelrl[gym]`` and ``pixelrl[torchrl]`` bring what they need.
"""
