"""Generators of random numbers from what a caller gave as a seed.

One rule for everything that draws: a whole number of at least 0, None for other draws each
time, or what NumPy makes of one, a SeedSequence or a Generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from partialpool.errors import DataError

__all__ = [
    "Seed",
    "check_random_state",
    "check_seed",
    "generator",
    "generator_beside",
    "generators",
    "seed_sequence",
    "whole_seed",
]

Seed: TypeAlias = int | np.random.SeedSequence | np.random.Generator | None


def generator(seed: Seed) -> np.random.Generator:
    """Return NumPy's default generator with a seed, or the generator that was given.

    Parameters
    ----------
    seed
        A whole number of at least 0, None, a SeedSequence or a Generator, which goes on from
        where it stands.

    Raises
    ------
    DataError
        If it is none of these.

    Examples
    --------
    >>> generator(1).integers(10), generator(1).integers(10)
    (np.int64(4), np.int64(4))
    """
    return np.random.default_rng(check_seed(seed))


def seed_sequence(seed: Seed) -> np.random.SeedSequence:
    """Return a root from which seeds of parts are spawned, the same ones for the same seed.

    Raises
    ------
    DataError
        As :func:`generator`.
    """
    checked = check_seed(seed)
    if isinstance(checked, np.random.SeedSequence):
        # A copy: one that has spawned would spawn others the next time.
        return _child(checked)
    if isinstance(checked, np.random.Generator):
        return np.random.SeedSequence(int(checked.integers(2**63)))
    return np.random.SeedSequence(checked)


def generator_beside(seed: Seed, *key: int) -> np.random.Generator:
    """Return a generator whose draws don't go together with those of the seed's own.

    Raises
    ------
    DataError
        As :func:`generator`.
    """
    checked = check_seed(seed)
    if isinstance(checked, np.random.SeedSequence):
        return np.random.default_rng(_child(checked, *key))
    if checked is None or isinstance(checked, np.random.Generator):
        return np.random.default_rng(checked)
    return np.random.default_rng([checked, *key])


def generators(n: int, size: int, seed: Seed) -> Iterator[tuple[np.random.Generator, int]]:
    """Yield one generator for each block of draws, and how many draws it is for.

    A block's draws depend on the seed and on its place only.

    Parameters
    ----------
    n, size
        Draws of all blocks, and of one.
    seed
        As for :func:`generator`.

    Raises
    ------
    DataError
        As :func:`generator`.
    """
    blocks = [min(size, n - start) for start in range(0, n, size)]
    seeds = seed_sequence(seed).spawn(len(blocks))
    for own, count in zip(seeds, blocks, strict=True):
        yield np.random.default_rng(own), count


def whole_seed(seed: Seed) -> int:
    """Return a seed as a number below 2**63, which a result can keep and a file hold.

    Raises
    ------
    DataError
        As :func:`generator`, or if the number is larger.
    """
    checked = check_seed(seed)
    if isinstance(checked, int):
        if checked >= 2**63:
            raise DataError(f"seed must be below 2**63, found {checked}.")
        return checked
    return int(np.random.default_rng(checked).integers(2**32))


def _child(root: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key))


def check_seed(seed: Any) -> Seed:
    """Return a seed that is one; functions that may not need it ask this at the door.

    Raises
    ------
    DataError
        If it is none.
    """
    if seed is None or isinstance(seed, (np.random.SeedSequence, np.random.Generator)):
        return seed
    if _whole(seed):
        return int(seed)
    raise DataError(
        f"seed must be a whole number of at least 0, a NumPy Generator or SeedSequence, or None "
        f"for other draws each time, found {seed!r}."
    )


def check_random_state(random_state: Any) -> None:
    """Refuse what scikit-learn doesn't take where its estimators draw.

    Raises
    ------
    DataError
        If it is no whole number of at least 0, RandomState or None.
    """
    if random_state is None or _whole(random_state) or hasattr(random_state, "randint"):
        return
    raise DataError(
        "random_state must be a whole number of at least 0, a RandomState or None, found "
        f"{random_state!r}."
    )


def _whole(seed: Any) -> bool:
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    return whole and int(seed) >= 0
