"""Profile curves, and the intervals that they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, UnknownNameError, did_you_mean
from partialpool.frames import FrameKind, make_frame
from partialpool.inference.parameters import Parameter, parameter_columns
from partialpool.inference.wald import check_level

__all__ = ["Curve", "Profile"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The profile of one parameter.

    Attributes
    ----------
    parameter
        Which.
    estimate
        Its maximum-likelihood estimate.
    low, high
        The ends of its range.
    values : (m,) array
        Where it was held, ascending.
    zeta : (m,) array
        Signed root of the deviance above its minimum: standard normal in large samples.
    slope : (m,) array
        Derivative of ``zeta`` in the parameter; NaN where it isn't known.
    """

    parameter: Parameter
    estimate: float
    low: float
    high: float
    values: Array
    zeta: Array
    slope: Array

    def interval(self, level: float) -> tuple[float, float]:
        """Return where ``zeta`` passes the normal quantiles, or the ends of the range."""
        from scipy.special import ndtri  # a tenth of a second, only here

        cutoff = float(ndtri(0.5 + 0.5 * level))
        return self._passes(-cutoff, self.low), self._passes(cutoff, self.high)

    def _passes(self, zeta: float, end: float) -> float:
        if not len(self.values):
            return end
        beyond = (
            np.flatnonzero(self.zeta <= zeta) if zeta < 0 else np.flatnonzero(self.zeta >= zeta)
        )
        if not len(beyond):
            return end
        left = int(beyond[-1]) if zeta < 0 else int(beyond[0]) - 1
        if left < 0:
            return float(self.values[0])
        return self._between(left, zeta)

    def _between(self, left: int, zeta: float) -> float:
        """Invert zeta between two values by a cubic with the known slopes (Hermite's)."""
        (x0, x1), (z0, z1) = self.values[left : left + 2], self.zeta[left : left + 2]
        width = z1 - z0
        if not width > 0:
            return float(x0)
        t = (zeta - z0) / width
        chord = (x1 - x0) / width
        with np.errstate(divide="ignore"):
            inverse = 1.0 / self.slope[left : left + 2]
        # A cubic whose slopes are within thrice the chord's is monotone.
        known = np.isfinite(inverse) & (inverse > 0) & (inverse < 3.0 * chord)
        d0, d1 = np.where(known, inverse, chord) * width
        return float(
            x0 * (1 + 2 * t) * (1 - t) ** 2
            + d0 * t * (1 - t) ** 2
            + x1 * t * t * (3 - 2 * t)
            + d1 * t * t * (t - 1)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Profile likelihood of the parameters of a linear mixed model.

    Attributes
    ----------
    curves
        One for each parameter, in the order of ``tidy()``.
    level
        Up to which intervals can be read off.
    kind
        Kind of frame that tables come in.
    """

    curves: tuple[Curve, ...]
    level: float
    kind: FrameKind

    def __getitem__(self, name: str) -> Curve:
        """Return the curve of a parameter by name.

        Raises
        ------
        UnknownNameError
            If it was not profiled.
        """
        curves = {curve.parameter.label: curve for curve in self.curves}
        if name not in curves:
            raise UnknownNameError(
                f"{name!r} was not profiled; there are {', '.join(map(repr, curves))}."
                f"{did_you_mean(name, tuple(curves))}"
            )
        return curves[name]

    def confint(self, level: float = 0.95) -> Any:
        """Compute profile-likelihood intervals.

        Parameters
        ----------
        level
            Confidence level, at most the one that was profiled up to.

        Returns
        -------
        native frame
            ``effect``, ``group``, ``term``, ``estimate`` (by maximum likelihood), ``conf_low``,
            ``conf_high``. Where the likelihood never falls far enough, an end is that of the
            parameter's range: 0 for a standard deviation, -1 or 1 for a correlation.

        Raises
        ------
        DataError
            If the level is none, or beyond what was profiled.
        """
        if check_level(level) > self.level + 1e-12:
            raise DataError(
                f"the profile goes up to level {self.level:g}, found {level:g}. "
                f"Call profile(level={level:g})."
            )
        ends = [curve.interval(level) for curve in self.curves]
        columns = parameter_columns(tuple(curve.parameter for curve in self.curves))
        columns["estimate"] = np.array([curve.estimate for curve in self.curves])
        columns["conf_low"] = np.array([low for low, _ in ends])
        columns["conf_high"] = np.array([high for _, high in ends])
        return make_frame(columns, self.kind)

    def to_frame(self) -> Any:
        """Return all curves as one frame: ``effect``, ``group``, ``term``, ``value``, ``zeta``."""
        columns = parameter_columns([c.parameter for c in self.curves for _ in c.values])
        columns |= {
            "value": np.concatenate([c.values for c in self.curves]),
            "zeta": np.concatenate([c.zeta for c in self.curves]),
        }
        return make_frame(columns, self.kind)

    def __repr__(self) -> str:
        level = min(0.95, self.level)
        width = max((len(c.parameter.label) for c in self.curves), default=0)
        head = f"Profile likelihood, {100 * level:g}% intervals"
        lines = [f"{'':<{width}}  {'estimate':>10}  {'low':>10}  {'high':>10}"]
        for curve in self.curves:
            numbers = (curve.estimate, *curve.interval(level))
            shown = "  ".join(f"{x:>10.5g}" for x in numbers)
            lines.append(f"{curve.parameter.label:<{width}}  {shown}")
        return "\n".join([head, *lines])
