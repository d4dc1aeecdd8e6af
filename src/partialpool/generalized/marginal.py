"""The link that marginal means of a generalized model are taken through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partialpool.errors import NotAvailableError
from partialpool.families import Link
from partialpool.inference import Scale

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["link_of_means"]


def link_of_means(fit: GlmmFit, scale: Scale, contrasts: bool) -> Link:
    """Return the link of the mean, where means on the scale exist.

    The mean is the family's mean parameter: without zero inflation, and before truncation.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    scale
        Of the means: ``"link"`` or ``"response"``.
    contrasts
        Whether contrasts of them are wanted.

    Raises
    ------
    NotAvailableError
        For the response scale of ordinal models, whose linear predictor has no mean; contrasts
        are ratios of cumulative odds all the same.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | BROOD)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> fit.link_of_means("response", contrasts=False).name
    'log'
    """
    if fit.family.name == "ordinal" and scale == "response" and not contrasts:
        raise NotAvailableError(
            "an ordinal model has a probability for each category, and no mean on the response "
            "scale. Take scale='link', contrasts (ratios of odds), or fit.predict(...)."
        )
    return fit.family.link
