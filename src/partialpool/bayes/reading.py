"""From what a user writes to a prior: a value, or a text such as ``"normal(0, 5)"``."""

from __future__ import annotations

import re
from dataclasses import fields

from partialpool.bayes.priors import PRIORS, Prior
from partialpool.errors import ModelError, did_you_mean

__all__ = ["read_prior"]

_CALL = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")


def read_prior(key: str, value: object) -> Prior:
    """Read the prior of a parameter.

    Parameters
    ----------
    key
        Whose it is, for messages.
    value
        A prior, or its text.

    Raises
    ------
    ModelError
        If it is none.

    Examples
    --------
    >>> read_prior("sigma", "half_normal(5)")
    HalfNormal(scale=5.0)
    """
    if isinstance(value, Prior):
        return value
    found = _CALL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ModelError(
            f"the prior of {key!r} must be a prior such as pp.bayes.Normal(0, 5) or a text such as "
            f"'normal(0, 5)', found {value!r}."
        )
    name, inside = found.groups()
    kind = PRIORS.get(name.lower())
    if kind is None:
        raise ModelError(
            f"there is no prior {name!r} for {key!r}.{did_you_mean(name, list(PRIORS))} Known are "
            f"{', '.join(PRIORS)}."
        )
    names = [field.name for field in fields(kind)]
    texts = [text.strip() for text in inside.split(",")] if inside.strip() else []
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = []
    if len(numbers) != len(names):
        raise ModelError(
            f"the prior {name} of {key!r} takes {len(names)} number(s)"
            f"{' (' + ', '.join(names) + ')' if names else ''}, found {inside!r}."
        )
    return kind(*numbers)
