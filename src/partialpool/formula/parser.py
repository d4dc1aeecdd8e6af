"""Read a whole formula."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from partialpool.errors import FormulaError
from partialpool.formula.algebra import expand
from partialpool.formula.expressions import checked
from partialpool.formula.names import column_names, quote
from partialpool.formula.pieces import take_apart
from partialpool.formula.random_terms import read_random
from partialpool.formula.source import Source
from partialpool.formula.syntax import read_formula, read_right
from partialpool.formula.terms import Formula
from partialpool.formula.tokens import tokenize
from partialpool.formula.tree import (
    ADD,
    BAR,
    Call,
    Chain,
    Node,
)


def parse(text: str, columns: Sequence[str] | None = None) -> Formula:
    """Read a model formula in lme4's language.

    Nothing is evaluated, and no data are needed. Every expression comes back as Python that
    calls only known functions.

    Parameters
    ----------
    text
        Such as ``"Reaction ~ Days + (Days | Subject)"``.
    columns
        Names of the data's columns if they are known, for the message that lists them where
        ``.`` is written.

    Raises
    ------
    FormulaError
        If the text can't be read or can't be meant; the message points at the place.

    Examples
    --------
    >>> formula = parse("Reaction ~ Days + (Days | Subject)")
    >>> formula.fixed, formula.random[0].basis, formula.random[0].group
    ('1 + Days', '1 + Days', 'Subject')
    >>> [term.group for term in parse("strength ~ 1 + (1 | batch/cask)").random]
    ['batch', 'batch:cask']
    """
    if not isinstance(text, str):
        raise FormulaError(
            f"a formula is a text such as 'y ~ x + (1 | g)', found {type(text).__name__}."
        )
    source = Source(text)
    response, right = read_formula(source)
    if isinstance(right, Chain) and right.level == BAR:
        raise source.error(_bare_bar(f"{source.slice(response)} ~", right, source), right)
    names = [*column_names(response, inside=True), *column_names(right)]
    used = _without_dot(names, columns, source)
    return _formula(source, _response(response, source), right, used)


def parse_part(text: str, response: str, columns: Sequence[str] | None = None) -> Formula:
    """Read the one-sided formula of another linear predictor of the same response.

    Parameters
    ----------
    text
        Such as ``"~ x + (1 | g)"``.
    response
        The response, as the model's formula has it.
    columns
        As for :func:`parse`.

    Raises
    ------
    FormulaError
        If the text can't be read or can't be meant; the message points at the place.

    Examples
    --------
    >>> formula = parse_part("~ x + (1 | g)", "y")
    >>> formula.response, formula.fixed, formula.random[0].group
    ('y', '1 + x', 'g')
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is a text such as '~ x', found {type(text).__name__}.")
    source = Source(text)
    right = read_right(source)
    if isinstance(right, Chain) and right.level == BAR:
        raise source.error(_bare_bar("~", right, source), right)
    return _formula(source, response, right, _without_dot(column_names(right), columns, source))


def _formula(source: Source, response: str, right: Node, used: tuple[str, ...]) -> Formula:
    pieces = take_apart(right)
    fixed = expand(pieces.fixed, source)
    if response in fixed.factors:
        raise source.error(
            f"the response {response} is also a predictor. Remove it from one side.", right
        )
    return Formula(
        text=source.text,
        response=response,
        fixed=fixed.text,
        offsets=tuple(_offset(node, source) for node in pieces.offsets),
        random=read_random(pieces.random, source),
        columns=used,
    )


def _response(node: Node, source: Source) -> str:
    if isinstance(node, Call) and node.function == "cbind":
        if len(node.arguments) < 2 or any(argument.keyword for argument in node.arguments):
            raise source.error("cbind() joins two columns: cbind(successes, failures).", node)
        parts = [checked(argument.value, source) for argument in node.arguments]
        return f"cbind({', '.join(parts)})"
    text = checked(node, source)
    if not list(column_names(node, inside=True)):
        raise source.error(f"the response {text} uses no column of the data.", node)
    return text


def _offset(node: Call, source: Source) -> str:
    if len(node.arguments) != 1 or node.arguments[0].keyword:
        raise source.error("offset() takes one expression, such as offset(log(t)).", node)
    return checked(node.arguments[0].value, source)


def _bare_bar(start: str, right: Chain, source: Source) -> str:
    """Explain a bar without parentheses, which lme4 silently reads as one random term."""
    left, group = right.operands[0], source.slice(right.operands[-1])
    bar = right.operators[0]
    choices = [f"{start} ({source.slice(left)} {bar} {group})"]
    if isinstance(left, Chain) and left.level == ADD and left.operators[-1] == "+":
        last = left.operands[-1]
        before = source.text[left.start : left.operands[-2].end]
        split = f"{start} {before} + ({source.slice(last)} {bar} {group})"
        choices = [split] if "|" in before else [*choices, split]
    return f"a random term needs parentheses around it. Write {' or '.join(choices)}."


def _without_dot(
    names: Iterable[str], columns: Sequence[str] | None, source: Source
) -> tuple[str, ...]:
    used = list(dict.fromkeys(names))
    if "." in used:
        _refuse_dot(used, columns, source)
    return tuple(used)


def _refuse_dot(used: list[str], columns: Sequence[str] | None, source: Source) -> None:
    dots = [token for token in tokenize(source) if token.kind == "name" and token.text == "."]
    if not dots:
        return
    others = [quote(name) for name in columns or () if name not in used]
    example = f": {' + '.join(others)}" if others else ", such as 'y ~ a + b + c'"
    raise source.error(
        f"'.' (every other column) is not supported. Name the columns you mean{example}.", dots[0]
    )
