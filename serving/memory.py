"""Giving memory back: glibc keeps what a large request once took, unless it is told not to."""

import ctypes
import ctypes.util

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h of glibc


def give_memory_back() -> bool:
    """Make this process return freed blocks at once; whether the C library understood.

    By default glibc raises its thresholds to the largest block it ever freed, and each thread fills
    an arena of its own: after one request at the limits the service held twice the memory
    (`experiments/bench_service.py`). Does nothing where the C library is not glibc.
    """
    name = ctypes.util.find_library("c")
    mallopt = getattr(ctypes.CDLL(name), "mallopt", None) if name else None
    if mallopt is None:
        return False
    wanted = ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, 1 << 22), (_M_TRIM_THRESHOLD, 1 << 22))
    return all([mallopt(option, value) == 1 for option, value in wanted])
