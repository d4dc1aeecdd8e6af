import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.inference.ddf import calibrate, is_quick, joint_test
from partialpool.inference.ddf.kenward_roger import match_moments
from tests.unit.inference import models


def test_kenward_roger_of_a_fit_by_maximum_likelihood_is_refused():
    fit = models.fit("y ~ x + (x | g)", False, False)
    with pytest.raises(ModelError, match=r"needs a fit by REML.*Fit it with reml=True"):
        fit.tidy(ddf="kenward-roger")


def test_a_method_that_doesn_t_exist_is_named_with_its_neighbours():
    fit = models.fit("y ~ x + (x | g)")
    with pytest.raises(DataError, match=r"found 'kenward_roger'. Did you mean 'kenward-roger'"):
        calibrate(fit, "kenward_roger")


def test_a_generalized_model_has_no_small_sample_degrees_of_freedom():
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"), family="poisson")
    with pytest.raises(NotAvailableError, match="exists for linear models only"):
        calibrate(fit, "satterthwaite")
    assert np.isinf(calibrate(fit).df(np.eye(3))).all()


@pytest.mark.parametrize("ddf", ["z", "residual", "satterthwaite"])
def test_a_known_residual_variance_without_groups_leaves_nothing_to_estimate(ddf):
    fit = pp.lmm("y ~ x", models.table(), sigma=1.0)
    assert np.isinf(calibrate(fit, ddf).df(np.eye(2))).all()


def test_f_of_one_hypothesis_is_t_squared():
    fit = models.fit("y ~ x + (x | g)")
    for ddf in ("satterthwaite", "kenward-roger", "z"):
        row = fit.tidy(ddf=ddf).iloc[1]
        test = joint_test(calibrate(fit, ddf), fit.fixef.values, np.array([[0.0, 1.0]]))
        assert test.statistic == pytest.approx(row["statistic"] ** 2)
        assert test.p_value == pytest.approx(row["p_value"])


def test_hypotheses_that_say_the_same_twice_count_once():
    fit = models.fit("y ~ x + (x | g)")
    once, twice = (
        joint_test(calibrate(fit), fit.fixef.values, np.array([[0.0, 1.0]] * n), np.full(n, 0.5))
        for n in (1, 2)
    )
    assert (twice.num_df, twice.den_df) == pytest.approx((1, once.den_df))
    assert twice.statistic == pytest.approx(once.statistic)


def test_moments_of_a_balanced_f_are_exact():
    # Kenward & Roger (1997): where F is Hotelling's T2, scale and df are exact. With q = 2
    # effects of 10 subjects A1 = 2 q^2/9 ..., so the denominator is 10 - q and the scale 8/9.
    n, q = 9, 2
    scale, den = match_moments(q, 2 * q / n, q * (q + 1) / n)
    assert den == pytest.approx(n - q + 1)
    assert scale == pytest.approx((n - q + 1) / n)


def test_small_factors_are_quick_and_large_crossed_ones_aren_t():
    assert is_quick(models.fit("y ~ x + (x | g) + (1 | h)"))
