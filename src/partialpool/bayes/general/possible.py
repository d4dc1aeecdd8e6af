"""Whether a user's log-density says anything about every row, before a sampler is started."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.scales import response_scale
from partialpool.bayes.statement import Statement
from partialpool.errors import ModelError
from partialpool.families import Family

__all__ = ["refuse_impossible"]

Array = NDArray[np.float64]
# Places at which every row is tried, and how far they lie apart.
_PLACES, _REACH = 40, 2.0


def refuse_impossible(statement: Statement) -> None:
    """Refuse a user's log-density that is no finite number in a row, wherever it is tried.

    Linear predictors are tried about where the sampler starts, in every row for itself: where
    none is possible, no place is for all rows together.

    Raises
    ------
    ModelError
        Naming rows and what was found in them.
    """
    family, response = statement.family, statement.response
    if not isinstance(family, Family):
        return
    used = response.counted
    wrong, found = used.copy(), np.zeros(len(used))
    for value in _tries(statement, family):
        wrong &= ~np.isfinite(value)
        found = value if not wrong.any() else np.where(wrong, value, found)
    if not wrong.any():
        return
    bad = found[wrong]
    kinds = {"NaN": np.isnan(bad), "inf": np.isposinf(bad), "-inf": np.isneginf(bad)}
    what = " or ".join(name for name, there in kinds.items() if there.any())
    raise ModelError(
        f"the log-density of the family {family.name!r} is {what} in {int(wrong.sum()):,} of "
        f"{int(used.sum()):,} rows, wherever the linear predictors are put near the sampler's "
        f"start, in {response.show(wrong)}. Look there for a response outside the family's range "
        "(support= checks it), for a logarithm or root of a negative number, and whether link= is "
        "the log-density's."
    )


def _tries(statement: Statement, family: Family) -> list[Array]:
    """Log-densities of all rows (n,) at some places."""
    response, offset = statement.response, statement.design.offset
    n, used = len(response.values), response.counted
    trials = None if response.trials is None else response.trials[used]
    start = family.start(response.values[used], trials, None, statement.zero)
    unit = response_scale(response, family, offset).unit
    rng, density = np.random.default_rng(0), family.density(response)
    out = []
    for place in range(_PLACES):
        shift = _REACH * (place > 0)
        eta = [
            start.get(part, 0.0)
            + shift * (unit if part == "mean" else 1.0) * rng.uniform(-1.0, 1.0, n)
            for part in family.parts(statement.zero)
        ]
        with np.errstate(all="ignore"):
            value = density.evaluate(slice(0, n), eta)
        out.append(np.asarray(value, dtype=np.float64))
        if np.isfinite(out[-1][used]).all():
            break
    return out
