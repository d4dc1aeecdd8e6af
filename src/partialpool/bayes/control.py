"""How draws are made."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

from partialpool.errors import DataError
from partialpool.inference.seeds import whole_seed

__all__ = ["Control", "Engine", "make_control"]

Engine = Literal["marginal", "nuts", "prior"]


@dataclass(frozen=True, slots=True)
class Control:
    """How to sample.

    Attributes
    ----------
    draws
        Draws kept of each chain.
    tune
        Iterations before them, in which step size and metric are learnt.
    chains
        Number of chains.
    seed
        Of all randomness.
    target_accept
        Mean acceptance probability that the step size aims at.
    max_depth
        Doublings of a trajectory at most.
    """

    draws: int
    tune: int
    chains: int
    seed: int
    target_accept: float = 0.8
    max_depth: int = 10


def make_control(
    draws: Any, tune: Any, chains: Any, seed: Any, target_accept: Any, max_depth: Any
) -> Control:
    """Check the user's numbers.

    Raises
    ------
    DataError
        Naming the argument.
    """
    least = {"draws": 4, "tune": 0, "chains": 1, "max_depth": 1}
    given = {"draws": draws, "tune": tune, "chains": chains, "max_depth": max_depth}
    for name, value in given.items():
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not (whole and least[name] <= int(value) < 2**63):
            raise DataError(
                f"{name} must be a whole number of at least {least[name]}, found {value!r}."
            )
    number = isinstance(target_accept, Real) and not isinstance(target_accept, bool)
    if not (number and 0 < float(target_accept) < 1):
        raise DataError(
            f"target_accept must be a probability between 0 and 1, found {target_accept!r}. "
            "Usual are 0.8 to 0.99."
        )
    return Control(
        int(draws), int(tune), int(chains), whole_seed(seed), float(target_accept), int(max_depth)
    )
