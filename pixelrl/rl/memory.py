"""Memory that is free and that the C library keeps, handed back to the system."""

import ctypes
import sys


def trim_memory() -> bool:
    """Hand free memory back, where glibc's allocator is at work; elsewhere do nothing.

    What a block of a picture took lies free in pieces between what is still held, and the next
    block's arrays do not fit them all: so every block of another size would make a process grow.

    Returns:
        Whether some was handed back.
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))
