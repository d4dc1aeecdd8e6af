"""BLAS on one thread, from the start of the process."""

from __future__ import annotations

import os
import sys

__all__ = ["restart_with_one_thread"]

_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def restart_with_one_thread() -> None:
    """Start this script again if BLAS may use more threads.

    They would wait busily, and their waiting counts as the processor's time of this process: a
    third of a small refit. A limit set later comes too late, since the threads are there.
    """
    if all(os.environ.get(name) == "1" for name in _VARIABLES):
        return
    os.environ.update(dict.fromkeys(_VARIABLES, "1"))
    os.execv(sys.executable, [sys.executable, *sys.argv])
