"""New responses drawn from a fitted model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.counts import check_count
from partialpool.inference.fitted import fitted_values, linear_part
from partialpool.inference.protocol import DrawableModel, Fit
from partialpool.inference.rows import refuse_pooled
from partialpool.inference.seeds import Seed, generator

__all__ = ["Draws", "draw", "simulate"]

Array = NDArray[np.float64]


def simulate(
    fit: Fit, nsim: int = 1, seed: Seed = None, *, conditional: bool = False
) -> NDArray[np.float64]:
    """Draw responses from the fitted model.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    nsim
        Number of draws.
    seed
        Seed of NumPy's default generator; the same seed gives the same draws.
    conditional
        Keep the random effects at their conditional means, instead of drawing new ones for
        every level.

    Returns
    -------
    (n, nsim) array
        In units of the response. Rows of weight zero, whose variance is infinite and which no
        fit counts, get their mean.

    Raises
    ------
    DataError
        If ``nsim`` is below one.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.simulate(2, seed=1).shape
    (180, 2)
    """
    count = check_count("nsim", nsim)
    mean = fitted_values(fit) if conditional else None
    return draw(fit, generator(seed), count, mean=mean).y


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Responses drawn from a fitted model, and what they were made of.

    Attributes
    ----------
    y : (n, nsim) array
        In units of the response.
    b
        Random effects (J, k, nsim) of every term; empty if none were drawn.
    """

    y: Array
    b: tuple[Array, ...]


def draw(
    model: DrawableModel,
    rng: np.random.Generator,
    nsim: int,
    *,
    beta: Array | None = None,
    mean: Array | None = None,
) -> Draws:
    """Draw responses with a generator of one's own; see :func:`simulate`.

    Parameters
    ----------
    model
        Design and parameters.
    rng
        Generator.
    nsim
        Number of draws.
    beta : (p,) array, optional
        Coefficients in place of the model's.
    mean : (n,) array, optional
        Mean of every row, in place of fixed part and drawn effects.
    """
    design, solution = model.design, model.solution
    refuse_pooled(design)
    n = len(design.y)
    b = []
    fixed = linear_part(design.X, model.fixef.values if beta is None else beta, design.offset)
    eta = np.repeat((fixed if mean is None else mean)[:, None], nsim, axis=1)
    for i, effects in enumerate(design.random if mean is None else ()):
        J, k = len(effects.factor.levels), len(effects.columns)
        factor = solution.sigma * solution.factor(i)
        b.append(np.einsum("rc,jcs->jrs", factor, rng.standard_normal((J, k, nsim))))
        eta += np.einsum("ik,iks->is", effects.basis, b[-1][effects.factor.codes])
    noise = rng.standard_normal((n, nsim)) * solution.sigma
    if design.weights is not None:
        counted = design.weights > 0
        noise[~counted] = 0.0
        noise[counted] /= np.sqrt(design.weights[counted])[:, None]
    return Draws(eta + noise, tuple(b))
