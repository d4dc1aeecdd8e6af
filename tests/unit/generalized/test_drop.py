import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import ModelError

FORMULA = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def cbpp(formula=FORMULA, **options):
    return pp.glmm(formula, pp.load_dataset("cbpp"), family="binomial", **options)


def test_dropping_a_term_is_the_fit_without_it():
    fit, smaller = cbpp(), cbpp("cbind(incidence, size - incidence) ~ 1 + (1 | herd)")
    table = fit.drop_tests()
    assert table["term"].tolist() == ["", "period"]
    np.testing.assert_allclose(table["aic"], [fit.aic, smaller.aic])
    assert table["statistic"][1] == pytest.approx(2 * (fit.loglik - smaller.loglik))
    assert table["p_value"][1] == pytest.approx(pp.compare(smaller, fit).models[1].p_value)


@pytest.mark.parametrize(
    ("options", "culprit"), [({"reml": True}, "REML"), ({"method": "pql"}, "penalised quasi")]
)
def test_without_a_comparable_likelihood_nothing_is_dropped(options, culprit):
    with pytest.raises(
        ModelError, match=rf"the fit is by {culprit}.*don't compare between models.*fit\.anova\(\)"
    ):
        cbpp(**options).drop_tests()
