"""What the library says of its arguments, said of the command line's options."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["as_options"]

# Arguments whose options have another name; others only change underscores to hyphens.
_OPTIONS: Final = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        *("adjust", "applicable", "by", "contrasts", "ddf", "dispersion", "family"),
        *("interval", "level", "link", "method", "missing", "new_levels", "offset"),
        *("penalty", "quadrature", "random", "scale", "seed", "sigma", "type", "weights"),
        "zero_inflation",
    )
} | {"draws": "--bootstrap", "n": "--draws"}
_ARGUMENT: Final = re.compile(
    rf"(?<![\w.'\"-])(?P<name>{'|'.join(_OPTIONS)})="
    r"(?:'(?P<text>[^']*)'|(?P<word>True|False|[\d.]*\d))?"
)
_SUBJECT: Final = re.compile(rf"^(?P<name>{'|'.join(_OPTIONS)})(?= must )")


def as_options(message: str) -> str:
    """Replace ``missing='drop'`` in a message by ``--missing drop``.

    Examples
    --------
    >>> as_options("Pass missing='drop', or say with applicable= where it applies.")
    'Pass --missing drop, or say with --applicable where it applies.'
    >>> as_options("A REML fit is needed: reml=False was given.")
    'A REML fit is needed: --ml was given.'
    >>> as_options("level must lie between 0 and 1, found 95.0.")
    '--level must lie between 0 and 1, found 95.0.'
    """
    message = message.replace("reml=False", "--ml").replace("reml=True", "no --ml")
    message = _SUBJECT.sub(lambda found: _OPTIONS[found["name"]], message)
    return _ARGUMENT.sub(_option, message)


def _option(found: re.Match[str]) -> str:
    option, value = _OPTIONS[found["name"]], found["text"] or found["word"]
    if value is None or value == "True":
        return option
    return f"{option} {value}"
