"""One linear mixed model fitted to many responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.errors import DataError
from partialpool.frames import make_frame
from partialpool.inference.parameters import list_parameters, parameters_of
from partialpool.results.response import new_responses, new_values
from partialpool.solve import Refits, solve_again, solve_many

if TYPE_CHECKING:
    from partialpool.linear.fit import LmmFit

__all__ = ["LmmRefits", "refit"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LmmRefits:
    """One model fitted to r responses; ``refits[i]`` is the fit to response i.

    Attributes
    ----------
    fit
        The fit whose model it is.
    responses : (n, r) array
        One response in each column.
    estimates
        Everything that was estimated, as arrays.
    """

    fit: LmmFit
    responses: Array
    estimates: Refits

    def __len__(self) -> int:
        return len(self.estimates)

    def __getitem__(self, i: int) -> LmmFit:
        if not isinstance(i, (int, np.integer)) or not -len(self) <= i < len(self):
            raise DataError(f"there are fits 0 to {len(self) - 1}, found {i!r}.")
        fit: LmmFit = self.fit.refit(self.responses[:, i])
        return fit

    @property
    def fixef(self) -> Array:
        """Fixed effects (r, p), columns as in ``fit.fixef``; NaN for those left out."""
        return self.estimates.beta

    @property
    def stderr(self) -> Array:
        """Standard errors of the fixed effects (r, p)."""
        return np.asarray(self.sigma[:, None] * np.linalg.norm(self.estimates.root, axis=2))

    @property
    def sigma(self) -> Array:
        """Residual standard deviations (r,), in units of the response."""
        return self.estimates.sigma

    @property
    def loglik(self) -> Array:
        """Log-likelihoods, or restricted ones (r,)."""
        return -0.5 * self.estimates.objective

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each search ended by its own rule (r,)."""
        return self.estimates.converged

    def to_frame(self) -> Any:
        """Return coefficients, standard deviations and correlations, one response in each row.

        A native frame with columns such as ``Days``, ``sd(Subject.Days)``, ``sigma`` and
        ``loglik``.
        """
        known = self.fit.sigma_fixed
        names = [p.label for p in list_parameters(self.fit.design, not known)]
        values = parameters_of(self.fit, self.estimates)
        columns = dict(zip(names, values.T, strict=True)) | {"loglik": self.loglik}
        return make_frame(columns, self.fit.design.spec.kind)

    def __repr__(self) -> str:
        stopped = int((~self.converged).sum())
        text = f"{len(self):,} fits of {self.fit.description}"
        return text if not stopped else f"{text}, {stopped:,} of them not converged"


def refit(fit: LmmFit, y: ArrayLike) -> Any:
    """Fit the same model to another response, or to many of them.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    y : (n,) or (n, r) array_like
        One number for each row that was fitted; with several columns one response in each,
        which are fitted together much quicker than one by one.

    Returns
    -------
    LmmFit, or for several responses LmmRefits

    Raises
    ------
    DataError
        If the number of rows differs or a value isn't finite.
    ModelError
        If a response leaves no residual variance.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> round(fit.refit(fit.design.y / 1000).sigma, 7)
    0.0255918
    >>> refits = fit.refit(fit.simulate(100, seed=1))
    >>> refits
    100 fits of Reaction ~ Days + (Days | Subject)
    >>> refits.fixef.shape
    (100, 2)
    """
    # Of an array NumPy's function would take a twentieth of a refit.
    ndim = y.ndim if isinstance(y, np.ndarray) else np.ndim(y)
    if ndim == 2 and np.shape(y)[1] != 1:
        return _refit_many(fit, y)
    design = fit.design.with_response(new_values(y, len(fit.design.y)))
    return type(fit)(design, solve_again(design, fit.solution))


def _refit_many(fit: LmmFit, y: ArrayLike) -> LmmRefits:
    values = new_responses(y, len(fit.design.y))
    values.setflags(write=False)
    by_response = np.ascontiguousarray(values.T)
    return LmmRefits(fit, values, solve_many(fit.design, fit.solution, by_response))
