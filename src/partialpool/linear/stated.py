"""A linear mixed model whose parameters are stated, not estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.core import vector
from partialpool.design import Decay, Design, RandomEffects, build, distances_between
from partialpool.docstrings import explained
from partialpool.errors import DataError, UnknownNameError, did_you_mean
from partialpool.formula import parse
from partialpool.formula.structures import SERIAL, UNCORRELATED, position_name
from partialpool.frames import Table, read_column, read_table
from partialpool.inference.protocol import Spread
from partialpool.inference.seeds import Seed, generator
from partialpool.inference.simulate import draw
from partialpool.linear.fit import LmmFit
from partialpool.named import NamedVector
from partialpool.solve import Likelihood, solve

__all__ = ["StatedModel", "stated_model"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Parameters:
    """Covariances as draws need them."""

    sigma: float
    factors: tuple[Array, ...]

    def factor(self, term: int) -> Array:
        return self.factors[term]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class StatedModel:
    """A design with parameters of one's own: to draw data from, and to plan a study.

    Attributes
    ----------
    design
        Rows and columns; the response is not used.
    fixef
        Fixed effects.
    solution
        Residual standard deviation and relative factors.
    """

    design: Design
    fixef: NamedVector
    solution: Spread

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the response."""
        return float(self.solution.sigma)

    def __repr__(self) -> str:
        return (
            f"Stated model {self.design.formula.text}, {len(self.design.y):,} rows, "
            f"sigma {self.sigma:g}\n{self.fixef}"
        )

    def simulate(self, nsim: int = 1, seed: Seed = None) -> Array:
        """See :func:`partialpool.inference.simulate`."""
        return draw(self, generator(seed), nsim).y

    def power(
        self,
        hypothesis: str,
        effect: Mapping[str, float] | None = None,
        n: int = 1000,
        alpha: float = 0.05,
        ddf: inference.DDF | None = None,
        seed: Seed = None,
    ) -> inference.Power:
        """See :func:`partialpool.inference.power`; models are fitted by REML."""
        start = _first_fit(self)
        return inference.power(self, start, hypothesis, effect, n, alpha=alpha, ddf=ddf, seed=seed)


def stated_model(
    formula: str,
    data: Any,
    *,
    fixef: Mapping[str, float],
    sd: Mapping[str, float | Mapping[str, float]],
    sigma: float,
    cor: Mapping[str, Any] | None = None,
    weights: Any = None,
) -> StatedModel:
    """State a linear mixed model, to simulate from it or to find the power of a study.

    Parameters
    ----------
    formula
        As for :func:`partialpool.lmm`. The table needs no column for the response.
    data
        Table with the covariates and groups of the study.
    fixef
        Every coefficient by name, in units of the response.
    sd
        By grouping factor: the standard deviation of its intercepts, or those of all its
        effects by name.
    sigma
        Residual standard deviation.
    cor
        By grouping factor: one correlation for all pairs of its correlated effects (of ``ar1()``
        that of neighbours), or a matrix in the order of the term's columns. Zero if it isn't
        given. Of ``ou()`` the rate, of ``exp()``, ``gau()`` and ``mat()`` the range.
    weights
        Prior weights, as for :func:`partialpool.lmm`.

    Raises
    ------
    DataError
        If a parameter is missing, out of its range, or the correlations contradict each other.
    UnknownNameError
        If a name belongs to no coefficient, factor or effect.

    Examples
    --------
    >>> import numpy as np
    >>> import partialpool as pp
    >>> study = {"pupil": np.arange(200) // 5, "term": np.tile(np.arange(5), 40)}
    >>> model = pp.stated_model(
    ...     "score ~ term + (term | pupil)", study, fixef={"Intercept": 50, "term": 1.0},
    ...     sd={"pupil": {"Intercept": 8, "term": 2}}, cor={"pupil": 0.2}, sigma=5)
    >>> model.simulate(3, seed=1).shape
    (200, 3)
    >>> model.power("term", n=100, seed=1)
    term = 0: rejected at 0.05 in 69.0% of 100 data sets (95% interval 59.0 to 77.9%)
    """
    design = _build(formula, data, weights)
    if not (isinstance(sigma, (int, float, np.number)) and 0 < float(sigma) < np.inf):
        raise DataError(f"sigma must be a positive number, found {sigma!r}.")
    _check_groups("sd", sd, design)
    _check_groups("cor", cor or {}, design)
    _check_correlated(cor or {}, design)
    factors = tuple(
        _factor(design, i, sd[effects.factor.name], (cor or {}).get(effects.factor.name)) / sigma
        for i, effects in enumerate(design.random)
    )
    return StatedModel(design, _coefficients(design, fixef), _Parameters(float(sigma), factors))


def _build(formula: str, data: Any, weights: Any) -> Design:
    """Build a design with some response: its rows and columns don't depend on it."""
    table = read_table(data)
    name = parse(formula, (*table.names, formula.partition("~")[0].strip(" `"))).response
    some = read_column(name, np.random.default_rng(0).normal(size=table.n))
    whole = Table(
        table.n,
        (*(n for n in table.names if n != name), name),
        table.kind,
        lambda column: some if column == name else table.column(column),
    )
    return build(parse(formula, whole.names), whole, weights=weights)


def _coefficients(design: Design, fixef: Mapping[str, float]) -> NamedVector:
    for name in fixef:
        if name not in design.columns:
            raise UnknownNameError(
                f"fixef names no coefficient of the model: {name!r}; there are "
                f"{', '.join(map(repr, design.columns))}.{did_you_mean(name, design.columns)}"
            )
    missing = [name for name in design.columns if name not in fixef]
    if missing:
        raise DataError(
            f"fixef lacks {', '.join(map(repr, missing))}. State every coefficient; one of no "
            "effect is 0."
        )
    values = np.array([float(fixef[name]) for name in design.columns])
    if not np.isfinite(values).all():
        name = design.columns[int(np.flatnonzero(~np.isfinite(values))[0])]
        raise DataError(f"fixef[{name!r}] must be a finite number, found {fixef[name]!r}.")
    return NamedVector(design.columns, values)


def _check_groups(what: str, given: Mapping[str, Any], design: Design) -> None:
    names = tuple(dict.fromkeys(effects.factor.name for effects in design.random))
    for name in given:
        if name not in names:
            raise UnknownNameError(
                f"{what} names no grouping factor of the model: {name!r}; there are "
                f"{', '.join(map(repr, names)) or 'none'}.{did_you_mean(name, names)}"
            )
    missing = [name for name in names if name not in given]
    if what == "sd" and missing:
        raise DataError(
            f"sd lacks {', '.join(map(repr, missing))}. State the standard deviations of every "
            "grouping factor's effects."
        )


def _check_correlated(cor: Mapping[str, Any], design: Design) -> None:
    for group in cor:
        terms = [e for e in design.random if e.factor.name == group]
        if not any(len(e.columns) > 1 and e.term.structure not in UNCORRELATED for e in terms):
            raise DataError(
                f"cor is given for {group!r}, but no term of it has correlated effects. Leave it "
                "out, or write the effects in one term with a single bar."
            )


def _factor(design: Design, position: int, sd: Any, cor: Any) -> Array:
    effects = design.random[position]
    group, columns = effects.factor.name, _named(effects)
    if isinstance(sd, Mapping):
        own = [_named(e) for e in design.random if e.factor.name == group]
        known = tuple(name for names in own for name in names)
        for name in sd:
            if name not in known:
                raise UnknownNameError(
                    f"sd of {group!r} names no effect: {name!r}; there are "
                    f"{', '.join(map(repr, known))}.{did_you_mean(name, known)}"
                )
        missing = [name for name in columns if name not in sd]
        if missing:
            raise DataError(f"sd of {group!r} lacks {', '.join(map(repr, missing))}.")
        sizes = np.array([float(sd[name]) for name in columns])
    elif columns == ("Intercept",):
        sizes = np.array([float(sd)])
    else:
        raise DataError(
            f"sd of {group!r} is one number for the effects {', '.join(map(repr, columns))}; state "
            "each by name."
        )
    if not (np.isfinite(sizes) & (sizes >= 0)).all():
        raise DataError(f"standard deviations must be 0 or more, found {sd!r} for {group!r}.")
    # One standard deviation is that of all positions.
    sizes = np.broadcast_to(sizes, len(effects.columns))
    return sizes[:, None] * _correlation_root(effects, cor)


def _named(effects: RandomEffects) -> tuple[str, ...]:
    """Names of the effects, of those at positions that of the coordinates."""
    columns = effects.columns
    return columns if effects.positions is None else (position_name(columns[0]),)


def _correlation_root(effects: RandomEffects, cor: Any) -> Array:
    group, structure, k = effects.factor.name, effects.term.structure, len(effects.columns)
    R = np.eye(k)
    if effects.decay is not None and effects.positions is not None:
        R = _falling(effects.decay, distances_between(effects.positions), group, cor)
    elif structure in SERIAL and np.ndim(cor) == 0 and cor is not None:
        R = float(cor) ** np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    elif cor is not None and structure not in UNCORRELATED and k > 1:
        R = np.where(R == 1.0, 1.0, np.asarray(cor, dtype=float))
    sizes, axes = np.linalg.eigh(R)
    if R.shape != (k, k) or not np.allclose(R, R.T) or sizes[0] < -1e-12:
        raise DataError(
            f"cor of {group!r} is no correlation matrix of {k} effects: {cor!r}. It takes one "
            "number for all pairs, or a symmetric matrix without contradictions."
        )
    return np.asarray(axes * np.sqrt(np.maximum(sizes, 0.0)))


def _falling(decay: Decay, distances: Array, group: str, cor: Any) -> Array:
    if not (isinstance(cor, (int, float, np.number)) and 0 < float(cor) < np.inf):
        raise DataError(
            f"cor of {group!r} takes the {decay.name} by which its correlations fall with "
            f"distance, a positive number, found {cor!r}."
        )
    return decay.correlations(distances, float(cor))


def _first_fit(model: StatedModel) -> LmmFit:
    """Fit the first data set; others are refits of it."""
    y = draw(model, np.random.default_rng(0), 1).y[:, 0]
    design = model.design.with_response(vector(y))
    return LmmFit(design, solve(design, Likelihood(bool(design.random))))
