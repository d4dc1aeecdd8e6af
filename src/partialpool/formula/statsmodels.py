"""Formulas as statsmodels' MixedLM has them: ``groups``, ``re_formula`` and ``vc_formula``."""

from __future__ import annotations

from collections.abc import Mapping

from partialpool.errors import FormulaError
from partialpool.formula.algebra import Terms, expand
from partialpool.formula.names import quote
from partialpool.formula.parser import parse
from partialpool.formula.source import Source
from partialpool.formula.syntax import read_expression
from partialpool.formula.tree import (
    BAR,
    Call,
    Chain,
    Name,
)


def combine(
    text: str,
    groups: str | None = None,
    re_formula: str | None = None,
    vc_formula: Mapping[str, str] | None = None,
) -> str:
    """Write statsmodels' arguments as one formula in lme4's language.

    Parameters
    ----------
    text
        Fixed effects, ``"weight ~ sex + litsize"``.
    groups
        Name of the column of groups.
    re_formula
        Columns with random effects that vary by group and correlate freely, ``"1 + sex"`` or
        ``"~ sex"``. A random intercept where neither this nor ``vc_formula`` is given.
    vc_formula
        For each variance component the columns that share one variance within a group,
        uncorrelated: ``{"sex": "0 + C(sex)"}``. As in statsmodels these replace the random
        intercept; ``re_formula="1"`` brings it back.

    Returns
    -------
    str
        The formula. A component ``0 + C(f)`` is the interaction ``(1 | groups:f)``, any other
        is ``homdiag(... | groups)``.

    Raises
    ------
    FormulaError
        If the arguments don't go together, or one of them can't be read.

    Examples
    --------
    >>> combine("weight ~ sex", groups="litter", re_formula="~ sex")
    'weight ~ sex + (sex | litter)'
    >>> combine("weight ~ sex", groups="litter", vc_formula={"sex": "0 + C(sex)"})
    'weight ~ sex + (1 | litter:sex)'
    """
    if groups is None:
        _need_no_groups(re_formula, vc_formula)
        return text
    if not isinstance(groups, str):
        raise FormulaError(
            f"groups is the name of a column, found {type(groups).__name__}. "
            "Put the labels into a column of the data and give its name."
        )
    _refuse_random_terms(text)
    return " + ".join([text.strip(), *_terms(quote(groups), re_formula, vc_formula)])


def _need_no_groups(re_formula: str | None, vc_formula: Mapping[str, str] | None) -> None:
    given = {"re_formula": re_formula, "vc_formula": vc_formula}
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise FormulaError(
            f"{' and '.join(names)} given without groups. Add groups='...', the column "
            "whose levels have random effects."
        )


def _refuse_random_terms(text: str) -> None:
    random = parse(text).random
    if random:
        raise FormulaError(
            f"the formula already holds the random term {random[0].source}, so that groups, "
            "re_formula and vc_formula can't be given too. Use one of the two languages."
        )


def _terms(group: str, re_formula: str | None, vc_formula: Mapping[str, str] | None) -> list[str]:
    components = {} if vc_formula is None else vc_formula
    if not isinstance(components, Mapping):
        raise FormulaError(
            f"vc_formula is a mapping of names to formulas, found {type(components).__name__}. "
            "Write vc_formula={'sex': '0 + C(sex)'}."
        )
    if re_formula is None and not components:
        return [f"(1 | {group})"]
    slopes = (
        [] if re_formula is None else [f"({_one_sided('re_formula', re_formula)[0]} | {group})"]
    )
    return [*slopes, *(_component(name, components[name], group) for name in components)]


def _component(name: str, text: str, group: str) -> str:
    written, terms = _one_sided(f"vc_formula[{name!r}]", text)
    factor = _indicators(terms)
    if factor is not None:
        # One variance for the indicators of a factor's levels: an effect for each group-level
        # pair, which costs nothing, where the columns would be as many as there are levels.
        return f"(1 | {group}:{quote(factor)})"
    return f"homdiag({written} | {group})"


def _one_sided(argument: str, text: str) -> tuple[str, Terms]:
    if not isinstance(text, str):
        raise FormulaError(f"{argument} is a text such as '1 + x', found {type(text).__name__}.")
    written = text.strip().removeprefix("~").strip()
    source = Source(written)
    if not written:
        raise FormulaError(f"{argument} is empty. Write '1' for a random intercept.")
    node = read_expression(source)
    if isinstance(node, Chain) and node.level == BAR:
        raise source.error(
            f"{argument} has no bar: the group is given by groups=. Write the columns alone.", node
        )
    return written, expand(node, source)


def _indicators(terms: Terms) -> str | None:
    """Return the factor whose levels a component ``0 + C(f)`` has a column for."""
    if terms.intercept or len(terms.terms) != 1:
        return None
    call = read_expression(Source(terms.terms[0]))
    if not isinstance(call, Call) or call.function not in ("C", "factor", "as_factor"):
        return None
    argument = call.arguments[0].value if len(call.arguments) == 1 else None
    return argument.name if isinstance(argument, Name) else None
