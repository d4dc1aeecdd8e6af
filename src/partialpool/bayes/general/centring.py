"""Which form of a random term the sampler moves in.

Effects that the data know well are sampled as themselves (centred), effects that they hardly
know as standard normal variables (non-centred): each form is slow, or worse, where the other is
good. Levels of one term differ in this, and so each has a form of its own. Papaspiliopoulos,
Roberts & Skoeld (2007), Statistical Science 22, 59-73.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import core_predictors
from partialpool.bayes.general.nesting import inside_levels
from partialpool.bayes.scales import response_scale
from partialpool.bayes.statement import Statement
from partialpool.design import RandomEffects
from partialpool.solve.generalized import row_density

__all__ = ["Rows", "knowledge", "weights"]

Array = NDArray[np.float64]
# Rounds of scoring: variances of effects settle slowly, and needn't be exact.
_ROUNDS = 30
# Linear predictors move so many units in one round at most.
_STEP = 2.0
# Ratio from which on vectors of effects are well known.
_ENOUGH = 5.0
# Variances of effects over those of their estimates, before the first round.
_FIRST = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The likelihood as a function of the mean's linear predictor."""

    statement: Statement
    eta: dict[str, Array]

    @property
    def reach(self) -> float:
        """How far linear predictors move in one round at most."""
        own = self.statement
        return _STEP * response_scale(own.response, own.family, own.design.offset).unit

    def information(self, mean: Array) -> tuple[Array, Array]:
        """Score and information of every row."""
        statement, response, family = self.statement, self.statement.response, self.statement.family
        density = row_density(response, family, statement.zero)
        eta = self.eta | {"mean": mean}
        order = core_predictors(family.parts(statement.zero), eta, response.values)
        _, first, second, _ = density.evaluate(order, 2, True)
        used = response.counted & np.isfinite(first[0]) & np.isfinite(second[0])
        return np.where(used, first[0], 0.0), np.where(used, np.maximum(-second[0], 0.0), 0.0)


def knowledge(rows: Rows, X: Array, terms: tuple[RandomEffects, ...]) -> list[Array]:
    """Estimate how well effects are known: ratios (J, k) of every term.

    They are the information of a level's rows over that of the effects' distribution, by rounds
    of penalized scoring and of EM. Each round moves coefficients, and then the effects of every
    column of every term, as if the others stood still; variances are the mean of squares and of
    conditional variances. What the rows say of a level they say through the effects of finer
    levels in it, which aren't known.
    """
    eta, reach = np.array(rows.eta["mean"]), rows.reach
    known = [_Effects.nothing(e) for e in terms]
    for _ in range(_ROUNDS):
        eta = eta + _fixed_step(X, *rows.information(eta), reach)
        for e, own in zip(terms, known, strict=True):
            for c in range(len(e.columns)):
                eta = eta + own.move(e, c, *rows.information(eta), reach)
    _, information = rows.information(eta)
    return [
        own.variances * _level_information(e, _blurred(information, e, terms, known))
        for e, own in zip(terms, known, strict=True)
    ]


def _level_information(e: RandomEffects, information: Array) -> Array:
    """Information about the effects of every level (J, k)."""
    J, codes = len(e.factor.levels), e.factor.codes
    return np.column_stack([np.bincount(codes, information * z * z, J) for z in e.basis.T])


def _blurred(
    information: Array, e: RandomEffects, terms: tuple[RandomEffects, ...], known: list[_Effects]
) -> Array:
    """Information of rows with the effects of the finer levels inside a term's integrated out."""
    inside = [
        (f, own)
        for f, own in zip(terms, known, strict=True)
        if len(f.factor.levels) > len(e.factor.levels) and inside_levels(f, e) is not None
    ]
    for f, own in sorted(inside, key=lambda pair: -len(pair[0].factor.levels)):
        noise = (own.variances * _level_information(f, information)).sum(axis=1)
        information = information / (1.0 + noise[f.factor.codes])
    return information


def _fixed_step(X: Array, score: Array, information: Array, reach: float) -> Array:
    if not X.shape[1]:
        return np.zeros(len(X))
    gram = X.T @ (X * information[:, None])
    ridge = 1e-8 * np.trace(gram) / len(gram) + 1e-12
    step = np.linalg.solve(gram + ridge * np.eye(len(gram)), X.T @ score)
    return np.clip(X @ step, -reach, reach)


@dataclass(frozen=True, slots=True, eq=False)
class _Effects:
    """Effects of one term, and their variances."""

    b: Array
    variances: Array

    @classmethod
    def nothing(cls, e: RandomEffects) -> _Effects:
        shape = len(e.factor.levels), len(e.columns)
        return cls(np.zeros(shape), np.full(shape[1], np.nan))

    def move(
        self, e: RandomEffects, c: int, score: Array, information: Array, reach: float
    ) -> Array:
        """Move one column's effects in place; the change of the linear predictor."""
        codes, J, z = e.factor.codes, len(self.b), e.basis[:, c]
        own = np.bincount(codes, information * z * z, J)
        if np.isnan(self.variances[c]):
            self.variances[c] = _FIRST / max(float(np.median(own)), 1e-100)
        pull = 1.0 / self.variances[c]
        slope = np.bincount(codes, score * z, J) - pull * self.b[:, c]
        moved = np.clip(slope / (own + pull), -reach, reach)
        self.b[:, c] += moved
        self.variances[c] = float((self.b[:, c] ** 2 + 1.0 / (own + pull)).mean())
        return np.asarray(moved[codes] * z)


def weights(ratios: Array) -> Array:
    """How far each level's effects are sampled as themselves (J,), from ratios (J, k).

    Of single effects that is the share of their variance that the data explain; vectors are
    sampled as themselves or not at all.
    """
    least = ratios.min(axis=1)
    share = least / (1.0 + least)
    return np.asarray(share if ratios.shape[1] == 1 else (least > _ENOUGH).astype(np.float64))
