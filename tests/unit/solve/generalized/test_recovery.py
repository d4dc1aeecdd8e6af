"""Parameters known from simulation are found again, for every family."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from partialpool.families import ResponseFamily, Zero
from partialpool.solve.generalized import Objective
from tests.unit.solve.generalized import models
from tests.unit.solve.generalized.test_gradient import FAMILIES

J, ROWS = 80, 12
# Where zeros are added, most must not be the distribution's own; five degrees of freedom; no
# proportion that rounds to one.
OTHERS = {
    "inflated": {"mean": 1.2},
    "hurdle": {"mean": 1.0},
    "student_t": {"shape": np.log(5.0)},
    "beta-cloglog": {"mean": -0.4, "dispersion": 2.0},
}


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What a response is drawn from: a constant in every part, a slope, effects of groups."""

    family: ResponseFamily
    zero: Zero

    @property
    def sd(self) -> float:
        return 0.15 if models.intercept(self.family, "mean") != models.INTERCEPT["mean"] else 0.5

    @property
    def constants(self) -> dict[str, float]:
        names = (self.zero, self.family.name, f"{self.family.name}-{self.family.link.name}")
        others = {part: value for name in names for part, value in OTHERS.get(name, {}).items()}
        parts = [part for part in self.family.parts(self.zero) if part != "thresholds"]
        return {part: models.intercept(self.family, part) for part in parts} | others

    @property
    def values(self) -> dict[str, float]:
        constants = dict(self.constants)
        if self.family.name == "ordinal":
            del constants["mean"]
            cuts = models.THRESHOLDS - self.constants["mean"]
            constants |= {f"threshold {i}": cut for i, cut in enumerate(cuts)}
        return constants | {"slope": models.SLOPE, "sd": self.sd}

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray]:
        n = J * ROWS
        codes = np.repeat(np.arange(J), ROWS)
        x = rng.uniform(-1, 1, n)
        eta = {part: np.full(n, value) for part, value in self.constants.items()}
        eta["mean"] = eta["mean"] + models.SLOPE * x + self.sd * rng.normal(size=J)[codes]
        if self.family.name == "ordinal":
            eta["thresholds"] = models.THRESHOLDS
        trials = np.full(n, 5.0)
        y = self.family.simulate(eta, rng, trials if self.family.has_trials else None, self.zero)
        return {"x": x, "g": codes.astype(str), "y": y, "m": trials}

    def estimate(self, data: dict[str, NDArray], objective: Objective) -> dict[str, float]:
        zero = None if self.zero == "none" else "~ 1"
        formula = models.response_of(self.family) + " ~ x + (1 | g)"
        example = models.example(formula, data, self.family, zero_inflation=zero)
        ours = example.solve(objective)
        assert ours.converged
        out = {part: ours.beta[part][0] for part in self.constants}
        if self.family.name == "ordinal":
            out = {f"threshold {i}": cut for i, cut in enumerate(ours.beta["thresholds"])}
        return out | {
            "slope": ours.beta["mean"][-1],
            "sd": float(abs(ours.factor("mean", 0)[0, 0])),
        }


def assert_recovered(name: str, replicates: int, objective: Objective) -> None:
    """Means over replicates are within 4.5 of their standard errors of the truth."""
    truth, rng = Truth(*FAMILIES[name]), np.random.default_rng(11)
    found = [truth.estimate(truth.draw(rng), objective) for _ in range(replicates)]
    assert_unbiased(truth.values, found)


def assert_unbiased(truth: dict[str, float], found: list[dict[str, float]]) -> None:
    z = {}
    for key, value in truth.items():
        errors = np.array([one[key] for one in found]) - value
        z[key] = errors.mean() / (errors.std(ddof=1) / np.sqrt(len(found)))
    assert {key: round(score, 1) for key, score in z.items() if abs(score) > 4.5} == {}


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_are_recovered(name):
    assert_recovered(name, 8, Objective())


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_are_recovered_in_many_replicates(name):
    # Laplace's approximation has a bias of its own, which so many replicates see. Where the
    # predictor's range ends, effects are small, and so is the bias.
    near_an_end = Truth(*FAMILIES[name]).sd < 0.5
    assert_recovered(name, 60, Objective() if near_an_end else Objective(quadrature=7))


def test_covariances_of_crossed_vectors_are_recovered():
    rng, found = np.random.default_rng(12), []
    Sigma, tau = np.array([[0.5, -0.2], [-0.2, 0.3]]), 0.6
    for _ in range(8):
        x = rng.uniform(-1, 1, 3000)
        g, h = rng.integers(100, size=3000), rng.integers(60, size=3000)
        b = rng.multivariate_normal([0, 0], Sigma, 100)[g]
        eta = 0.5 + 0.3 * x + b[:, 0] + b[:, 1] * x + tau * rng.normal(size=60)[h]
        data = {"x": x, "g": g.astype(str), "h": h.astype(str), "y": rng.poisson(np.exp(eta))}
        ours = models.example("y ~ x + (1 + x | g) + (1 | h)", data, "poisson").solve()
        L, own = ours.factor("mean", 0), ours.factor("mean", 1)
        S = L @ L.T
        found.append({"11": S[0, 0], "12": S[0, 1], "22": S[1, 1], "tau": abs(own[0, 0])})
    assert_unbiased({"11": 0.5, "12": -0.2, "22": 0.3, "tau": tau}, found)


def test_effects_and_covariates_of_other_parts_are_recovered():
    rng, found = np.random.default_rng(13), []
    truth = {"slope": 0.5, "zero": -1.0, "zero slope": 0.8, "zero sd": 0.7, "log phi": 0.9}
    for _ in range(8):
        x, g = rng.uniform(-1, 1, 4000), rng.integers(80, size=4000)
        eta = {
            "mean": 1.2 + truth["slope"] * x,
            "dispersion": 0.4 + truth["log phi"] * x,
            "zero_inflation": truth["zero"] + truth["zero slope"] * x
            + truth["zero sd"] * rng.normal(size=80)[g],
        }  # fmt: skip
        family = FAMILIES["nbinom2-log-inflated"][0]
        data = {"x": x, "g": g.astype(str), "y": family.simulate(eta, rng, zero="inflated")}
        ours = models.example(
            "y ~ x", data, family, dispersion="~ x", zero_inflation="~ x + (1 | g)"
        ).solve()
        beta = ours.beta
        found.append(
            {
                "slope": beta["mean"][1],
                "log phi": beta["dispersion"][1],
                "zero": beta["zero_inflation"][0],
                "zero slope": beta["zero_inflation"][1],
                "zero sd": abs(ours.factor("zero_inflation", 0)[0, 0]),
            }
        )
    assert_unbiased(truth, found)
