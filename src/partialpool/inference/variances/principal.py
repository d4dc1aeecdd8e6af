"""How many dimensions the random effects of a factor have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.protocol import Fit

__all__ = ["PrincipalEffects", "principal_effects"]


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalEffects:
    """Principal components of the random effects of one grouping factor.

    Attributes
    ----------
    group
        Grouping factor.
    columns
        Names of the k effects, those of several terms one after the other.
    sd : (k,) array
        Standard deviations of the components over sigma, largest first.
    share : (k,) array
        Shares of the variance.
    rotation : (k, k) array
        Loadings, a component in each column.
    """

    group: str
    columns: tuple[str, ...]
    sd: NDArray[np.float64]
    share: NDArray[np.float64]
    rotation: NDArray[np.float64]

    def __repr__(self) -> str:
        width = max(9, *(len(c) + 2 for c in self.columns))
        head = "".join(f"{c:>{width}}" for c in self.columns)
        lines = [f"{self.group}: {'sd':>9}{'share':>9}{head}"]
        pad = " " * (len(self.group) + 2)
        for sd, share, loadings in zip(self.sd, self.share, self.rotation.T, strict=True):
            shown = "".join(f"{x:>{width}.3f}" for x in loadings)
            lines.append(f"{pad}{sd:>9.4f}{share:>9.4f}{shown}")
        return "\n".join(lines)


def principal_effects(fit: Fit) -> tuple[PrincipalEffects, ...]:
    """Find the principal components of the random effects, factor by factor.

    A component without variance means a covariance that the data don't support; lme4's ``rePCA``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.principal_effects()[0].share.round(3)
    array([0.946, 0.054])
    """
    design = fit.design
    groups = dict.fromkeys(e.factor.name for e in design.random)
    return tuple(_components(fit, group) for group in groups)


def _components(fit: Fit, group: str) -> PrincipalEffects:
    terms = [i for i, e in enumerate(fit.design.random) if e.factor.name == group]
    factors = [fit.solution.factor(i) for i in terms]
    k = sum(len(f) for f in factors)
    whole = np.zeros((k, k))
    start = 0
    for factor in factors:
        stop = start + len(factor)
        whole[start:stop, start:stop] = factor
        start = stop
    rotation, sd, _ = np.linalg.svd(whole)
    total = float(sd @ sd)
    columns = tuple(c for i in terms for c in fit.design.random[i].columns)
    share = sd**2 / total if total > 0 else np.full(k, np.nan)
    return PrincipalEffects(group, columns, sd, share, rotation)
