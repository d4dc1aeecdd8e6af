"""Methods that are one line say in help() what the function behind them says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any, TypeVar

__all__ = ["explained"]

Class = TypeVar("Class", bound=type)

_SEE = re.compile(r"See :func:`(?P<path>[\w.]+)\.(?P<name>\w+)`(?P<rest>[^.]*)\.\s*\Z")
_SECTION = re.compile(r"^(?=\w[\w ]*\n-{3,}$)", re.MULTILINE)
_ENTRY = re.compile(r"^(?=\S)", re.MULTILINE)


def explained(cls: Class) -> Class:
    """Replace docstrings "See :func:`...`." by the docstring of that function.

    Its first parameter, which is the object itself, and those that the method hasn't are left
    out; calls in its examples become the method's. What stands after a semicolon is kept.

    Parameters
    ----------
    cls
        A class, which is changed and returned: a decorator.

    Examples
    --------
    >>> @explained
    ... class Text(str):
    ...     def inside(self, value):
    ...         '''See :func:`partialpool.errors.did_you_mean`; of one word.'''
    >>> print(Text.inside.__doc__.splitlines()[0])
    End an error message with the known names nearest to one that isn't known.
    """
    for name, member in list(vars(cls).items()):
        function = member.fget if isinstance(member, property) else member
        see = _SEE.match(inspect.cleandoc(getattr(function, "__doc__", None) or ""))
        if see is None or function is None or name.startswith("_"):
            continue
        if isinstance(member, property):
            setattr(cls, name, property(function, doc=_words(see, function, name, called="")))
        else:
            function.__doc__ = _words(see, function, name)
    return cls


def _words(see: re.Match[str], method: Callable[..., Any], name: str, called: str = "(") -> str:
    source = getattr(import_module(see["path"]), see["name"])
    summary, *sections = _SECTION.split(inspect.getdoc(source) or "")
    own, first = set(inspect.signature(method).parameters), _first_parameter(source)
    kept = [_of_parameters(s, own) if s.startswith("Parameters\n") else s for s in sections]
    rest = see["rest"].lstrip(";, ")
    note = f"{rest[:1].upper()}{rest[1:]}.\n\n" if rest else ""
    text = "".join([summary.rstrip(), "\n\n", note, *kept]).rstrip()
    return _as_method(text, see["name"], first, name + called)


def _first_parameter(function: Callable[..., Any]) -> str:
    return next(iter(inspect.signature(function).parameters), "")


def _of_parameters(section: str, own: Collection[str]) -> str:
    """Leave out the entries whose names the method hasn't."""
    title, line, body = section.split("\n", 2)
    entries = []
    for entry in _ENTRY.split(body.rstrip()):
        names, colon, kind = entry.split("\n", 1)[0].partition(" : ")
        known = [n for n in names.split(", ") if n.lstrip("*") in own]
        if known:
            rest = entry[len(entry.split("\n", 1)[0]) :]
            entries.append(", ".join(known) + colon + kind + rest.rstrip())
    return "\n".join([title, line, *entries]) + "\n\n" if entries else ""


def _as_method(text: str, function: str, first: str, method: str) -> str:
    """Write ``function(fit, x)`` in examples as ``fit.method(x)``, or as ``fit.property``."""
    end = r"(?:, |(?=\)))" if method.endswith("(") else r"\)"
    call = re.compile(rf"(?<![\w.]){function}\({first}{end}")
    lines = text.split("\n")
    shown = [call.sub(f"{first}.{method}", s) if s[:3] in (">>>", "...") else s for s in lines]
    return "\n".join(shown)
