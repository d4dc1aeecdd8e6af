"""A fitted Bayesian model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.bayes import crossvalidation, expectation, hypotheses, responses, tables
from partialpool.bayes import predict as prediction
from partialpool.bayes.control import Control
from partialpool.bayes.credible import IntervalKind, confint
from partialpool.bayes.crossvalidation import Elpd
from partialpool.bayes.explained import RSquared, r_squared
from partialpool.bayes.graph import ModelGraph, model_graph
from partialpool.bayes.hypotheses import Hypothesis
from partialpool.bayes.means import posterior_means, posterior_slopes
from partialpool.bayes.posterior import Posterior
from partialpool.bayes.predict import PredictionType
from partialpool.bayes.predict_draws import predict_draws
from partialpool.bayes.rows import NewLevels
from partialpool.bayes.sensitivity import prior_sensitivity
from partialpool.bayes.summary import PosteriorSummary, summarize
from partialpool.docstrings import explained
from partialpool.inference.seeds import Seed, generator

__all__ = ["BayesFit"]

Vector = NDArray[np.float64]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class BayesFit(Posterior):
    """A posterior.

    Made by :func:`partialpool.bmm`; nothing in it changes.
    """

    @property
    def divergences(self) -> int:
        """Draws at which the sampler failed to follow the posterior."""
        return int(self.draws.stats["diverging"].sum())

    @property
    def converged(self) -> bool:
        """Whether chains agree and nothing diverged; the summary has the words."""
        return not self.summary().troubles

    @property
    def fitted(self) -> Vector:
        """Posterior mean of every row's mean (n,); of ordered categories, of their scores."""
        return prediction.fitted(self)[0]

    def ranef(self, factor: str | None = None, cond_sd: bool = False) -> Any:
        """Tabulate the posterior means of the random effects of one grouping factor.

        Parameters
        ----------
        factor
            Name of the grouping factor; None for all.
        cond_sd
            Add the posterior standard deviations, columns ``<name>_sd``, which carry what isn't
            known about the parameters too.

        Returns
        -------
        native frame, or dict of them by factor where there are several and none is named
            One row for each level: the level, then one column for each effect, in units of the
            linear predictor per unit of its column. NaN where an effect doesn't apply to a level.

        Raises
        ------
        DataError
            If the factor is unknown, or there is none.

        Examples
        --------
        >>> import partialpool as pp
        >>> sleep = pp.load_dataset("sleepstudy")
        >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", sleep, seed=1)
        >>> fit.ranef(cond_sd=True).round(-1).head(1)
          Subject  Intercept  Days  Intercept_sd  Days_sd
        0     308        0.0  10.0          10.0      0.0
        """
        return inference.random_effects(self, factor, cond_sd=cond_sd)

    def coef(self, factor: str | None = None) -> Any:
        """See :func:`partialpool.inference.coefficients`."""
        return inference.coefficients(self, factor)

    def predict(
        self,
        new: Any = None,
        type: PredictionType = "response",  # noqa: A002 - as in R
        random: Literal["all", "none"] | Sequence[str] = "all",
        new_levels: NewLevels = "error",
        se: bool = False,
        interval: Literal["confidence", "prediction"] | None = None,
        level: float = 0.95,
        inapplicable: Literal["error", "ignore"] = "error",
        offset: Any = None,
        applicable: Any = None,
        trials: Any = None,
        seed: Seed = None,
    ) -> Any:
        """See :func:`partialpool.bayes.predict.predict`."""
        return prediction.predict(
            self,
            new,
            type=type,
            random=random,
            new_levels=new_levels,
            se=se,
            interval=interval,
            level=level,
            inapplicable=inapplicable,
            offset=offset,
            applicable=applicable,
            trials=trials,
            seed=seed,
        )

    predict_draws = predict_draws
    effects = inference.conditional_effects
    expectation = expectation.expectation

    def simulate(
        self,
        nsim: int = 1,
        seed: Seed = None,
        new: Any = None,
        random: Literal["all", "none"] | Sequence[str] = "all",
        new_levels: NewLevels = "error",
        trials: Any = None,
    ) -> Vector:
        """See :func:`partialpool.bayes.responses.simulate`."""
        return responses.simulate(
            self, nsim, seed, new=new, random=random, new_levels=new_levels, trials=trials
        )

    def means(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        contrasts: inference.ContrastKind | None = None,
        at: Mapping[str, Any] | None = None,
        level: float = 0.95,
        scale: inference.Scale = "link",
        offset: float = 0.0,
    ) -> Any:
        """See :func:`partialpool.bayes.means.posterior_means`."""
        return posterior_means(
            self, specs, by, contrasts=contrasts, at=at, level=level, scale=scale, offset=offset
        )

    def slopes(
        self,
        variable: str,
        by: str | Sequence[str] | None = None,
        contrasts: inference.ContrastKind | None = None,
        at: Mapping[str, Any] | None = None,
        level: float = 0.95,
        scale: inference.Scale = "link",
        offset: float = 0.0,
    ) -> Any:
        """See :func:`partialpool.bayes.means.posterior_slopes`."""
        return posterior_slopes(
            self, variable, by, contrasts=contrasts, at=at, level=level, scale=scale, offset=offset
        )

    @overload
    def hypothesis(self, text: str, level: float = 0.95) -> Hypothesis: ...

    @overload
    def hypothesis(self, text: Sequence[str], level: float = 0.95) -> Any: ...

    def hypothesis(self, text: str | Sequence[str], level: float = 0.95) -> Any:
        """See :func:`partialpool.bayes.hypotheses.check`."""
        return hypotheses.check(self, text, level)

    def loo(self, kind: Literal["conditional", "marginal"] = "conditional") -> Elpd:
        """See :func:`partialpool.bayes.crossvalidation.loo`."""
        return crossvalidation.loo(self, kind)

    def waic(self, kind: Literal["conditional", "marginal"] = "conditional") -> Elpd:
        """See :func:`partialpool.bayes.crossvalidation.waic`."""
        return crossvalidation.waic(self, kind)

    def prior(self, draws: int = 1000, seed: Seed = None) -> BayesFit:
        """Draw from the priors alone: a fit that has not seen the response.

        Its ``simulate`` gives prior predictive responses.

        Parameters
        ----------
        draws
            How many.
        seed
            Of the draws.

        Raises
        ------
        ModelError
            If a prior is flat.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1,
        ...              priors={"Days": "normal(0, 20)"})
        >>> fit.prior(500, seed=1).simulate(2, seed=1).shape
        (180, 2)
        """
        from partialpool.bayes.prior_draws import draw_prior

        drawn = draw_prior(self.statement, draws, generator(seed))
        return BayesFit(self.statement, drawn, "prior", Control(draws, 0, 1, 0))

    def resample(
        self,
        draws: int | None = None,
        tune: int | None = None,
        chains: int | None = None,
        seed: Seed = None,
        target_accept: float | None = None,
        max_depth: int | None = None,
        progress: bool | Callable[[int, int], None] = False,
    ) -> BayesFit:
        """Sample the same model again, longer or more carefully.

        Parameters
        ----------
        draws, tune, chains, target_accept, max_depth
            As for :func:`partialpool.bmm`; None for those of the fit.
        seed
            None for the fit's: the same numbers give the same draws.
        progress
            As for :func:`partialpool.bmm`.

        Raises
        ------
        DataError
            If a number is out of range.

        Warns
        -----
        PartialPoolWarning
            As :func:`partialpool.bmm`.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
        >>> fit.resample(draws=5000).parameters["Days"].shape
        (4, 5000)
        """
        from partialpool.bayes.model import resample  # which builds fits, and so imports this

        return resample(
            self, draws, tune, chains, seed, target_accept, max_depth, progress=progress
        )

    def prior_sensitivity(self) -> Any:
        """See :func:`partialpool.bayes.sensitivity.prior_sensitivity`."""
        return prior_sensitivity(self)

    def r_squared(self, random: Literal["all", "none"] | Sequence[str] = "all") -> RSquared:
        """See :func:`partialpool.bayes.explained.r_squared`."""
        return r_squared(self, random)

    def prior_summary(self) -> Any:
        """See :func:`partialpool.bayes.tables.prior_summary`."""
        return tables.prior_summary(self)

    def summary(self, level: float = 0.95) -> PosteriorSummary:
        """See :func:`partialpool.bayes.summary.summarize`."""
        return summarize(self, level)

    def tidy(self, level: float = 0.95, interval: IntervalKind = "eti") -> Any:
        """See :func:`partialpool.bayes.tables.tidy`."""
        return tables.tidy(self, level, interval)

    def confint(self, level: float = 0.95, interval: IntervalKind = "eti") -> Any:
        """See :func:`partialpool.bayes.credible.confint`."""
        return confint(self, level, interval)

    def glance(self) -> Any:
        """See :func:`partialpool.bayes.tables.glance`."""
        return tables.glance(self)

    def augment(self) -> Any:
        """See :func:`partialpool.bayes.tables.augment`."""
        return tables.augment(self)

    def render(self) -> ModelGraph:
        """Return the model's graph: it prints as equations, and has a ``source`` for Graphviz.

        :func:`partialpool.plots.model_graph` draws it.

        Examples
        --------
        >>> import partialpool as pp
        >>> sleep = pp.load_dataset("sleepstudy")
        >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", sleep, draws=50, tune=50, seed=1)
        >>> fit.render().source[:7]
        'digraph'
        """
        return model_graph(self.statement)

    def to_arviz(self, rows: bool | None = None, seed: Seed = 0) -> Any:
        """See :func:`partialpool.bayes.exchange.to_arviz`."""
        from partialpool.bayes.exchange import to_arviz

        return to_arviz(self, rows, seed)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a fit to one file.

        The file holds the rows used and every draw; whoever gets the file gets these columns of
        the data.

        Parameters
        ----------
        path
            File to write; one that exists is replaced in one step.

        Raises
        ------
        SavedModelError
            If the file can't be written.

        Examples
        --------
        >>> import os, tempfile
        >>> import partialpool as pp
        >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "sleep.model")
        ...     fit.save(path)
        ...     pp.load(path).fixef["Days"] == fit.fixef["Days"]
        True
        """
        from partialpool.bayes.storage import save  # storage builds fits, so it imports this

        save(self, path)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()
