"""What a picture of conditional effects says in words."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from partialpool.bayes import BayesFit
from partialpool.families import Response, ResponseFamily
from partialpool.generalized import GlmmFit
from partialpool.inference import ConditionalEffects
from partialpool.inference.conditional import ConditionalRows
from partialpool.plots.effect_points import Points

__all__ = ["axis_of", "key_label", "subtitle_of", "title_of", "wrapped"]

# Letters in an inch, of the subtitle's size and of the title's.
_LETTERS, _LARGE = 13.5, 9.0


def title_of(fit: Any, effects: ConditionalEffects, width: float) -> list[str]:
    """Say what is drawn over what: a title, and what of it is too long for that."""
    what, rows = f"{_response(fit)} over {effects.rows.x}", effects.rows
    by = f"by {' and '.join(rows.by)}" if rows.by else ""
    if not by or len(what) + len(by) + 2 <= _LARGE * width:
        return [f"{what}, {by}" if by else what]
    return [what, by]


def subtitle_of(fit: Any, effects: ConditionalEffects, points: Points | None) -> list[str]:
    """Say what the lines are, and at which values the other columns are held."""
    lines = [_words_of_lines(fit, effects)]
    held = effects.rows.words_of_held()
    if effects.array_offset:
        held.append(f"offset {effects.offset:.4g}")
    if held:
        lines.append(f"held: {', '.join(held)}")
    if effects.where:
        lines.append(f"taken to apply: {', '.join(effects.where)}")
    if points is not None:
        lines.append(_words_of_points(points, bool(held)))
    return lines


def wrapped(lines: Sequence[str], width: float) -> str:
    """Break a subtitle's lines so that they fit some inches."""
    letters = max(30, int(_LETTERS * width))
    return "\n".join(piece for line in lines for piece in wrap(line, letters))


def axis_of(fit: Any, effects: ConditionalEffects) -> str:
    """Name the vertical axis, with what it is measured in."""
    found = _family_and_response(fit)
    if found is None:
        return f"expected {_response(fit)}"
    family, response = found
    if effects.scale == "link":
        link = family.link.name
        return _response(fit) if link == "identity" else f"linear predictor ({link} link)"
    if effects.categories:
        return "probability"
    if family.name != "binomial" or response.trials is not None:
        share = family.has_trials and response.text.startswith("cbind(")
        return f"expected {'proportion of ' if share else ''}{_response(fit)}"
    event = response.levels[1] if response.levels is not None else "1"
    return f"probability of {response.text} = {event}"


def key_label(rows: ConditionalRows, name: str, value: Any) -> str:
    """Name a value of a column: a word says what it is, a number needs the column's name."""
    alone = isinstance(value, str) and value[:1].isalpha() and len(value) > 1
    return str(value) if alone else rows.words(name, value)


def _words_of_lines(fit: Any, effects: ConditionalEffects) -> str:
    kind = "bands" if effects.rows.curve else "intervals"
    level = f"{100 * effects.band.level:g} %"
    lines = "posterior means" if effects.posterior else "estimates"
    if isinstance(fit, BayesFit) and fit.engine == "prior":
        lines = "prior means"
    if effects.band.interval == "prediction":
        new = "a new row of new groups" if effects.grouped else "a new row"
        return f"{lines} with {level} prediction {kind}, those of {new}"
    kind = kind if effects.posterior else f"confidence {kind}"
    return f"{lines} with {level} {kind}" + (", random effects at zero" if effects.grouped else "")


def _words_of_points(points: Points, held: bool) -> str:
    words = "points: the data"
    words += " (0 and 1 jittered)" if points.binary else ""
    words += ", with nothing held" if held else ""
    near = f"; {' and '.join(points.rounded)} at the nearest value" if points.rounded else ""
    return words + near


def _family_and_response(fit: Any) -> tuple[ResponseFamily, Response] | None:
    if isinstance(fit, GlmmFit):
        return fit.family, fit.response
    if isinstance(fit, BayesFit):
        return fit.family, fit.statement.response
    return None


def _response(fit: Any) -> str:
    text = str(fit.design.formula.response)
    if text.startswith("cbind("):
        return text.removeprefix("cbind(").removesuffix(")").rsplit(",", 1)[0].strip()
    return text
