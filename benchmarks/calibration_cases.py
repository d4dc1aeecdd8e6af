"""Small models whose priors and engines are calibrated: every family, structure and prior once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from partialpool.bayes.statement import Statement, state
from partialpool.families import Family, Response, resolve

__all__ = ["Case", "cases", "statement_of", "with_response"]

_GROUPS = 6
_ROWS = _GROUPS * 6
_TRIALS = 6


@dataclass(frozen=True)
class Case:
    """A model and its priors."""

    name: str
    formula: str
    priors: dict[str, str]
    family: str | Family = "gaussian"
    parts: dict[str, str] = field(default_factory=dict)


def _lognormal(y: Any, mu: Any, dispersion: Any) -> Any:
    z = (np.log(y) - np.log(mu)) / dispersion
    return -0.5 * z**2 - np.log(dispersion * y) - 0.5 * np.log(2 * np.pi)


LOGNORMAL = Family(
    "lognormal",
    _lognormal,
    support="positive",
    simulate=lambda mu, dispersion, rng: mu * np.exp(dispersion * rng.normal(size=len(mu))),
)
_BASE = {"fixef": "normal(0, 1)", "Intercept": "normal(0, 1)"}
_SMALL = {"fixef": "normal(0, 0.5)", "Intercept": "normal(0.5, 0.5)", "sd": "half_normal(0.5)"}
_LINE = "y ~ x + (1 | g)"


def _marginal() -> list[Case]:
    half = _BASE | {"sd": "half_normal(1)", "sigma": "half_normal(1)"}
    alone = {name: prior for name, prior in half.items() if name != "fixef"}
    scales = {
        "half-normal": ("half_normal(1)", "half_normal(1)"),
        "half Student's t": ("half_student_t(5, 1)", "half_student_t(5, 1)"),
        "exponential": ("exponential(1)", "exponential(1)"),
        "gamma and inverse gamma": ("gamma(2, 2)", "inverse_gamma(4, 3)"),
        "half-Cauchy and log-normal": ("half_cauchy(0.5)", "log_normal(0, 0.5)"),
    }
    return [
        Case("no random term", "y ~ x", _BASE | {"sigma": "half_normal(1)"}),
        *(
            Case(f"intercepts, {name}", _LINE, _BASE | {"sd": sd, "sigma": sigma})
            for name, (sd, sigma) in scales.items()
        ),
        Case("slopes, LKJ", "y ~ x + (x | g)", half | {"corr": "lkj(2)"}),
        Case("three, LKJ", "y ~ 1 + (0 + t | g)", alone | {"corr": "lkj(1.5)"}),
        Case("crossed", "y ~ x + (1 | g) + (1 | h)", half),
        Case("cs()", "y ~ 1 + cs(0 + t | g)", alone | {"corr": "lkj(1)"}),
        Case("ar1()", "y ~ 1 + ar1(0 + t | g)", alone | {"corr": "lkj(2)"}),
        Case("toep()", "y ~ 1 + toep(0 + t | g)", alone | {"corr": "lkj(2)"}),
    ]


def _gaussian() -> list[Case]:
    """Priors of sigma that keep it from zero, where trajectories are long."""
    alone = {"Intercept": "normal(0, 1)", "sd": "half_normal(1)", "sigma": "gamma(4, 4)"}
    return [
        Case("slopes, LKJ", "y ~ x + (x | g)",
             _BASE | {"sd": "half_normal(1)", "sigma": "log_normal(0, 0.5)", "corr": "lkj(2)"}),
        Case("three, LKJ", "y ~ 1 + (0 + t | g)",
             alone | {"sigma": "inverse_gamma(4, 3)", "corr": "lkj(1.5)"}),
        Case("crossed", "y ~ x + (1 | g) + (1 | h)",
             {"Intercept": "normal(0, 1)", "fixef": "student_t(4, 0, 1)", "sd": "exponential(1)",
              "sigma": "gamma(4, 4)"}),
        Case("cs()", "y ~ 1 + cs(0 + t | g)", alone | {"corr": "lkj(1)"}),
        Case("ar1()", "y ~ 1 + ar1(0 + t | g)", alone | {"corr": "lkj(2)"}),
        Case("hetar1()", "y ~ 1 + hetar1(0 + t | g)", alone | {"corr": "lkj(2)"}),
        Case("homtoep()", "y ~ 1 + homtoep(0 + t | g)", alone | {"corr": "lkj(1.5)"}),
    ]  # fmt: skip


def _others() -> list[Case]:
    share, phi = "cbind(y, m - y) ~ x + (1 | g)", {"phi": "gamma(4, 2)"}
    half = _BASE | {"sd": "half_normal(1)"}
    return [
        Case("Bernoulli", _LINE, _BASE | {"sd": "half_student_t(5, 1)"}, "binomial"),
        Case("binomial, slopes", "cbind(y, m - y) ~ x + (x | g)", half | {"corr": "lkj(2)"},
             "binomial"),
        Case("beta-binomial", share, half | phi, "betabinomial"),
        Case("beta", _LINE, _BASE | {"sd": "gamma(2, 2)", "phi": "gamma(8, 1)"}, "beta"),
        Case("Poisson", _LINE, _SMALL | {"sd": "exponential(2)"}, "poisson"),
        Case("Poisson, crossed", "y ~ x + (1 | g) + (1 | h)", _SMALL, "poisson"),
        Case("nbinom2", _LINE, _SMALL | {"sd": "inverse_gamma(4, 1.5)"} | phi, "nbinom2"),
        Case("nbinom1", _LINE, _SMALL | {"sd": "log_normal(-1, 0.5)"} | phi, "nbinom1"),
        Case("Poisson, zero-inflated", _LINE,
             _SMALL | {"zero_inflation.Intercept": "normal(-1, 1)"}, "poisson",
             {"zero_inflation": "~ 1"}),
        Case("nbinom2, dispersion", _LINE,
             _SMALL | {"dispersion.fixef": "normal(0, 0.5)",
                       "dispersion.Intercept": "normal(1, 0.5)"},
             "nbinom2", {"dispersion": "~ x"}),
        Case("ordinal", _LINE,
             {"fixef": "normal(0, 1)", "sd": "half_normal(1)", "thresholds": "normal(0, 1.5)"},
             "ordinal"),
        Case("ordinal, slopes", "y ~ x + (x | g)",
             {"fixef": "normal(0, 1)", "sd": "gamma(4, 4)", "corr": "lkj(2)",
              "1|2": "normal(-1, 1)", "2|3": "student_t(5, 0, 1)", "3|4": "normal(1, 1)"},
             "ordinal"),
        Case("gamma", _LINE, _SMALL | {"alpha": "gamma(4, 2)"}, "gamma"),
        Case("Student's t", _LINE,
             _BASE | {"sd": "half_cauchy(0.5)", "scale": "gamma(4, 4)", "nu": "gamma(4, 1)"},
             "student_t"),
        Case("Tweedie", _LINE,
             _SMALL | {"phi": "gamma(4, 4)", "power": "uniform(1.2, 1.8)"}, "tweedie"),
        Case("of one's own", _LINE, _SMALL | {"dispersion": "gamma(4, 8)"}, LOGNORMAL),
    ]  # fmt: skip


def cases(engine: str) -> list[Case]:
    """List the models of an engine."""
    return _marginal() if engine == "marginal" else _gaussian() + _others()


def statement_of(case: Case) -> Statement:
    """State a model of a response that will be replaced; every prior is given."""
    family = resolve(case.family)
    made = state(case.formula, _table(family.name), family, priors=case.priors, **case.parts)
    assert all(a.own for a in made.priors.everything()), case.name
    return made


def _table(family: str) -> dict[str, Any]:
    i = np.arange(_ROWS)
    counts = family in ("binomial", "betabinomial", "poisson", "nbinom1", "nbinom2")
    return {
        "y": 1 + i % 4 if family == "ordinal" else i % 2 if counts else (i + 1.0) / (_ROWS + 1.0),
        "m": np.full(_ROWS, _TRIALS),
        "x": np.tile([-1.0, 1.0], _ROWS // 2),
        "g": np.repeat(np.arange(_GROUPS), 6).astype(str),
        "h": np.tile(np.arange(6), _GROUPS).astype(str),
        "t": np.tile(np.repeat(["1", "2", "3"], 2), _GROUPS),
    }


def with_response(base: Statement, y: np.ndarray) -> Statement:
    """State the same of another response."""
    designs = dict(base.designs)
    designs["mean"] = base.design.with_response(y)
    own = base.response
    response = Response(own.text, y, own.trials, own.levels)
    return Statement(
        designs, response, base.family, base.zero, base.kept, base.symbols, base.priors
    )
