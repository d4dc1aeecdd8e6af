"""From what a user writes to a prior: a value, or a text such as ``"normal(0, 5)"``."""

from __future__ import annotations

import re
from dataclasses import fields

from partialpool.bayes.priors import PRIORS, Prior
from partialpool.errors import ModelError, did_you_mean

__all__ = ["read_prior"]

# By any of their names: "HalfNormal" is "half_normal".
_KINDS = {name.replace("_", ""): kind for name, kind in PRIORS.items()} | {
    "doubleexponential": PRIORS["laplace"]
}
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
    kind = _KINDS.get(name.lower().replace("_", ""))
    if kind is None:
        raise ModelError(
            f"there is no prior {name!r} for {key!r}.{did_you_mean(name, list(PRIORS))} Known are "
            f"{', '.join(PRIORS)}."
        )
    numbers = _arguments(key, kind, inside)
    try:
        return kind(**numbers)
    except ModelError as error:
        raise ModelError(f"priors has {value!r} for {key!r}: {error}") from None


def _arguments(key: str, kind: type[Prior], inside: str) -> dict[str, float]:
    """Read numbers, by position or by name."""
    names = [field.name for field in fields(kind)]
    wanted = f"{len(names)} number(s){' (' + ', '.join(names) + ')' if names else ''}"
    wrong = f"{kind.name} of {key!r} takes {wanted}, found {inside!r}."
    out: dict[str, float] = {}
    for place, text in enumerate(inside.split(",") if inside.strip() else []):
        name, equals, number = text.rpartition("=")
        name = name.strip() if equals else (names[place] if place < len(names) else "")
        if name not in names or name in out:
            raise ModelError(wrong)
        try:
            out[name] = float(number)
        except ValueError:
            raise ModelError(wrong) from None
    if len(out) != len(names):
        raise ModelError(wrong)
    return out
