"""Write an expression's tree as Python, which the design room checks and evaluates."""

from __future__ import annotations

from partialpool.formula.contrasts import read_contrast
from partialpool.formula.functions import KEYWORDS, Function, known_function, unknown_function
from partialpool.formula.names import CONSTANTS, column_names, quote
from partialpool.formula.source import Source
from partialpool.formula.syntax import read_text
from partialpool.formula.terms import STRUCTURES
from partialpool.formula.tree import (
    BAR,
    COMPARE,
    INTERACT,
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

# Python's operators, and how tightly they bind; larger is tighter.
_OPERATORS = {
    "|": ("|", 2), "||": ("|", 2), "&": ("&", 3), "&&": ("&", 3),
    "<": ("<", 1), ">": (">", 1), "<=": ("<=", 1), ">=": (">=", 1), "==": ("==", 1),
    "!=": ("!=", 1), "+": ("+", 4), "-": ("-", 4), "*": ("*", 5), "/": ("/", 5),
    "//": ("//", 5), "%": ("%", 5), "%%": ("%", 5), "%/%": ("//", 5),
}  # fmt: skip
_UNARY, _POWER, _ATOM = 6, 7, 8

# Brackets and quotes inside a string travel escaped: a tokenizer that cuts the text at brackets
# (formulaic's, the tests' oracle, is one) need not know about strings.
_ESCAPED = set("()[]{}`%\"'\\")


def translate(node: Node, source: Source) -> str:
    """Return the Python of an expression, columns that are no Python names in backticks.

    Examples
    --------
    >>> from partialpool.formula.syntax import read_expression
    >>> source = Source("I(total.fruits^2 > 4 & !done)")
    >>> translate(read_expression(source), source)
    'I((`total.fruits` ** 2 > 4) & ~done)'
    """
    return _render(node, source)[0]


def _render(node: Node, source: Source) -> tuple[str, int]:
    match node:
        case Name():
            return _name(node, source), _ATOM
        case Number():
            return _number(node, source), _ATOM
        case Text():
            return _string(node, source), _ATOM
        case Paren():
            return _render(node.inner, source)
        case Call():
            return _call(node, source), _ATOM
        case Prefix():
            operator = "~" if node.operator in "!~" else node.operator
            return operator + _at_least(node.operand, _UNARY, source), _UNARY
        case Power():
            base = _at_least(node.base, _ATOM, source)
            return f"{base} ** {_at_least(node.exponent, _UNARY, source)}", _POWER
        case Chain():
            return _chain(node, source)
        case Vector():
            raise source.error(
                "a list of values can only be an argument, such as knots = c(3, 6).", node
            )


def random_term_misplaced(written: str) -> str:
    """Say that a bar stands where there can be no random term."""
    return (
        f"the random term ({written}) can't stand here. Add it to the formula on its own, as in "
        f"'y ~ x + ({written})'."
    )


def _at_least(node: Node, floor: int, source: Source) -> str:
    text, binding = _render(node, source)
    return text if binding >= floor else f"({text})"


def _name(node: Name, source: Source) -> str:
    if node.name == "." and not node.quoted:
        raise source.error("'.' is not supported: name the columns you mean.", node)
    if node.name in CONSTANTS and not node.quoted:
        return CONSTANTS[node.name]
    return quote(node.name)


def _number(node: Number, source: Source) -> str:
    text = node.text.removesuffix("L")
    if text.isdigit() and len(text) < 20:
        return str(int(text))
    value = float(text)
    if value == float("inf"):
        raise source.error("this number is too large for a computer's arithmetic.", node)
    return repr(int(value) if node.text.endswith("L") else value)


def _string(node: Text, source: Source) -> str:
    value = read_text(node, source)
    return "'" + "".join(_escape(character) for character in value) + "'"


def _escape(character: str) -> str:
    if character not in _ESCAPED and character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\U{code:08x}"


def _chain(node: Chain, source: Source) -> tuple[str, int]:
    if node.level == INTERACT:
        raise source.error("':' makes an interaction, which has no meaning in here.", node)
    if "%in%" in node.operators:
        return _membership(node, source)
    if node.level == BAR and any(isinstance(operand, Number) for operand in node.operands):
        raise source.error(random_term_misplaced(source.slice(node)), node)
    binding = _OPERATORS[node.operators[0]][1]
    # Python would read a < b & c as a < (b & c): the binding of its comparisons is the loosest.
    first = _at_least(node.operands[0], binding + (node.level == COMPARE), source)
    rest = [
        f" {_OPERATORS[operator][0]} {_at_least(operand, binding + 1, source)}"
        for operator, operand in zip(node.operators, node.operands[1:], strict=True)
    ]
    return first + "".join(rest), binding


def _membership(node: Chain, source: Source) -> tuple[str, int]:
    values = node.operands[-1]
    if len(node.operands) != 2 or not isinstance(values, Vector) or not values.items:
        raise source.error("'%in%' is followed by values here: f %in% c('a', 'b').", node)
    left = _at_least(node.operands[0], 2, source)
    tests = [f"({left} == {_constant(item, source)})" for item in values.items]
    return " | ".join(tests), 2 if len(tests) > 1 else _ATOM


def _call(node: Call, source: Source) -> str:
    function = known_function(node.function)
    holds_bar = any(isinstance(a.value, Chain) and a.value.level == BAR for a in node.arguments)
    # exp() is a function too.
    if function is None or (node.function in STRUCTURES and holds_bar):
        raise source.error(unknown_function(node.function, holds_bar=holds_bar), node)
    if function.python == "cbind":
        raise source.error("cbind() can only be the whole response.", node)
    return _known_call(function, node, source)


def _known_call(function: Function, node: Call, source: Source) -> str:
    _check_arguments(function, node, source)
    data = translate(node.arguments[0].value, source)
    if function.python == "log" and len(node.arguments) == 2:
        # NumPy's second argument is an array to write into; R's is the base.
        return f"I(log({data}) / log({_constant(node.arguments[1].value, source)}))"
    if function.python == "C":
        # The contrast is written by position, so that it has to come before the levels.
        ordered = sorted(node.arguments[1:], key=lambda argument: argument.keyword == "levels")
        options = [_contrast_or_levels(argument, source) for argument in ordered]
    else:
        options = [_option(argument, source) for argument in node.arguments[1:]]
    return f"{function.python}({', '.join([data, *options])})"


def _check_arguments(function: Function, node: Call, source: Source) -> None:
    name, parameters = node.function, function.parameters
    first = node.arguments[0] if node.arguments else None
    if first is None or first.keyword not in (None, parameters[0]):
        raise source.error(f"{name}() needs a column as its first argument.", node)
    if len(node.arguments) > len(parameters):
        raise source.error(
            f"{name}() takes at most {len(parameters)} argument(s), found {len(node.arguments)}.",
            node.arguments[len(parameters)],
        )
    used: set[str] = set()
    named = False
    for position, argument in enumerate(node.arguments):
        keyword = argument.keyword and KEYWORDS.get(argument.keyword, argument.keyword)
        named = named or (position > 0 and keyword is not None)
        if keyword is None and named:
            raise source.error("an argument without a name can't follow one with a name.", argument)
        keyword = keyword or parameters[position]
        if keyword not in parameters:
            known = ", ".join(parameters[1:]) or "none"
            advice = " Write the reference level as C(f, contr.treatment('b'))."
            raise source.error(
                f"{name}() has no argument {argument.keyword!r}. Its options: {known}."
                f"{advice if keyword == 'base' else ''}",
                argument,
            )
        if keyword in used:
            raise source.error(f"{name}() is given {keyword!r} twice.", argument)
        used.add(keyword)


def _option(argument: Argument, source: Source) -> str:
    value = _constant(argument.value, source)
    if argument.keyword is None:
        return value
    if argument.keyword == "Boundary.knots":
        return _bounds(argument, source)
    return f"{KEYWORDS.get(argument.keyword, argument.keyword)}={value}"


def _bounds(argument: Argument, source: Source) -> str:
    ends = argument.value.items if isinstance(argument.value, Vector) else ()
    if len(ends) != 2:
        raise source.error("two numbers were needed here: Boundary.knots = c(0, 10).", argument)
    lower, upper = (_constant(end, source) for end in ends)
    return f"lower_bound={lower}, upper_bound={upper}"


def _contrast_or_levels(argument: Argument, source: Source) -> str:
    if argument.keyword == "levels":
        return _option(argument, source)
    kind, option = read_contrast(argument.value, source)
    if option is None:
        return f"contr.{kind}"
    return f"contr.{kind}({_constant(option, source)})"


def _constant(node: Node, source: Source) -> str:
    if isinstance(node, Vector):
        return f"[{', '.join(_constant(item, source) for item in node.items)}]"
    names = list(column_names(node, inside=True))
    if names:
        raise source.error(
            f"a number, a text or a list of them was needed here, found the name {names[0]!r}.",
            node,
        )
    return translate(node, source)
