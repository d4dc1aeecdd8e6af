"""Read tokens into a tree, with R's precedence of operators.

The same tree serves both languages of a formula: *formula* text, where ``a * b`` crosses, and
*expressions* (the response and whatever stands inside a call), where it multiplies.
"""

from __future__ import annotations

import ast
import warnings

from partialpool.formula.source import Source
from partialpool.formula.tokens import Token, tokenize
from partialpool.formula.tree import (
    BAR,
    COMPARE,
    LEVELS,
    POWER,
    UNARY,
    Argument,
    Call,
    Chain,
    Name,
    Node,
    Number,
    Paren,
    Power,
    Prefix,
    Text,
    Vector,
)

_WORDS = {"and": "&", "or": "|", "not": "!", "in": "%in%"}
# Far beyond any formula a person writes, far below Python's own limit on recursion.
_DEEPEST = 40


def read_text(node: Text, source: Source) -> str:
    """Return what a quoted string says, its escapes resolved."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return str(ast.literal_eval(node.text))
    except (SyntaxError, ValueError, Warning) as error:
        raise source.error(
            "this text has a backslash that starts no known character. Write \\\\ for one.", node
        ) from error


def read_expression(source: Source) -> Node:
    """Read a whole text as one expression.

    Examples
    --------
    >>> read_expression(Source("-x^2")).operator
    '-'
    """
    reader = _Reader(source)
    node = reader.expression(BAR)
    reader.expect_end()
    return node


def read_formula(source: Source) -> tuple[Node, Node]:
    """Read ``response ~ right`` into its two sides.

    Raises
    ------
    FormulaError
        If there is not exactly one ``~`` between two sides, or a side can't be read.
    """
    reader = _Reader(source)
    _check_tildes(source, reader.tokens)
    response = reader.expression(COMPARE)
    reader.expect("~")
    right = reader.expression(BAR)
    reader.expect_end()
    return response, right


def read_right(source: Source) -> Node:
    """Read ``~ right``, a formula without a response.

    Raises
    ------
    FormulaError
        If it doesn't begin with its only ``~``, or what follows can't be read.
    """
    reader = _Reader(source)
    tildes = _outer_tildes(reader.tokens)
    example = "Write it as '~ x + (1 | g)'."
    if not tildes or tildes[0] != 0:
        place = reader.tokens[0]
        what = "nothing can stand left of '~' here" if tildes else "this formula begins with '~'"
        raise source.error(f"{what}, since the rows' response is known. {example}", place)
    if len(tildes) > 1:
        raise source.error("a formula has only one '~'. Remove this one.", reader.tokens[tildes[1]])
    if len(reader.tokens) == 2:
        raise source.error(f"nothing stands right of '~'. {example}", reader.tokens[0])
    reader.expect("~")
    right = reader.expression(BAR)
    reader.expect_end()
    return right


def _check_tildes(source: Source, tokens: list[Token]) -> None:
    outside = _outer_tildes(tokens)
    example = "Write it as 'y ~ x + (1 | g)'."
    if len(tokens) == 1:
        raise source.error_at(f"the formula is empty. {example}", 0, 0)
    if not outside:
        equals = [t for t in tokens if t.text == "="]
        place = equals[0] if equals else tokens[-1]
        raise source.error(f"a formula needs '~' between response and predictors. {example}", place)
    if len(outside) > 1:
        raise source.error("a formula has only one '~'. Remove this one.", tokens[outside[1]])
    if outside[0] == 0:
        raise source.error(
            f"nothing stands left of '~': the response is missing. {example}", tokens[0]
        )
    if outside[0] == len(tokens) - 2:
        raise source.error(
            "nothing stands right of '~'. For a model with only an intercept write 'y ~ 1'.",
            tokens[outside[0]],
        )


def _outer_tildes(tokens: list[Token]) -> list[int]:
    """Return the positions of the ``~`` that stand in no parentheses."""
    depth, found = 0, []
    for position, token in enumerate(tokens):
        if token.kind == "operator":
            depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
            if token.text == "~" and depth == 0:
                found.append(position)
    return found


class _Reader:
    """A cursor over tokens: precedence climbing, one method per kind of thing."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.position = 0
        self.depth = 0

    def peek(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def at(self, text: str) -> bool:
        token = self.tokens[self.position]
        return token.kind == "operator" and token.text == text

    def expect(self, text: str) -> Token:
        if not self.at(text):
            raise self.unexpected(self.peek())
        return self.take()

    def expect_end(self) -> None:
        if self.peek().kind != "end":
            raise self.unexpected(self.peek())

    def expression(self, floor: int) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.source.error(
                f"the formula is nested more than {_DEEPEST} levels deep. "
                "Make a column of the inner part first.",
                self.peek(),
            )
        node = self.operand()
        while (level := self.level()) >= floor:
            node = self.power(node) if level == POWER else self.chain(node, level)
        self.depth -= 1
        return node

    def level(self) -> int:
        token = self.peek()
        return LEVELS.get(token.text, 0) if token.kind == "operator" else 0

    def chain(self, first: Node, level: int) -> Node:
        operators: list[str] = []
        operands = [first]
        while self.level() == level:
            token = self.take()
            if level == COMPARE and operators:
                raise self.source.error(
                    "comparisons can't be chained. Write (1 < x) & (x < 3).", token
                )
            operators.append(token.text)
            operands.append(self.expression(level + 1))
        return Chain(level, tuple(operators), tuple(operands), first.start, operands[-1].end)

    def power(self, base: Node) -> Node:
        self.take()
        exponent = self.expression(POWER)
        return Power(base, exponent, base.start, exponent.end)

    def operand(self) -> Node:
        token = self.take()
        if token.kind == "name":
            return self.call(token) if self.at("(") else self.name(token, token.text)
        if token.kind == "quoted":
            return self.name(token, token.text[1:-1])
        if token.kind == "number":
            return Number(token.text, token.start, token.end)
        if token.kind == "string":
            return Text(token.text, token.start, token.end)
        if token.text in ("-", "+"):
            return self.prefix(token, UNARY)
        if token.text in ("!", "~"):
            return self.prefix(token, COMPARE)
        if token.text == "(":
            return self.paren(token)
        if token.text == "[":
            return self.vector(token, "]")
        raise self.unexpected(token)

    def name(self, token: Token, text: str) -> Node:
        if text.startswith("__"):
            raise self.source.error(
                f"the name {text!r} starts with two underscores, which is kept for Python itself. "
                "Rename the column.",
                token,
            )
        return Name(text, token.kind == "quoted", token.start, token.end)

    def prefix(self, token: Token, level: int) -> Node:
        operand = self.expression(level)
        return Prefix(token.text, operand, token.start, operand.end)

    def paren(self, opening: Token) -> Node:
        if self.at(")"):
            raise self.source.error("nothing stands between these parentheses.", opening)
        inner = self.expression(BAR)
        return Paren(inner, opening.start, self.expect(")").end)

    def vector(self, opening: Token, closing: str) -> Node:
        items = []
        while not self.at(closing):
            items.append(self.expression(BAR))
            if not self.at(closing):
                self.expect(",")
        return Vector(tuple(items), opening.start, self.expect(closing).end)

    def call(self, function: Token) -> Node:
        self.expect("(")
        if function.text == "c":
            return self.vector(function, ")")
        arguments = []
        while not self.at(")"):
            arguments.append(self.argument())
            if not self.at(")"):
                self.expect(",")
        end = self.expect(")").end
        if function.text == "Q":
            return self.column_in_quotes(arguments, function, end)
        return Call(function.text, tuple(arguments), function.start, end)

    def column_in_quotes(self, arguments: list[Argument], function: Token, end: int) -> Node:
        value = arguments[0].value if len(arguments) == 1 else None
        if not isinstance(value, Text):
            raise self.source.error("Q() takes one column name in quotes.", function)
        return Name(read_text(value, self.source), True, function.start, end)

    def argument(self) -> Argument:
        token, following = self.tokens[self.position], self.tokens[self.position + 1]
        keyword = None
        if token.kind == "name" and following.kind == "operator" and following.text == "=":
            keyword = token.text
            self.position += 2
        value = self.expression(BAR)
        return Argument(keyword, value, token.start, value.end)

    def unexpected(self, token: Token) -> Exception:
        previous = self.tokens[self.tokens.index(token) - 1] if token.start else None
        return self.source.error(_explain(token, previous), token)


def _explain(token: Token, previous: Token | None) -> str:
    """Say what a token does wrong where it stands."""
    follows_value = previous is not None and (
        previous.kind in ("name", "quoted", "number", "string") or previous.text in (")", "]")
    )
    if token.kind == "end":
        return "the formula ends too early: something is missing here."
    if token.text == "=":
        return "found '='. Write '~' after the response, and '==' to compare."
    if token.text == "[" and follows_value:
        return "found '[': indexing is not allowed in a formula. Make a column of it first."
    if token.kind == "name" and token.text.startswith(".") and follows_value:
        return f"found {token.text!r}: attributes and methods can't be used in a formula."
    if token.text == ":" and previous is not None and previous.text == ":":
        return "found '::'. Write the function's name alone: ns(x), not splines::ns(x)."
    if token.text in _WORDS and follows_value:
        return f"found {token.text!r}. Write '{_WORDS[token.text]}'."
    if token.text == ",":
        return "found ',' outside a function's arguments. Remove it and what follows."
    if follows_value:
        blanks = " A name with blanks goes in backticks." if token.text.isidentifier() else ""
        return (
            f"found {token.text!r} where an operator was needed. Is a '+' missing before it?"
            f"{blanks}"
        )
    return f"found {token.text!r} where a column, a number or a function was needed."
