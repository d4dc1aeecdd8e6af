"""Posterior of the expected response for rows, random effects at zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import probabilities
from partialpool.bayes.predict import summaries
from partialpool.bayes.responses import means, responses
from partialpool.bayes.rows import PosteriorRows, posterior_rows
from partialpool.bayes.trials import trials_of
from partialpool.design import DesignSpec
from partialpool.errors import NotAvailableError
from partialpool.families import Ordinal
from partialpool.inference import Scale
from partialpool.inference.conditional.expectation import Band, Expected, check_drawn, offset_of
from partialpool.inference.means.grid import without_rules
from partialpool.inference.seeds import seed_sequence

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["PosteriorExpectation", "expectation"]

Array = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorExpectation:
    """Posterior means and intervals of the expected response, or of its linear predictor.

    Attributes
    ----------
    fit
        The posterior.
    scale
        ``"response"`` or ``"link"``.
    """

    fit: BayesFit
    scale: Scale
    posterior: bool = True

    @property
    def specs(self) -> Mapping[str, DesignSpec]:
        """Of the linear predictors that the scale depends on."""
        family, zero = self.fit.family, self.fit.statement.zero
        wanted = family.mean_parts(zero) if self.scale == "response" else ("mean",)
        return {name: d.spec for name, d in self.fit.designs.items() if name in wanted}

    @property
    def categories(self) -> tuple[str, ...]:
        """Of an ordinal response, on its own scale."""
        ordered = isinstance(self.fit.family, Ordinal) and self.scale == "response"
        return self.fit.statement.response.levels or () if ordered else ()

    def at(self, table: Table, offset: float, band: Band) -> Expected:
        """Compute it for rows."""
        specs, n = self.specs, len(next(iter(table.values())))
        drawn = band.interval == "prediction"
        if drawn:
            specs = {name: design.spec for name, design in self.fit.designs.items()}
            self._refuse_scales()
            check_drawn(specs, table)
        rows = posterior_rows(
            self.fit,
            dict(table),
            random="none",
            new_groups=drawn,
            seed=band.seed,
            offset=offset_of(specs["mean"], offset, n),
            inapplicable="ignore",
            specs={name: without_rules(spec, table) for name, spec in specs.items()},
        )
        if self.categories:
            found = probabilities(self.fit, rows, band.level)
            return Expected(found.mean, found.sd, found.low, found.high)
        if drawn:
            return self._predicted(rows, trials_of(self.fit, table, n), band)
        return Expected(
            *np.hstack(list(summaries(self.fit, rows, self.scale, "confidence", band.level)))
        )

    def _predicted(self, rows: PosteriorRows, trials: Array | None, band: Band) -> Expected:
        """Draw a response of every draw for every row: in all rows by the same numbers.

        So a band's ends are as smooth as the posterior; each row's interval is what it would be.
        """
        root, found = seed_sequence(band.seed), []
        for i in range(rows.n):
            row = slice(i, i + 1)
            eta = rows.eta(row)
            mean, rng = means(self.fit, eta), np.random.default_rng(root)
            values = responses(self.fit, eta, row, None, trials, rng)
            if trials is not None and self.fit.family.has_trials:
                values = values / np.maximum(trials[row], 1.0)
            tails = [(1 - band.level) / 2, (1 + band.level) / 2]
            found.append([mean.mean(), mean.std(ddof=1), *np.quantile(values, tails)])
        return Expected(*np.array(found).T)

    def _refuse_scales(self) -> None:
        if self.scale == "link" or self.categories:
            what = "has no link scale" if self.scale == "link" else "is a category"
            raise NotAvailableError(
                f"a new response {what}, and so no prediction interval. Use interval='confidence'."
            )


def expectation(fit: BayesFit, scale: Scale) -> PosteriorExpectation:
    """Return the posterior of the expected response as a function of rows.

    Parameters
    ----------
    fit
        A Bayesian fit.
    scale
        ``"response"``: the mean, zero inflation included, or the probabilities of an ordinal
        response's categories; ``"link"``: the mean's linear predictor.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> from partialpool.inference.conditional import Band
    >>> found = fit.expectation("response").at({"Days": np.array([0, 9])}, 0.0, Band())
    >>> found.estimate.round(-1)
    array([250., 350.])
    """
    return PosteriorExpectation(fit, scale)
