"""Linear hypotheses about the fixed effects, as text or as a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.errors import DataError
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.ddf import DDF, calibrate, joint_test
from partialpool.inference.hypotheses.equations import read_equation
from partialpool.inference.protocol import SearchedFit, WaldFit
from partialpool.inference.wald import Contrasts, contrast_tests

__all__ = ["LinearTest", "linear_test"]

Matrix = NDArray[np.float64]
Hypothesis = str | Sequence[str] | ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class LinearTest:
    """A test of one or more linear hypotheses, jointly and one by one.

    Attributes
    ----------
    hypotheses
        What was tested.
    statistic
        F; with an infinite ``den_df`` F times ``num_df`` is a chi-square.
    num_df, den_df
        Degrees of freedom.
    p_value
        Of all hypotheses together.
    single
        Estimate, standard error and t of every left-hand side less its right-hand side.
    method
        What the degrees of freedom are.
    """

    hypotheses: tuple[str, ...]
    statistic: float
    num_df: int
    den_df: float
    p_value: float
    single: Contrasts
    method: str

    def __repr__(self) -> str:
        lines = []
        width = max(map(len, self.hypotheses))
        for i, text in enumerate(self.hypotheses):
            s = self.single
            shown = f"t = {s.statistic[i]:.3f}, df = {s.df[i]:.1f}, p = {s.p_value[i]:.3g}"
            lines.append(f"{text:<{width}}  difference {s.estimate[i]:.5g}  {shown}")
        if len(self.hypotheses) > 1:
            den = f"{self.den_df:.1f}"
            joint = f"F({self.num_df}, {den}) = {self.statistic:.3f}, p = {self.p_value:.3g}"
            lines.append(f"all together: {joint}")
        return "\n".join([*lines, f"Degrees of freedom: {self.method}."])


def linear_test(
    fit: SearchedFit, hypothesis: Hypothesis, rhs: ArrayLike | None = None, ddf: DDF | None = None
) -> LinearTest:
    """Test linear hypotheses about the fixed effects.

    Parameters
    ----------
    fit
        A fitted model.
    hypothesis
        Text such as ``"Days = 10"``, ``"a - b = 0"`` or ``"2*a + b"`` (which is tested against
        zero); several of them in a list; or a matrix (m, p) with a
        column for each coefficient. A name that isn't a plain word may stand in backticks:
        ``"`sex[T.Male]` = 0"``.
    rhs : (m,) array_like, optional
        Right-hand sides of a matrix; zero by default.
    ddf
        As for :func:`partialpool.inference.calibrate`.

    Raises
    ------
    DataError
        If a hypothesis can't be read, names an unknown coefficient, isn't linear, or contradicts
        another.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> linear_test(fit, "Days = 10")
    Days = 10  difference 0.46729  t = 0.302, df = 17.0, p = 0.766
    Degrees of freedom: Satterthwaite.
    """
    L, right, texts = _rows(fit, hypothesis, rhs)
    warn_unless_converged(fit, "tests")
    calibration = calibrate(fit, ddf)
    single = contrast_tests(fit, calibration, L, right)
    single = _shifted(single, right)
    kept = np.isfinite(fit.fixef.values)
    _refuse_left_out(fit, L, kept, texts)
    _refuse_contradictions(L, right, texts)
    joint = joint_test(calibration, fit.fixef.values[kept], L[:, kept], right)
    return LinearTest(
        texts, joint.statistic, joint.num_df, joint.den_df, joint.p_value, single, calibration.name
    )


def _shifted(found: Contrasts, right: Matrix) -> Contrasts:
    return Contrasts(
        found.estimate - right,
        found.std_error,
        found.df,
        found.statistic,
        found.p_value,
        found.method,
    )


def _rows(
    fit: WaldFit, hypothesis: Hypothesis, rhs: ArrayLike | None
) -> tuple[Matrix, Matrix, tuple[str, ...]]:
    names = fit.fixef.names
    if not names:
        raise DataError("the model has no fixed effects, so no hypothesis about them to test.")
    texts = _texts(hypothesis)
    if texts is not None:
        if rhs is not None:
            raise DataError("rhs= belongs to a matrix; of a text the right-hand side is in it.")
        equations = [read_equation(text, names) for text in texts]
        return (
            np.array([e.coefficients for e in equations]),
            np.array([e.value for e in equations]),
            tuple(e.text for e in equations),
        )
    try:
        L = np.atleast_2d(np.asarray(hypothesis, dtype=float))
    except (TypeError, ValueError):
        raise DataError(
            "a hypothesis is a text such as 'x = 0', a list of these, or a matrix of numbers; "
            f"found {hypothesis!r}."
        ) from None
    if L.ndim != 2 or L.shape[1] != len(names) or not np.isfinite(L).all():
        raise DataError(
            f"a matrix of hypotheses needs {len(names)} finite columns, one for each coefficient "
            f"({', '.join(names)}); found one of shape {L.shape}."
        )
    right = np.zeros(len(L)) if rhs is None else np.broadcast_to(np.asarray(rhs, float), len(L))
    return L, right, tuple(_write(row, value, names) for row, value in zip(L, right, strict=True))


def _texts(hypothesis: Hypothesis) -> list[str] | None:
    if isinstance(hypothesis, str):
        return [hypothesis]
    if isinstance(hypothesis, (list, tuple)) and all(isinstance(h, str) for h in hypothesis):
        return [str(h) for h in hypothesis]
    return None


def _write(row: Matrix, value: float, names: Sequence[str]) -> str:
    parts = [f"{c:+g}*{name}" for c, name in zip(row, names, strict=True) if c]
    return f"{' '.join(parts) or '0'} = {value:g}"


def _refuse_left_out(
    fit: WaldFit, L: Matrix, kept: NDArray[np.bool_], texts: Sequence[str]
) -> None:
    for row, text in zip(L, texts, strict=True):
        gone = [n for n, c, k in zip(fit.fixef.names, row, kept, strict=True) if c and not k]
        if gone:
            raise DataError(
                f"{text!r} is about {gone[0]!r}, which the other columns determine, so that it "
                "was left out. Test a combination of the columns that are in the model."
            )


def _refuse_contradictions(L: Matrix, right: Matrix, texts: Sequence[str]) -> None:
    if len(L) < 2:
        return
    size = np.linalg.norm(L, axis=1)
    scale = np.where(size > 0, size, 1.0)
    rows, values = L / scale[:, None], right / scale
    solved = np.linalg.lstsq(rows, values, rcond=None)[0]
    left = np.abs(rows @ solved - values)
    if left.max() > 1e-8 * max(1.0, float(np.abs(values).max())):
        raise DataError(
            f"the hypotheses contradict one another: {'; '.join(texts)}. No coefficients can "
            "satisfy them all. Test them one by one."
        )
