"""Contrasts in ``C(f, contrast)``: R's and patsy's words, written as ``contr.kind``."""

from __future__ import annotations

from partialpool.formula.source import Source
from partialpool.formula.tree import (
    Call,
    Name,
    Node,
    Text,
)

CONTRASTS = ("treatment", "sum", "helmert", "poly", "SAS", "diff")
_PATSY = {"Treatment": "treatment", "Sum": "sum", "Helmert": "helmert", "Poly": "poly"}
_PATSY["Diff"] = "diff"
_OPTIONS = {"treatment": ("base", "reference"), "poly": ("scores",)}


def read_contrast(node: Node, source: Source) -> tuple[str, Node | None]:
    """Return a contrast's kind, and the reference level or the scores where it names some.

    Raises
    ------
    FormulaError
        If the contrast isn't known, or has arguments that it doesn't take.
    """
    if isinstance(node, Text):
        return _kind(node.text[1:-1], node, source), None
    if isinstance(node, Name):
        return _kind(node.name, node, source), None
    if isinstance(node, Call):
        kind = _kind(node.function, node, source)
        return kind, _option(kind, node, source)
    raise source.error(
        "contrasts are written by name, such as C(f, contr.sum) or C(f, Treatment('b')).", node
    )


def _kind(name: str, node: Node, source: Source) -> str:
    kind = _PATSY.get(name, name.removeprefix("contr."))
    if kind not in CONTRASTS:
        known = ", ".join(f"contr.{known}" for known in CONTRASTS)
        raise source.error(f"the contrast {name!r} is not known. Use one of {known}.", node)
    return kind


def _option(kind: str, call: Call, source: Source) -> Node | None:
    names = _OPTIONS.get(kind, ())
    if not call.arguments:
        return None
    first = call.arguments[0]
    if not names or len(call.arguments) > 1 or first.keyword not in (None, *names):
        takes = f"only {names[0]}" if names else "no arguments"
        raise source.error(f"contr.{kind} takes {takes} here.", call)
    return first.value
