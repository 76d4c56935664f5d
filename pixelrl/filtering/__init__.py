"""Filters as arithmetic of whole images: how the edits of `pixelrl.actions` are computed."""
