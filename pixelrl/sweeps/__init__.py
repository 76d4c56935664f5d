"""Searches over settings: W&B's sweep files, driven without a server."""
