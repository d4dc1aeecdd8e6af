"""The only importer of the compiled core: threads, LAPACK, and arrays as the core wants them.

Every array that crosses into C++ is made C-contiguous float64 or int32 here, once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool import _core
from partialpool._core import (
    Density,
    Form,
    GeneralizedEstimate,
    GeneralizedProblem,
    LevelFactor,
    LevelRows,
    Optimum,
    Posterior,
    Problem,
    Refits,
    RowStream,
    all_finite,
    covariance_correlations,
    covariance_directions,
    covariance_size,
    trust_region_step,
)

__all__ = [
    "CoreForm",
    "Density",
    "Form",
    "GeneralizedEstimate",
    "GeneralizedProblem",
    "LevelFactor",
    "LevelRows",
    "Optimum",
    "Posterior",
    "Problem",
    "Refits",
    "RowStream",
    "all_finite",
    "codes",
    "covariance_correlations",
    "covariance_directions",
    "covariance_size",
    "dense_algebra",
    "get_threads",
    "matrix",
    "set_threads",
    "structure_name",
    "trust_region_step",
    "vector",
]

#: Positions of the structures in the core's enumeration.
STRUCTURE_CODES = {
    "unstructured": 0,
    "diagonal": 1,
    "homdiag": 2,
    "cs": 3,
    "homcs": 4,
    "ar1": 5,
    "hetar1": 6,
    "toep": 7,
    "homtoep": 8,
}


#: The same of those that take the distances between effects.
DISTANCE_CODES = {"ou": 9, "exp": 9, "gau": 10, "mat32": 11, "mat52": 12}

_NAMES = {code: name for name, code in (STRUCTURE_CODES | DISTANCE_CODES).items()}

CoreForm: TypeAlias = int | Form
"""A structure as the core takes it: its position, with distances where it needs them."""


def structure_name(form: CoreForm) -> str:
    """Name a structure."""
    return _NAMES[form if isinstance(form, int) else form.structure]


def vector(values: Any) -> NDArray[np.float64]:
    """Make an array that the core reads as numbers."""
    return np.ascontiguousarray(values, dtype=np.float64)


def matrix(values: Any) -> NDArray[np.float64]:
    """Make an array that the core reads as rows of numbers."""
    return np.ascontiguousarray(values, dtype=np.float64)


def codes(values: Any) -> NDArray[np.int32]:
    """Make an array that the core reads as positions of levels."""
    return np.ascontiguousarray(values, dtype=np.int32)


def set_threads(n: int | None = None) -> None:
    """Set how many threads the core may use.

    Any number gives the same bits: work is cut in pieces that don't depend on it.

    Parameters
    ----------
    n
        Number of threads; None for as many as there are physical cores.

    Raises
    ------
    ValueError
        If ``n`` is below one.

    Examples
    --------
    >>> set_threads(2)
    >>> get_threads()
    2
    >>> set_threads()
    """
    if n is not None and n < 1:
        raise ValueError(f"the number of threads must be at least 1, found {n}.")
    _core.set_threads(physical_cores() if n is None else int(n))


def get_threads() -> int:
    """Return how many threads the core may use.

    Examples
    --------
    >>> get_threads() >= 1
    True
    """
    return _core.get_threads()


def physical_cores() -> int:
    """Count the cores this process may run on, two hyperthreads as one."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    siblings = set()
    for cpu in allowed:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            siblings.add(path.read_text())
        except OSError:
            return len(allowed)
    return max(1, len(siblings))


@cache
def _load_lapack() -> None:
    # SciPy's own LAPACK, so that none has to be shipped. Imported late: 0.1 s.
    from scipy.linalg import cython_blas, cython_lapack

    sources = {
        "dpotrf": cython_lapack,
        "dpotri": cython_lapack,
        "dtrsm": cython_blas,
        "dsyrk": cython_blas,
        "dgemm": cython_blas,
    }
    _core.use_lapack({name: module.__pyx_capi__[name] for name, module in sources.items()})


@cache
def _blas_pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def dense_algebra() -> Iterator[None]:
    """Use LAPACK on large dense blocks, on one thread: its own threads would change bits."""
    _load_lapack()
    with _blas_pools().limit(limits=1, user_api="blas"):
        yield


set_threads()
