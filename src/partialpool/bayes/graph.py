"""A model as a graph: what depends on what, in plates of levels and rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from partialpool.bayes.assignment import Assigned
from partialpool.bayes.statement import Statement
from partialpool.design import Design, RandomEffects

__all__ = ["Edge", "ModelGraph", "Node", "model_graph"]

Kind = Literal["parameter", "effect", "predictor", "response"]
# Coefficients named one by one in a node.
_SHOWN = 8
_LINKS = {"dispersion": "log", "zero_inflation": "logit"}


@dataclass(frozen=True, slots=True)
class Node:
    """A variable, or several of one kind.

    Attributes
    ----------
    name
        Unique in the graph.
    kind
        ``"parameter"``, ``"effect"`` (of every level), ``"predictor"`` (computed) or
        ``"response"`` (observed).
    lines
        What it says: distributions, one a line.
    plate
        What it is repeated over, ``"Subject (18)"``; "" for nothing.
    layer
        How far below the top it stands.
    """

    name: str
    kind: Kind
    lines: tuple[str, ...]
    plate: str
    layer: int


@dataclass(frozen=True, slots=True)
class Edge:
    """The second node depends on the first."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class ModelGraph:
    """Nodes and edges of a model; printing gives its equations.

    Attributes
    ----------
    nodes, edges
        From priors down to the response.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def source(self) -> str:
        """The graph in Graphviz's language, for ``graphviz.Source`` or the program ``dot``."""
        return "\n".join(["digraph model {", *_dot(self), "}"])

    def __str__(self) -> str:
        blocks = []
        for plate in dict.fromkeys(node.plate for node in self.nodes):
            inside = [node for node in self.nodes if node.plate == plate]
            indent = "  " if plate else ""
            blocks += [f"for each of {plate}:"] if plate else []
            blocks += [f"{indent}{line}" for node in inside for line in node.lines]
        return "\n".join(blocks)

    def __repr__(self) -> str:
        return str(self)


def model_graph(statement: Statement) -> ModelGraph:
    """Draw up the graph of a model.

    Parameters
    ----------
    statement
        The model: ``fit.statement``.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", sleep, engine="prior", seed=1)
    >>> model_graph(fit.statement)
    sd(Subject.Intercept) ~ half_student_t(3, 56.172)
    Intercept at the means ~ normal(298.51, 140.43)
    Days ~ normal(0, 48.892)
    sigma ~ exponential(0.017802)
    for each of Subject (18):
      b[Subject] ~ normal(0, sd)
    for each of rows (180):
      mean = X fixef + Z b[Subject]
      Reaction ~ gaussian(mean, sigma)
    """
    rows = f"rows ({int(statement.response.counted.sum()):,})"
    nodes: list[Node] = []
    edges: list[Edge] = []
    if statement.priors.thresholds:
        nodes.append(Node("thresholds", "parameter", _thresholds(statement), "", 2))
        edges.append(Edge("thresholds", "response"))
    for part, design in statement.designs.items():
        _add_part(nodes, edges, statement, part, design, rows)
    for symbol, assigned in statement.priors.scales.items():
        nodes.append(Node(symbol, "parameter", (_said(assigned),), "", 2))
        edges.append(Edge(symbol, "response"))
    family, response = statement.family, statement.design.formula.response
    cuts = ["thresholds"] if statement.priors.thresholds else []
    what = ", ".join([*statement.designs, *cuts, *statement.priors.scales])
    zero = {"none": "", "inflated": "zero-inflated ", "hurdle": "hurdle "}[statement.zero]
    line = f"{response} ~ {zero}{family.name}({what})"
    nodes.append(Node("response", "response", (line,), rows, 3))
    order = sorted(nodes, key=lambda node: (bool(node.plate), node.layer))
    return ModelGraph(tuple(order), tuple(edges))


def _thresholds(statement: Statement) -> tuple[str, ...]:
    at = " at the means" if statement.kept["mean"] else ""
    priors = statement.priors.thresholds
    lines = [f"{a.parameter}{at} ~ {a.prior}" for a in priors]
    return (*lines, "rising") if len(priors) > 1 else tuple(lines)


def _add_part(
    nodes: list[Node],
    edges: list[Edge],
    statement: Statement,
    part: str,
    design: Design,
    rows: str,
) -> None:
    """Add a linear predictor with its coefficients and effects."""
    prefix = "" if part == "mean" else f"{part}."
    priors = statement.priors.parts[part]
    inputs: list[str] = []
    if priors.fixed:
        name = f"{prefix}fixef"
        lines = tuple(_coefficients(priors.fixed, priors.centred, design.not_applicable))
        nodes.append(Node(name, "parameter", lines, "", 1))
        edges.append(Edge(name, part))
        inputs.append(f"X {name}")
    for effects, term in zip(design.random, priors.terms, strict=True):
        name = _effects_name(nodes, prefix, effects)
        covariance = [*term.scales, *([term.correlation] if term.correlation else [])]
        above = f"{name}.covariance"
        nodes.append(Node(above, "parameter", tuple(map(_said, covariance)), "", 0))
        spread = "sd, corr" if term.correlation else "sd"
        plate = f"{effects.factor.name} ({len(effects.factor.levels):,})"
        said = (f"{name} ~ normal(0, {spread})", *_gone(effects))
        nodes.append(Node(name, "effect", said, plate, 1))
        edges += [Edge(above, name), Edge(name, part)]
        inputs.append(f"Z {name}")
    inputs += ["offset"] if design.offset is not None else []
    link = _LINKS.get(part, statement.family.link.name)
    # Thresholds, and not a mean, are what an ordinal model's link is for.
    plain = link == "identity" or (part == "mean" and bool(statement.priors.thresholds))
    left = part if plain else f"{link}({part})"
    nodes.append(Node(part, "predictor", (f"{left} = {' + '.join(inputs)}",), rows, 2))
    edges.append(Edge(part, "response"))


def _effects_name(nodes: list[Node], prefix: str, effects: RandomEffects) -> str:
    """Name effects by their factor, or by their term where the factor has several."""
    name = f"{prefix}b[{effects.factor.name}]"
    taken = any(node.name == name for node in nodes)
    return f"{prefix}b[{effects.term.source}]" if taken else name


def _said(assigned: Assigned) -> str:
    return f"{assigned.parameter} ~ {assigned.prior}"


def _coefficients(
    fixed: tuple[Assigned, ...], centred: bool, gone: tuple[str, ...]
) -> Iterator[str]:
    for place, assigned in enumerate(fixed[:_SHOWN]):
        at = " at the means" if centred and place == 0 and len(fixed) > 1 else ""
        yield f"{assigned.parameter}{at} ~ {assigned.prior}"
    if len(fixed) > _SHOWN:
        yield f"... and {len(fixed) - _SHOWN} more"
    for name in gone:
        yield f"{name}: n/a"


def _gone(effects: RandomEffects) -> Iterator[str]:
    if effects.applicable is not None:
        yield f"{int((~effects.applicable).sum()):,} of them n/a"


_SHAPES = {
    "parameter": "box, style=rounded",
    "effect": "ellipse",
    "predictor": "box, style=dashed",
    "response": "ellipse, style=filled, fillcolor=lightgrey",
}


def _dot(graph: ModelGraph) -> Iterator[str]:
    plates = list(dict.fromkeys(node.plate for node in graph.nodes))
    for i, plate in enumerate(plates):
        if plate:
            yield f"  subgraph cluster_{i} {{"
            yield f"    label={_quoted(plate)}; labeljust=r; labelloc=b;"
        for node in graph.nodes:
            if node.plate == plate:
                label = "\\n".join(_escaped(line) for line in node.lines)
                shape = _SHAPES[node.kind]
                yield f'    {_quoted(node.name)} [label="{label}", shape={shape}];'
        if plate:
            yield "  }"
    for edge in graph.edges:
        yield f"  {_quoted(edge.start)} -> {_quoted(edge.end)};"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'
