"""Which rows are held out together."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.inference.seeds import Seed, generator

__all__ = ["Scheme", "split"]

Scheme = Literal["within", "new-groups"]
Folds = tuple[NDArray[np.intp], ...]


def split(codes: NDArray[np.int32], scheme: Scheme, folds: int, seed: Seed) -> Folds:
    """Deal rows, or groups, into folds at random.

    Parameters
    ----------
    codes : (n,) array of int
        Each row's group.
    scheme
        ``"within"``: the rows of every group are dealt over the folds, so that no group is
        new; the row of a group of one is never held out. ``"new-groups"``: groups are dealt,
        so that every group is.
    folds
        How many.
    seed
        Of the dealing.

    Raises
    ------
    DataError
        If there are fewer groups than folds, or no group has two rows.

    Examples
    --------
    >>> [rows.tolist() for rows in split(np.array([0, 0, 1, 1]), "new-groups", 2, 0)]
    [[0, 1], [2, 3]]
    """
    rng = generator(seed)
    n_groups = int(codes.max()) + 1
    if scheme == "new-groups":
        if n_groups < folds:
            raise DataError(
                f"there are {n_groups} groups, too few for folds={folds} of new groups. Ask for "
                f"{n_groups} folds or fewer."
            )
        of_group = rng.permutation(n_groups) % folds
        places = of_group[codes]
    else:
        places = _dealt(codes, n_groups, folds, rng)
    out = tuple(np.flatnonzero(places == fold) for fold in range(folds))
    kept = tuple(rows for rows in out if len(rows))
    if not kept:
        raise DataError(
            "no group has two rows, so that none can be predicted from its own. Use "
            "scheme='new-groups'."
        )
    return kept


def _dealt(
    codes: NDArray[np.int32], n_groups: int, folds: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Deal the rows of every group round the folds, each from a place of its own."""
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    sizes = np.bincount(codes, minlength=n_groups)
    within = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = rng.integers(0, folds, n_groups)
    places = np.empty(len(codes), dtype=np.intp)
    places[order] = (within + first[codes[order]]) % folds
    places[sizes[codes] == 1] = -1
    return places
