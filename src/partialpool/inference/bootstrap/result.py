"""What a bootstrap found: draws of a statistic, their errors and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import FrameKind, make_frame
from partialpool.inference.parameters import Named, parameter_columns
from partialpool.inference.wald import check_level

__all__ = ["Bootstrap", "IntervalKind"]

Array = NDArray[np.float64]
IntervalKind = Literal["percentile", "basic", "normal", "bca"]
_KINDS = ("percentile", "basic", "normal", "bca")
# A quantile needs draws beyond it: 5 above the 97.5th of 200.
_FEW = 200


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Draws of a statistic under repeated sampling.

    Attributes
    ----------
    names
        One per number of the statistic; unless one was given ``"Days"``,
        ``"sd(Subject.Days)"``, ``"zero_inflation.Intercept"``, ``"sigma"``.
    parameters
        What these are, in the columns of ``tidy()``; empty where a statistic was given.
    estimate : (s,) array
        The statistic of the fit itself.
    draws : (n, s) array
        One draw in each row; NaN where a number doesn't exist (a correlation beside a standard
        deviation of zero) or a refit failed.
    kind
        ``"parametric"``, ``"residual"`` or ``"case"``.
    asked
        Draws that were asked for; more than are there if it was interrupted.
    failed
        Refits that ended in an error, with the first one's words.
    acceleration : (s,) array, or None
        Skewness of the statistic's influence, for BCa intervals.
    frame_kind
        Kind of frame that tables come in.
    """

    names: tuple[str, ...]
    parameters: tuple[Named, ...]
    estimate: Array
    draws: Array
    kind: str
    asked: int
    failed: tuple[int, str]
    acceleration: Array | None
    frame_kind: FrameKind

    @property
    def std_error(self) -> Array:
        """Standard deviation of the draws (s,)."""
        return self._over_draws(lambda x: float(np.std(x, ddof=1)) if len(x) > 1 else np.nan)

    @property
    def bias(self) -> Array:
        """Mean of the draws less the estimate (s,)."""
        return self._over_draws(lambda x: float(x.mean()) if len(x) else np.nan) - self.estimate

    def confint(self, level: float = 0.95, method: IntervalKind = "percentile") -> Any:
        """Compute intervals from the draws.

        Parameters
        ----------
        level
            Confidence level.
        method
            ``"percentile"``; ``"basic"``, the percentiles reflected at the estimate;
            ``"normal"``, estimate less bias with normal quantiles; ``"bca"``, percentiles
            corrected for bias and skewness.

        Returns
        -------
        native frame
            ``effect``, ``component`` (of generalized models), ``group``, ``term``,
            ``estimate``, ``std_error``, ``conf_low``, ``conf_high``. Of a statistic that was
            given ``term`` alone says which number it is.

        Raises
        ------
        DataError
            If level or method is none, or no draws were made.

        References
        ----------
        Davison & Hinkley (1997), Bootstrap Methods and their Application, equations 5.6, 5.5,
        5.18 and 5.21.
        """
        check_level(level)
        if method not in _KINDS:
            raise DataError(
                f"method must be one of {', '.join(map(repr, _KINDS))}, found {method!r}."
            )
        if not len(self.draws):
            raise DataError("there are no draws to make intervals of: it was interrupted before.")
        ends = np.array([self._ends(s, level, method) for s in range(len(self.names))])
        columns = parameter_columns(self.parameters)
        if not self.parameters:
            columns = {"term": np.array(self.names, dtype=object)}
        columns |= {"estimate": self.estimate, "std_error": self.std_error}
        columns |= {"conf_low": ends[:, 0], "conf_high": ends[:, 1]}
        return make_frame(columns, self.frame_kind)

    def to_frame(self) -> Any:
        """Return the draws as a native frame, one column for each number."""
        return make_frame(dict(zip(self.names, self.draws.T, strict=True)), self.frame_kind)

    def _over_draws(self, function: Any) -> Array:
        return np.array([function(x[np.isfinite(x)]) for x in self.draws.T])

    def _ends(self, s: int, level: float, method: str) -> tuple[float, float]:
        from scipy.special import ndtr, ndtri  # a tenth of a second, only here

        x, estimate = self.draws[:, s], self.estimate[s]
        x = x[np.isfinite(x)]
        if len(x) < 2 or not np.isfinite(estimate):
            return np.nan, np.nan
        tails = np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level])
        if method == "normal":
            half = float(ndtri(tails[1])) * float(np.std(x, ddof=1))
            centre = 2.0 * estimate - float(x.mean())
            return centre - half, centre + half
        if method == "bca":
            # A draw equal to the estimate (a variance of zero) counts half.
            below = float((x < estimate).mean() + 0.5 * (x == estimate).mean())
            z0 = float(ndtri(np.clip(below, 1.0 / (len(x) + 1), len(x) / (len(x) + 1))))
            a = 0.0 if self.acceleration is None else float(self.acceleration[s])
            shifted = z0 + ndtri(tails)
            tails = ndtr(z0 + shifted / (1.0 - a * shifted))
        # R's type 6: the p-th quantile of n draws stands at (n + 1) p.
        low, high = np.quantile(x, tails, method="weibull")
        if method == "basic":
            low, high = 2.0 * estimate - high, 2.0 * estimate - low
        return float(low), float(high)

    def __repr__(self) -> str:
        head = f"{len(self.draws):,} {self.kind} bootstrap draws"
        if len(self.draws) < self.asked:
            head += f" (interrupted: {self.asked:,} were asked for)"
        if self.failed[0]:
            head += f"\n{self.failed[0]:,} refits failed, the first: {self.failed[1]}"
        width = max(map(len, self.names), default=0)
        lines = [f"{'':<{width}}  {'estimate':>10}  {'bias':>10}  {'std. error':>10}"]
        lines += [
            f"{name:<{width}}  " + "  ".join(f"{x:>10.5g}" for x in numbers)
            for name, *numbers in zip(
                self.names, self.estimate, self.bias, self.std_error, strict=True
            )
        ]
        if len(self.draws) < _FEW:
            lines.append("Too few draws for 95% intervals; take 1,000 or more.")
        return "\n".join([head, *lines])
