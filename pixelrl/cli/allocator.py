"""Keep freed memory for the next tensor, where the C library would hand it back and ask again.

With glibc's defaults every large tensor on a CPU is mapped and unmapped afresh, and the kernel
zeroes its pages each time. Keeping memory costs some of it and saves much time; it can be switched
off with ``PIXELRL_KEEP_MEMORY=0``.
"""

import ctypes
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # glibc's malloc.h


def keep_memory() -> bool:
    """Tell glibc to keep freed memory; elsewhere do nothing.

    Returns:
        Whether it was told so.
    """
    if not sys.platform.startswith("linux") or os.environ.get("PIXELRL_KEEP_MEMORY") == "0":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library
        return False
    kept = mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, 2**31 - 1), mallopt(_TOP_PAD, 2**26)
    return all(kept)
