"""Which rows are left out together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, StratifiedKFold

from partialpool.errors import DataError
from partialpool.shrinkage.fitting import Data

__all__ = ["make_folds"]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

_WORDS = ("loo", "reml", "leave-one-group-out", "group-kfold")


def make_folds(
    cv: Any, data: Data, seed: int | None, classes: NDArray[np.float64] | None
) -> Sequence[Fold]:
    """Cut the rows into folds; none for rules that need none.

    Parameters
    ----------
    cv
        A number, a word, a splitter or the folds themselves.
    data
        The rows and their groups.
    seed
        Of the shuffling.
    classes : (n,) array, optional
        Classes by which folds are stratified.

    Raises
    ------
    DataError
        If ``cv`` is none of these.
    """
    if isinstance(cv, str):
        if cv not in _WORDS or (classes is not None and cv in ("loo", "reml")):
            allowed = _WORDS if classes is None else _WORDS[2:]
            raise DataError(
                "cv must be a number of folds, a splitter or one of "
                f"{', '.join(map(repr, allowed))}, found {cv!r}."
            )
        if cv in ("loo", "reml"):
            return []
    n = len(data.weights)
    first = data.groups[0].codes
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        if not 2 <= cv <= n:
            raise DataError(f"cv must be from 2 to the number of rows ({n}), found {cv}.")
        if classes is None:
            return list(KFold(int(cv), shuffle=True, random_state=seed).split(first))
        splitter: Any = StratifiedKFold(int(cv), shuffle=True, random_state=seed)
        return list(splitter.split(first, classes))
    if isinstance(cv, str):
        splitter = LeaveOneGroupOut() if cv == "leave-one-group-out" else GroupKFold()
        return list(splitter.split(first, groups=first))
    if hasattr(cv, "split"):
        return list(cv.split(first[:, None], classes if classes is not None else data.y, first))
    return list(cv)
