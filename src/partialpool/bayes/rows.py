"""Linear predictors of every draw, on the rows fitted or on new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.draws import PartDraws
from partialpool.design import Design, DesignSpec, NewEffects, NewRows, replay_parts
from partialpool.errors import DataError
from partialpool.families.scales import scale_of
from partialpool.inference.rows import RandomPart, find_terms, refuse_new_levels
from partialpool.inference.seeds import Seed, generator_beside

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["NewLevels", "PosteriorRows", "constants", "posterior_rows"]

NewLevels = Literal["error", "population", "sample"]
Array = NDArray[np.float64]
# Numbers in one block of draws times rows.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One linear predictor: rows, chosen terms, and effects for every row's level (S, J + U, k)."""

    rows: NewRows
    beta: Array
    terms: tuple[tuple[NDArray[np.intp], Array, Array], ...]  # codes, basis, effects

    def eta(self, rows: slice) -> Array:
        """Linear predictor of every draw (S, rows)."""
        eta = self.beta @ self.rows.X[rows].T
        if self.rows.offset is not None:
            eta = eta + self.rows.offset[rows]
        for codes, basis, effects in self.terms:
            eta = eta + np.einsum("smk,mk->sm", effects[:, codes[rows]], basis[rows])
        return eta


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorRows:
    """Rows to say something about, draw by draw.

    Attributes
    ----------
    n
        Number of rows.
    size
        Number of draws S.
    parts
        The linear predictors that have a formula.
    constants
        Those that are one number: S numbers each, on the scale of the predictor.
    thresholds : (S, K - 1) array, or None
        Of an ordinal model.
    """

    n: int
    size: int
    parts: Mapping[str, _Part]
    constants: Mapping[str, Array]
    thresholds: Array | None = None

    def blocks(self) -> Iterator[slice]:
        """Cut the rows so that draws times rows fit the memory."""
        each = 1 if self.thresholds is None else self.thresholds.shape[1] + 1
        step = max(1, _BLOCK // max(self.size * each, 1))
        for start in range(0, self.n, step):
            yield slice(start, min(start + step, self.n))

    def eta(self, rows: slice) -> dict[str, Array]:
        """Linear predictors (S, rows) of every part; thresholds (S, rows, K - 1)."""
        out = {name: part.eta(rows) for name, part in self.parts.items()}
        like = out["mean"]
        for name, values in self.constants.items():
            out[name] = np.broadcast_to(values[:, None], like.shape)
        if self.thresholds is not None:
            shape = (*like.shape, self.thresholds.shape[1])
            out["thresholds"] = np.broadcast_to(self.thresholds[:, None, :], shape)
        return out


def posterior_rows(
    fit: BayesFit,
    new: Any = None,
    *,
    random: RandomPart = "all",
    new_levels: NewLevels = "error",
    inapplicable: Literal["error", "ignore"] = "error",
    offset: Any = None,
    applicable: Any = None,
    seed: Seed = None,
    draws: NDArray[np.intp] | None = None,
    specs: Mapping[str, DesignSpec] | None = None,
    new_groups: bool = False,
) -> PosteriorRows:
    """Make the rows of every linear predictor.

    Parameters
    ----------
    fit
        A fitted model.
    new, random, new_levels, inapplicable, offset, applicable, seed
        As for :func:`partialpool.bayes.predict.predict`.
    draws
        Which of all draws to use; None for all.
    specs
        How new rows become those of the linear predictors, the mean among them; None for what
        their designs say. Predictors that aren't named are left out.
    new_groups
        Whether new rows are of groups that nobody has seen, one of each factor for all rows, whose
        effects are drawn; no grouping factor has to be in the table.

    Raises
    ------
    DataError
        If columns are missing or of another type, or a level is new.
    """
    if new_levels not in ("error", "population", "sample"):
        raise DataError(
            f"new_levels must be 'error', 'population' or 'sample', found {new_levels!r}."
        )
    designs = {n: d for n, d in fit.designs.items() if specs is None or n in specs}
    wanted = _wanted(designs, random)
    if new is None:
        made = {name: _fitted(design, wanted[name]) for name, design in designs.items()}
    else:
        made = replay_parts(
            specs or {name: design.spec for name, design in designs.items()},
            new,
            random=wanted,
            averaged=new_groups,
            offset=offset,
            inapplicable=inapplicable,
            applicable=applicable,
        )
    if new_groups:
        wanted, new_levels = _wanted(designs, "all"), "sample"
    chosen = np.arange(fit.draws.chains * fit.draws.draws) if draws is None else draws
    # Responses are drawn from the seed itself: effects by the same numbers would go with them.
    rng = generator_beside(seed, 1)
    parts = _parts(fit, wanted, made, chosen, new_levels, rng)
    numbers = {part: values[chosen] for part, values in constants(fit).items()}
    cuts = [x.ravel()[chosen] for x in fit.draws.thresholds.values()]
    thresholds = np.column_stack(cuts) if cuts else None
    return PosteriorRows(made["mean"].n, len(chosen), parts, numbers, thresholds)


def constants(fit: BayesFit) -> dict[str, Array]:
    """Draws (S,) of the linear predictors that are one number, on their scale."""
    return {
        part: scale_of(part, fit.family.name).predictor(fit.draws.scales[symbol].ravel())
        for part, symbol in fit.statement.symbols.items()
    }


def _parts(
    fit: BayesFit,
    wanted: Mapping[str, list[int]],
    made: Mapping[str, NewRows],
    chosen: NDArray[np.intp],
    new_levels: NewLevels,
    rng: np.random.Generator,
) -> dict[str, _Part]:
    parts = {}
    for name, design in fit.designs.items():
        effects = dict(zip(wanted[name], made[name].effects, strict=True))
        if new_levels == "error":
            refuse_new_levels(design, effects)
        parts[name] = _part(made[name], fit.draws.parts[name], effects, chosen, new_levels, rng)
    return parts


def _wanted(designs: Mapping[str, Design], random: RandomPart) -> dict[str, list[int]]:
    """Find the terms that are named, a name meaning those of all predictors."""
    terms = [effects for design in designs.values() for effects in design.random]
    chosen = set(find_terms(terms, random))
    out, first = {}, 0
    for name, design in designs.items():
        count = len(design.random)
        out[name] = [i for i in range(count) if first + i in chosen]
        first += count
    return out


def _fitted(design: Design, wanted: list[int]) -> NewRows:
    terms = (design.random[i] for i in wanted)
    effects = tuple(NewEffects(e.factor.codes, e.basis, e.factor.codes) for e in terms)
    return NewRows(len(design.y), design.X, design.offset, effects)


def _part(
    rows: NewRows,
    own: PartDraws,
    effects: Mapping[int, NewEffects],
    chosen: NDArray[np.intp],
    new_levels: NewLevels,
    rng: np.random.Generator,
) -> _Part:
    beta = own.fixef.reshape(-1, own.fixef.shape[-1])[chosen]
    terms = []
    for i, new in effects.items():
        known = own.effects[i].reshape(-1, *own.effects[i].shape[2:])[chosen]
        codes = new.codes.astype(np.intp)
        unseen = np.flatnonzero(codes < 0)
        if len(unseen):
            # Rows of one new level share its effects.
            labels, places = np.unique(
                np.asarray(new.labels)[unseen].astype(str), return_inverse=True
            )
            codes = codes.copy()
            codes[unseen] = known.shape[1] + places
            extra = np.zeros((len(chosen), len(labels), known.shape[2]))
            if new_levels == "sample":
                extra = _new_effects(own, i, chosen, len(labels), rng)
            known = np.concatenate([known, extra], axis=1)
        terms.append((codes, new.basis, known))
    return _Part(rows, np.where(np.isnan(beta), 0.0, beta), tuple(terms))


def _new_effects(
    own: PartDraws, term: int, chosen: NDArray[np.intp], levels: int, rng: np.random.Generator
) -> Array:
    """Draw the effects of levels nobody has seen, from each draw's own distribution."""
    k = own.sd[term].shape[-1]
    sd = own.sd[term].reshape(-1, k)[chosen]
    factor = sd[:, :, None] * np.linalg.cholesky(own.corr[term].reshape(-1, k, k)[chosen])
    z = rng.standard_normal((len(chosen), levels, k))
    return np.asarray(np.einsum("skl,sul->suk", factor, z))
