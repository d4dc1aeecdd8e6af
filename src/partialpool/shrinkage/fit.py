"""A fitted penalised regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.design import Design
from partialpool.docstrings import explained
from partialpool.inference.seeds import Seed
from partialpool.named import NamedVector
from partialpool.shrinkage import bootstrap, predict, tables
from partialpool.shrinkage.design_rows import Asked
from partialpool.shrinkage.estimates import PenalizedEstimates
from partialpool.shrinkage.summary import Summary, summarize

__all__ = ["PenalizedFit"]

Vector = NDArray[np.float64]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class PenalizedFit:
    """A fitted penalised regression; made by :func:`partialpool.penalized`.

    Attributes
    ----------
    design
        Rows, columns and random terms, and how to make them again for new data.
    asked
        Loss, penalty and weights of the levels.
    solution
        Coefficients, and how they were found.
    labels
        Labels of the two classes, the second a success; empty for numbers.
    """

    design: Design
    asked: Asked
    solution: PenalizedEstimates
    labels: tuple[str, ...] = ()

    @property
    def fixef(self) -> NamedVector:
        """Shared coefficients; NaN for columns that the others determine."""
        return NamedVector(self.design.columns, self.solution.beta)

    @property
    def objective(self) -> float:
        """Loss plus penalty."""
        return self.solution.objective

    @property
    def gap(self) -> float:
        """How far the objective may be from its least value, at most."""
        return self.solution.gap

    @property
    def l2(self) -> float:
        """Penalty of the deviations' length."""
        return self.asked.penalty.l2

    @property
    def converged(self) -> bool:
        """Whether the dual problem confirms the objective to a millionth; less with a metric."""
        share = 1e-3 if self.asked.penalty.reweight else 1e-6
        return bool(self.gap <= share * max(abs(self.objective), 1e-300))

    @property
    def nobs(self) -> int:
        """Rows with weight."""
        weights = self.design.weights
        return len(self.design.y) if weights is None else int(np.count_nonzero(weights))

    @property
    def ngroups(self) -> dict[str, int]:
        """Number of levels of every grouping factor."""
        return {e.factor.name: len(e.factor.levels) for e in self.design.random}

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Columns left out because no row identifies them."""
        return self.design.not_applicable

    @property
    def aliased(self) -> dict[str, str]:
        """Columns left out because those before them determine them."""
        gone = np.isnan(self.solution.beta)
        return {
            name: "a combination of the columns before it"
            for name, left_out in zip(self.design.columns, gone, strict=True)
            if left_out
        }

    @property
    def fitted(self) -> Vector:
        """Fitted responses of the rows (n,); probabilities of the second label for two classes."""
        return predict.predict(self)

    def residuals(self) -> Vector:
        """Response less fitted value (n,).

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.penalized("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
        >>> fit.residuals().shape
        (180,)
        """
        return self.design.y - self.fitted

    def ranef(self, factor: str | None = None, cond_sd: bool = False) -> Any:
        """See :func:`partialpool.inference.random_effects`; there are no standard deviations."""
        return inference.random_effects(self, factor, cond_sd=cond_sd)

    def coef(self, factor: str | None = None) -> Any:
        """See :func:`partialpool.inference.coefficients`."""
        return inference.coefficients(self, factor)

    def predict(
        self,
        new: Any = None,
        random: Literal["all", "none"] | Sequence[str] = "all",
        new_levels: Literal["error", "population"] = "error",
        type: Literal["response", "link"] = "response",  # noqa: A002 - as in GlmmFit
        inapplicable: Literal["error", "ignore"] = "error",
        offset: Any = None,
        applicable: Any = None,
    ) -> Vector:
        """See :func:`partialpool.shrinkage.predict.predict`."""
        return predict.predict(
            self,
            new,
            random=random,
            new_levels=new_levels,
            type=type,
            inapplicable=inapplicable,
            offset=offset,
            applicable=applicable,
        )

    def confint(
        self,
        level: float = 0.95,
        nsim: int = 200,
        seed: Seed = None,
        of: Literal["shared", "deviations"] = "shared",
    ) -> Any:
        """See :func:`partialpool.shrinkage.bootstrap.intervals`."""
        return bootstrap.intervals(self, level, nsim, seed, of)

    def summary(self) -> Summary:
        """See :func:`partialpool.shrinkage.summary.summarize`."""
        return summarize(self)

    def tidy(self) -> Any:
        """See :func:`partialpool.shrinkage.tables.tidy`."""
        return tables.tidy(self)

    def glance(self) -> Any:
        """See :func:`partialpool.shrinkage.tables.glance`."""
        return tables.glance(self)

    def augment(self) -> Any:
        """See :func:`partialpool.shrinkage.tables.augment`."""
        return tables.augment(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a fit to one file.

        The file holds the rows used; whoever gets the file gets these columns of the data.

        Parameters
        ----------
        path
            File to write; one that exists is replaced in one step.

        Raises
        ------
        SavedModelError
            If the file can't be written, or weights were given for levels whose labels JSON can't
            hold.

        Examples
        --------
        >>> import os, tempfile
        >>> import partialpool as pp
        >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "sleep.model")
        ...     fit.save(path)
        ...     bool((pp.load(path).fitted == fit.fitted).all())
        True
        """
        from partialpool.shrinkage.storage import save  # storage builds fits, so it imports this

        save(self, path)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()
