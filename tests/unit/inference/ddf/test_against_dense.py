"""Degrees of freedom from the blocks against the papers' formulas with n x n matrices."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.inference.ddf import calibrate, joint_test
from tests.unit.inference import models
from tests.unit.inference.ddf import twin

# The twin inverts V three times over: that costs it a few digits.
CLOSE = 1e-7

FORMULAS = [
    "y ~ x + z + (x | g)",
    "y ~ x + z + (x || g)",
    "y ~ x + z + (1 | g) + (0 + z | g)",
    "y ~ x + z + (x | g) + (1 | h)",
    "y ~ x + z + (1 | g) + (1 | g:h)",
    "y ~ x + z + (1 | g) + (1 | h) + (1 | k)",
    "y ~ x + z + homcs(0 + f | g)",
    "y ~ x + z + homdiag(0 + f | g)",
]
CURVED = [f"y ~ x + z + {s}(0 + f | g)" for s in ("cs", "ar1", "hetar1", "toep", "homtoep")]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("formula", FORMULAS + CURVED)
def test_the_kenward_roger_covariance_is_the_paper_s(formula, weighted):
    fit = models.fit(formula, weighted)
    adjusted, _, _, _ = twin.kenward_roger(fit)
    ours = calibrate(fit, "kenward-roger").vcov
    se = np.sqrt(np.diag(adjusted))
    np.testing.assert_allclose(ours / np.outer(se, se), adjusted / np.outer(se, se), atol=CLOSE)


@pytest.mark.parametrize("formula", FORMULAS + CURVED)
def test_the_kenward_roger_f_test_is_the_paper_s(formula):
    fit = models.fit(formula)
    L = np.eye(3)[1:]
    f, den = twin.kenward_roger_test(fit, L)
    ours = joint_test(calibrate(fit, "kenward-roger"), fit.fixef.values, L)
    assert ours.statistic == pytest.approx(f, rel=CLOSE)
    assert ours.den_df == pytest.approx(den, rel=1e-6)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", FORMULAS)
def test_satterthwaite_is_twice_the_squared_variance_over_its_own_variance(formula, reml):
    fit = models.fit(formula, False, reml)
    if fit.singular:
        pytest.skip("at the boundary the two parameterisations differ; see the test below")
    L = np.array([[1.0, 0, 0], [0, 1, 0], [0.3, -1, 2]])
    ours = calibrate(fit, "satterthwaite").df(L)
    # Information in other parameters is the same but for what is left of the gradient: the
    # search ends when a step promises 1e-9 of the objective, which is some 1e-5 of a parameter.
    np.testing.assert_allclose(ours, [twin.satterthwaite(fit, row) for row in L], rtol=5e-5)


def test_a_variance_at_zero_counts_as_known():
    data = pp.load_dataset("Pastes")
    one = pp.lmm("strength ~ 1 + (1 | sample)", data)
    both = pp.lmm("strength ~ 1 + (1 | sample) + (1 | cask)", data)
    assert both.singular
    np.testing.assert_allclose(calibrate(both).df(np.eye(1)), calibrate(one).df(np.eye(1)), 1e-6)


def test_a_known_residual_variance_isn_t_a_parameter():
    data = models.table()
    fit = pp.lmm("y ~ x + z + (x | g)", data, sigma=1.1)
    adjusted, _, _, _ = twin.kenward_roger(fit)
    np.testing.assert_allclose(calibrate(fit, "kenward-roger").vcov, adjusted, rtol=1e-6)
    df = calibrate(fit).df(np.eye(3))
    np.testing.assert_allclose(df, [twin.satterthwaite(fit, row) for row in np.eye(3)], rtol=1e-5)


def test_an_offset_and_units_change_no_degrees_of_freedom():
    data = models.table()
    plain = calibrate(pp.lmm("y ~ x + z + (x | g)", data), "kenward-roger").df(np.eye(3))
    other = data.assign(y=1e6 + 1e3 * data["y"], x=5 + 1e-4 * data["x"])
    moved = calibrate(pp.lmm("y ~ x + z + (x | g)", other), "kenward-roger").df(np.eye(3))
    np.testing.assert_allclose(moved[1:], plain[1:], rtol=1e-5)


def test_least_squares_has_rows_less_columns():
    fit = models.fit("y ~ x + z")
    assert calibrate(fit).df(np.eye(3)).tolist() == [93.0] * 3
    assert calibrate(fit, "kenward-roger").name == "residual"


def large(parts: int):
    """Groups with classes of three, and one factor that meets all of them if ``parts`` is one."""
    rng = np.random.default_rng(4)
    J = 60
    g, inner = np.divmod(np.arange(6 * J), 6)
    cls = 2 * g + inner // 3
    h = rng.integers(0, 5, 6 * J) if parts == 1 else g
    x = rng.normal(size=6 * J)
    y = x + rng.normal(size=J)[g] + rng.normal(size=2 * J)[cls] + rng.normal(size=J)[h]
    y = y + 0.5 * rng.normal(size=J)[g] * x + rng.normal(size=6 * J)
    return {"y": y, "x": x, "z": rng.normal(size=6 * J), "g": g, "cls": cls, "h": h}


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("y ~ x + z + (x | g) + (1 | cls)", 2),
        ("y ~ x + z + (x | g) + (1 | cls) + (1 | h)", 1),
    ],
)
def test_columns_part_by_part_and_all_at_once_give_the_same(formula, parts):
    # The first falls into sixty parts, the second hangs together.
    fit = pp.lmm(formula, large(parts))
    adjusted, _, _, _ = twin.kenward_roger(fit)
    ours = calibrate(fit, "kenward-roger").vcov
    np.testing.assert_allclose(ours, adjusted, rtol=1e-6, atol=1e-8)
    if not fit.singular:
        expected = [twin.satterthwaite(fit, row) for row in np.eye(3)]
        np.testing.assert_allclose(calibrate(fit).df(np.eye(3)), expected, rtol=1e-5)
