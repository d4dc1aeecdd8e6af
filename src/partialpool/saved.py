"""Models from files: which kind of fit a file holds, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, NamedTuple

import partialpool
from partialpool.bayes import storage as bayes
from partialpool.container import unpack
from partialpool.errors import SavedModelError
from partialpool.generalized import storage as generalized
from partialpool.linear import storage as linear
from partialpool.shrinkage import storage as shrinkage

__all__ = ["load"]


class _Reader(NamedTuple):
    version: int
    read: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]


_READERS = {
    linear.MODEL: _Reader(linear.VERSION, linear.read),
    generalized.MODEL: _Reader(generalized.VERSION, generalized.read),
    shrinkage.MODEL: _Reader(shrinkage.VERSION, shrinkage.read),
    bayes.MODEL: _Reader(bayes.VERSION, bayes.read),
}


def load(path: str | PathLike[str]) -> Any:
    """Read a fit that ``fit.save`` wrote. Nothing in the file is run.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    LmmFit, StreamedLmm, GlmmFit, PenalizedFit or BayesFit
        As it was saved.

    Raises
    ------
    SavedModelError
        If the file is missing, foreign, damaged, or of a newer version.

    Examples
    --------
    >>> import os, tempfile
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "sleep.model")
    ...     fit.save(path)
    ...     pp.load(path).fixef
    Intercept  251.405
    Days        10.4673
    """
    parcel = unpack(path)
    reader = _reader(parcel.header, path)
    try:
        return reader.read(parcel.header, parcel.arrays)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise SavedModelError(
            f"the model in {str(path)!r} can't be read: {type(error).__name__}: {error}. The file "
            "was changed, or written by another version. Fit and save the model again."
        ) from error


def _reader(header: Mapping[str, Any], path: str | PathLike[str]) -> _Reader:
    reader = _READERS.get(str(header.get("model")))
    if reader is None:
        raise SavedModelError(
            f"{str(path)!r} holds {header.get('model')!r}, which this partialpool "
            f"({partialpool.__version__}) doesn't know. It reads: {', '.join(_READERS)}."
        )
    if header.get("version") != reader.version:
        raise SavedModelError(
            f"{str(path)!r} was written by partialpool {header.get('partialpool')} in version "
            f"{header.get('version')} of its layout, and this partialpool "
            f"({partialpool.__version__}) reads version {reader.version}. "
            "Upgrade with: pip install --upgrade partialpool"
        )
    return reader
