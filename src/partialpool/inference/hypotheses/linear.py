"""Linear hypotheses about the fixed effects, as text or as a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.errors import DataError
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.ddf import DDF, calibrate, joint_test
from partialpool.inference.hypotheses.equations import Equation, read_equation
from partialpool.inference.hypotheses.fixed_terms import FixedTerm, fixed_terms
from partialpool.inference.protocol import SearchedFit, WaldFit
from partialpool.inference.wald import Contrasts, combination_tests

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
            of = f"z = {s.statistic[i]:.3f}"
            if np.isfinite(s.df[i]):
                of = f"t = {s.statistic[i]:.3f}, df = {s.df[i]:.1f}"
            shown = f"{of}, p = {s.p_value[i]:.3g}"
            lines.append(f"{text:<{width}}  difference {s.estimate[i]:.5g}  {shown}")
        if len(self.hypotheses) > 1:
            of = f"F({self.num_df}, {self.den_df:.1f}) = {self.statistic:.3f}"
            if np.isinf(self.den_df):
                of = f"chi-square({self.num_df}) = {self.num_df * self.statistic:.3f}"
            lines.append(f"all together: {of}, p = {self.p_value:.3g}")
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
        zero); the name of a term such as ``"treatment"`` or ``"bs(age, df=3)"``, whose
        coefficients are tested against zero together (where an interaction contains the term,
        that is at the interaction's reference; :func:`anova` averages over its levels instead);
        several of these in a list; or a matrix (m, p) with a column for each coefficient. A name
        that isn't a plain word may stand in backticks: ``"`sex[T.Male]` = 0"``.
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
    >>> fit.test("Days = 10")
    Days = 10  difference 0.46729  t = 0.302, df = 17.0, p = 0.766
    Degrees of freedom: Satterthwaite.
    >>> machines = pp.lmm("score ~ Machine + (1 | Worker)", pp.load_dataset("Machines"))
    >>> machines.test("Machine")
    Machine[T.B] = 0  difference 7.9667  t = 7.559, df = 46.0, p = 1.33e-09
    Machine[T.C] = 0  difference 13.917  t = 13.205, df = 46.0, p = ...
    all together: F(2, 46.0) = 87.798, p = ...
    Degrees of freedom: Satterthwaite.
    """
    L, right, texts = _rows(fit, hypothesis, rhs)
    warn_unless_converged(fit, "tests")
    calibration = calibrate(fit, ddf)
    kept = np.isfinite(fit.fixef.values)
    _refuse_left_out(fit, L, kept, texts)
    # Given that those left out are zero, as in every table of coefficients.
    found = combination_tests(fit, calibration, L[:, kept], right)
    single = replace(found, estimate=found.estimate - right)
    _refuse_contradictions(L, right, texts)
    joint = joint_test(calibration, fit.fixef.values[kept], L[:, kept], right)
    return LinearTest(
        texts, joint.statistic, joint.num_df, joint.den_df, joint.p_value, single, calibration.name
    )


def _rows(
    fit: WaldFit, hypothesis: Hypothesis, rhs: ArrayLike | None
) -> tuple[Matrix, Matrix, tuple[str, ...]]:
    names = fit.fixef.names
    if not names:
        raise DataError("the model has no fixed effects, so no hypothesis about them to test.")
    texts = _texts(hypothesis)
    if texts is None:
        return _of_matrix(hypothesis, rhs, names)
    if not texts:
        raise DataError("there is no hypothesis to test in an empty list. Give one or more.")
    if rhs is not None:
        raise DataError("rhs= belongs to a matrix; of a text the right-hand side is in it.")
    equations = [equation for text in texts for equation in _equations(fit, text)]
    return (
        np.array([e.coefficients for e in equations]),
        np.array([e.value for e in equations]),
        tuple(e.text for e in equations),
    )


def _of_matrix(
    hypothesis: Hypothesis, rhs: ArrayLike | None, names: Sequence[str]
) -> tuple[Matrix, Matrix, tuple[str, ...]]:
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


def _equations(fit: WaldFit, text: str) -> list[Equation]:
    """Read a text: an equation, or the name of a term, whose coefficients are all zero."""
    names = fit.fixef.names
    terms = fixed_terms(fit.design.spec)
    asked = text.strip().strip("`")
    if asked not in names and (term := _find_term(fit, terms, asked)) is not None:
        return _all_zero(fit, term)
    return [read_equation(text, names, [term.name for term in terms])]


def _find_term(fit: WaldFit, terms: Sequence[FixedTerm], asked: str) -> FixedTerm | None:
    """Find a term by its name, spaced and ordered in any way, or by its only column."""
    parts = {part.replace(" ", "") for part in asked.split(":")}
    for term in terms:
        if parts == {part.replace(" ", "") for part in term.name.split(":")}:
            return term
    factors = fit.design.spec.factors
    own = [t for t in terms if [factors[f].columns for f in t.factors] == [(asked,)]]
    return own[0] if len(own) == 1 else None


def _all_zero(fit: WaldFit, term: FixedTerm) -> list[Equation]:
    found = [i for i in term.columns.tolist() if np.isfinite(fit.fixef.values[i])]
    if not found:
        raise DataError(
            f"all coefficients of {term.name!r} were left out, since other columns determine "
            "them: there is nothing to test."
        )
    rows = np.eye(len(fit.fixef))[found]
    return [
        Equation(f"{fit.fixef.names[i]} = 0", row, 0.0) for i, row in zip(found, rows, strict=True)
    ]


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
