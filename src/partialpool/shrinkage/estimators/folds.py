"""Which rows are left out together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

from partialpool.errors import DataError
from partialpool.inference.seeds import check_random_state
from partialpool.shrinkage.fitting import Data

__all__ = ["make_folds"]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

_RANDOM = (RepeatedKFold, RepeatedStratifiedKFold, ShuffleSplit, StratifiedShuffleSplit)
_WORDS = ("loo", "reml", "leave-one-group-out", "group-kfold")


def make_folds(
    cv: Any, data: Data, seed: int | None, classes: NDArray[np.float64] | None
) -> Sequence[Fold]:
    """Cut the rows into folds; none for rules that need none.

    Parameters
    ----------
    cv
        A number, a word, a splitter or the folds themselves; None means 5.
    data
        The rows and their groups.
    seed
        Of the shuffling.
    classes : (n,) array, optional
        Classes by which folds are stratified.

    Raises
    ------
    DataError
        If ``cv`` is none of these, or the seed none.
    """
    check_random_state(seed)
    cv = 5 if cv is None else cv
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
        return _by_group(cv, first)
    y = data.y if classes is None else classes
    if hasattr(cv, "split"):
        # Splitters of rows warn of groups that they ignore.
        own = None if isinstance(cv, (KFold, StratifiedKFold, *_RANDOM)) else first
        return list(cv.split(first[:, None], y, own))
    if not isinstance(cv, Iterable) or isinstance(cv, bool):
        raise DataError(
            "cv must be a whole number of folds, a splitter, folds or one of "
            f"{', '.join(map(repr, _WORDS))}, found {cv!r}."
        )
    return list(cv)


def _by_group(cv: str, first: NDArray[np.int32]) -> Sequence[Fold]:
    count = len(np.unique(first))
    if count < 2:
        raise DataError(
            f"cv={cv!r} leaves groups out, but there is a single one. Use folds of rows."
        )
    splitter = LeaveOneGroupOut() if cv == "leave-one-group-out" else GroupKFold(min(5, count))
    return list(splitter.split(first, groups=first))
