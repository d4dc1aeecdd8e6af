"""A Bayesian model as a picture: priors above, the data below, plates around what repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from partialpool.errors import DataError
from partialpool.plots.style import INK, PARTIAL, QUIET, Picture, heading, styled

if TYPE_CHECKING:
    from partialpool.bayes import BayesFit, ModelGraph, Node

__all__ = ["model_graph"]

# In inches: of a character and a line, around texts, between nodes, around plates.
_CHARACTER, _LINE, _PAD, _GAP, _PLATE = 0.068, 0.155, 0.12, 0.35, 0.16
_DOWN, _TOP, _EDGE = 0.55, 0.85, 0.35
Places = dict[str, tuple[float, float, float, float]]


def model_graph(fit: BayesFit, figure: Figure | None = None) -> Figure:
    """Draw the model: parameters with their priors, what depends on them, and plates.

    Parameters
    ----------
    fit
        A Bayesian fit.
    figure
        An empty figure to draw in; by default a new one of the size that is needed.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; it is not shown.

    Raises
    ------
    DataError
        If the fit is no posterior.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> figure = pp.plots.model_graph(fit)
    """
    if not hasattr(fit, "render"):
        raise DataError(
            f"this picture is of a Bayesian model, found {type(fit).__name__}. Fit it by pp.bmm."
        )
    graph = fit.render()
    places, width, height = _layout(graph)
    with styled():
        figure = figure or Picture(figsize=(width, height))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        for plate in dict.fromkeys(node.plate for node in graph.nodes):
            if plate:
                _draw_plate(axes, plate, [places[n.name] for n in graph.nodes if n.plate == plate])
        for edge in graph.edges:
            _draw_edge(axes, places[edge.start], places[edge.end])
        for node in graph.nodes:
            _draw_node(axes, node, places[node.name])
        heading(figure, "Model", f"{fit.design.formula.text}, {fit.family.name}")
    return figure


def _layout(graph: ModelGraph) -> tuple[Places, float, float]:
    """Left, top, width and height of every node, and the picture's size, in inches."""
    layers = [[n for n in graph.nodes if n.layer == i] for i in range(4)]
    layers = _ordered(graph, layers)
    sizes = {n.name: _size(n) for n in graph.nodes}
    widths = [
        sum(sizes[n.name][0] for n in layer) + _GAP * max(len(layer) - 1, 0) for layer in layers
    ]
    width = max(*widths, 4.0) + 2 * _EDGE
    places: Places = {}
    top = _TOP
    for layer, total in zip(layers, widths, strict=True):
        left = 0.5 * (width - total)
        if layer:
            tall = max(sizes[n.name][1] for n in layer)
            for node in layer:
                w, h = sizes[node.name]
                places[node.name] = (left, top + 0.5 * (tall - h), w, h)
                left += w + _GAP
            top += tall + _DOWN
    _under_predictors(graph, places)
    return places, width, top - _DOWN + _EDGE + _PLATE


def _ordered(graph: ModelGraph, layers: list[list[Node]]) -> list[list[Node]]:
    """Nodes of one plate together, numbers beside the rows' plate, covariances as their effects."""
    plates = list(dict.fromkeys(n.plate for n in graph.nodes))
    top, middle, rows, response = layers
    middle = sorted(middle, key=lambda n: plates.index(n.plate))
    rows = sorted(rows, key=lambda n: not n.plate)
    order = [f"{n.name}.covariance" for n in middle]
    return [sorted(top, key=lambda n: order.index(n.name)), middle, rows, response]


def _under_predictors(graph: ModelGraph, places: Places) -> None:
    """Put the response below the middle of its predictors, so that the plate is theirs alone."""
    own = [places[n.name] for n in graph.nodes if n.kind == "predictor"]
    left, right = min(p[0] for p in own), max(p[0] + p[2] for p in own)
    _, top, w, h = places["response"]
    places["response"] = (max(0.5 * (left + right - w), _EDGE), top, w, h)


def _size(node: Node) -> tuple[float, float]:
    longest = max(map(len, node.lines))
    return longest * _CHARACTER + 2 * _PAD, len(node.lines) * _LINE + 2 * _PAD


def _draw_plate(axes: Any, name: str, inside: list[tuple[float, float, float, float]]) -> None:
    left = min(p[0] for p in inside) - _PLATE
    right = max(p[0] + p[2] for p in inside) + _PLATE
    top = min(p[1] for p in inside) - _PLATE
    bottom = max(p[1] + p[3] for p in inside) + _PLATE + 0.1
    box = FancyBboxPatch(
        (left, top), right - left, bottom - top, "round,pad=0,rounding_size=0.08",
        fc="#F7F7F7", ec="#BBBBBB", lw=0.8, zorder=0,
    )  # fmt: skip
    axes.add_patch(box)
    axes.text(right - 0.06, bottom - 0.04, name, size=7.5, color=QUIET, ha="right", va="bottom")


def _draw_node(axes: Any, node: Node, place: tuple[float, float, float, float]) -> None:
    left, top, w, h = place
    round_ = 0.5 * min(h, 0.4) if node.kind in ("effect", "response") else 0.05
    box = FancyBboxPatch(
        (left, top), w, h, f"round,pad=0,rounding_size={round_}",
        fc="#DDDDDD" if node.kind == "response" else "white",
        ec=PARTIAL if node.kind in ("parameter", "effect") else INK,
        ls="--" if node.kind == "predictor" else "-", lw=1.0, zorder=2,
    )  # fmt: skip
    axes.add_patch(box)
    text = "\n".join(node.lines)
    axes.text(left + w / 2, top + h / 2, text, size=8, ha="center", va="center", zorder=3)


def _draw_edge(
    axes: Any,
    start: tuple[float, float, float, float],
    end: tuple[float, float, float, float],
) -> None:
    """Draw an arrow from the lower edge to the upper one, or sideways within a layer."""
    tail = (start[0] + start[2] / 2, start[1] + start[3])
    head = (end[0] + end[2] / 2, end[1])
    arrow = FancyArrowPatch(
        tail, head, arrowstyle="-|>", mutation_scale=9, color=QUIET, lw=0.9, shrinkA=0, shrinkB=0,
        zorder=1,
    )  # fmt: skip
    axes.add_patch(arrow)
