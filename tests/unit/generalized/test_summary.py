"""The text of a summary, from estimates made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from partialpool.generalized.approximation import Approximation
from tests.unit.generalized.fakes import fake, table

WINS = "cbind(wins, m - wins) ~ x + f + (x | g)"

WINS_TEXT = """\
Generalized linear mixed model fitted by maximum likelihood (Laplace approximation)
Formula: cbind(wins, m - wins) ~ x + f + (x | g)
Family:  binomial, logit link
Rows:    60
Groups:  g 6

  -2 logLik     logLik       AIC       BIC  Parameters  Residual df
   200.0000  -100.0000  210.0000  220.4717           5           55

Scaled (Pearson) residuals
      Min       1Q   Median      3Q     Max
  -4.7073  -2.0181  -0.8832  0.0297  1.5322

Random effects
  Group  Effect     Variance       SD
  g      Intercept   0.49000  0.70000  Corr
         x           0.49000  0.70000  0.00
  SD in units of log odds; of a slope, per unit of its column.

Fixed effects
             Estimate  Std. error     z  P(>|z|)
  Intercept   0.30000     0.05568  5.39  <0.0001
  x           0.10000     0.06557  1.52   0.1273
  f[T.v]      0.10000     0.07550  1.32   0.1853
  f[T.w]      0.10000     0.08544  1.17   0.2418
  z = estimate / std. error; p-values are those of a normal distribution.

Correlation of fixed effects
          Intercept     x  f[T.v]
  x            0.18
  f[T.v]       0.17  0.15
  f[T.w]       0.16  0.14    0.13

Interior optimum: gradient at most 1e-09, curvature at least 2.5, 7 evaluations.""".replace(
    "Variance       SD\n  g      Intercept   0.49000  0.70000  Corr",
    "Variance       SD  Corr\n  g      Intercept   0.49000  0.70000",
)


def words(fit):
    return " ".join(str(fit.summary()).split())


def test_the_whole_summary_of_a_binomial_model():
    fit = fake(WINS, "binomial")
    assert str(fit) == repr(fit.summary()) == WINS_TEXT


def test_html_holds_every_number_of_the_text():
    html = fake(WINS, "binomial")._repr_html_()
    for number in ("200.0000", "-4.7073", "0.70000", "0.1853", "&lt;0.0001", "0.13"):
        assert f">{number}<" in html


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"quadrature": 9}, "(adaptive Gauss-Hermite quadrature, 9 nodes)"),
        (
            {"method": "joint"},
            "(Laplace approximation, coefficients found with the random effects)",
        ),
        ({"information": "expected"}, "(Laplace approximation, expected information)"),
        ({"penalty": 2.5}, "(Laplace approximation, prior SD 2.5 on coefficients)"),
        ({"reml": True}, "fitted by REML (Laplace approximation)"),
    ],
)
def test_the_heading_says_what_was_maximised(options, text):
    heading = str(fake(WINS, "binomial", approximation=Approximation(**options))).split("\n")[0]
    assert heading.endswith(text)


def test_a_restricted_likelihood_names_its_criterion():
    assert "REML criterion" in str(fake(WINS, "binomial", approximation=Approximation(reml=True)))


def test_a_model_without_random_terms_has_an_exact_likelihood():
    text = str(fake("count ~ x", "poisson"))
    assert text.startswith("Generalized linear model fitted by maximum likelihood\n")
    assert "Random effects" not in text
    assert "Groups" not in text


def test_every_part_with_a_formula_has_its_tables():
    text = str(
        fake("count ~ x + (1 | g)", "nbinom2", dispersion="~ z", zero_inflation="~ z + (1 | h)")
    )
    assert (
        "Dispersion:     ~ z\nZero inflation: ~ z + (1 | h)\nFamily:         nbinom2, log" in text
    )
    assert "\nDispersion: fixed effects\n" in text
    assert "  In units of the log dispersion.\n" in text
    assert "\nZero inflation: random effects\n" in text
    assert "  SD in units of log odds.\n" in text
    assert "Further parameters" not in text


def test_the_zeros_of_truncated_counts_are_a_hurdle():
    data = table().assign(count=lambda d: d["count"] + (d.index % 2))
    fit = fake("count ~ x + (1 | g)", "truncated_poisson", zero_inflation="~ x", data=data)
    assert "\nZeros (hurdle): fixed effects\n" in str(fit)


def test_a_dispersion_that_is_one_number_stands_on_its_natural_scale():
    text = words(fake("count ~ x + (1 | g)", "nbinom2"))
    # exp(0.3), and its standard error by the delta method.
    assert "dispersion phi 1.3499 0.1017 phi: variance mu (1 + mu / phi)." in text


def test_a_shape_stands_beside_the_dispersion():
    text = words(fake("y ~ x + (1 | g)", "student_t"))
    assert "dispersion scale 1.3499" in text
    assert "shape nu 1.3499" in text


def test_a_tweedie_power_is_between_one_and_two():
    fit = fake("size ~ x + (1 | g)", "tweedie", beta={"shape": [0.0]})
    assert fit.shape.to_dict() == {"power": 1.5}
    assert "shape power 1.5000" in words(fit)


def test_thresholds_have_a_table_and_categories_a_sentence():
    text = words(fake("grade ~ x + (1 | g)", "ordinal"))
    assert "Thresholds Estimate Std. error z P(>|z|) low|mid -0.50000" in text
    assert "Categories: 'low' < 'mid' < 'high'. Larger linear predictors favour later ones." in text


def test_two_labels_say_which_one_is_the_success():
    data = table().assign(yes=np.tile(["no", "yes", "yes"], 20))
    text = words(fake("yes ~ x + (1 | g)", "binomial", data=data))
    assert "The probability is that of 'yes', against 'no'." in text


def test_weights_and_offsets_are_mentioned():
    text = words(fake("count ~ x + (1 | g)", "poisson", weights="m", offset="z"))
    assert "Rows are weighted: a weight multiplies the row's log-likelihood." in text
    assert "An offset is part of the fitted values." in text


def test_a_column_left_out_of_another_part_says_of_which():
    data = table().assign(double=lambda d: 2 * d["z"])
    fit = fake(
        "count ~ x + (1 | g)",
        "poisson",
        zero_inflation="~ z + double",
        data=data,
        beta={"zero_inflation": [0.3, 0.1, np.nan]},
    )
    text = words(fit)
    assert "double aliased" in text
    assert "Zero inflation: double is left out: it equals 2 * z." in text


def test_the_unit_of_the_random_effects_is_that_of_the_link():
    assert "SD in units of the logarithm of the mean." in words(fake("count ~ (1 | g)", "poisson"))
    assert "SD in units of y." in words(fake("y ~ (1 | g)", "gaussian"))
    text = words(fake("size ~ (1 | g)", "inverse_gaussian", sd=0.1))
    assert "SD in units of the logarithm of the mean." in text


def test_a_gaussian_model_shows_its_residual_with_the_random_effects():
    fit = fake("y ~ x + (1 | g)", "gaussian")
    assert "Residual 1.8221 1.3499" in words(fit)


def test_a_term_without_variance_is_named():
    text = words(fake("count ~ x + (1 | g)", "poisson", sd=0.0))
    assert "Singular: the variance of Intercept between levels of g is estimated as zero." in text


def test_an_optimum_that_was_not_reached_is_not_called_one():
    text = words(
        fake("count ~ x + (1 | g)", "poisson", converged=False, promised=0.2, gradient_norm=0.5)
    )
    assert "The optimum was not reached in 7 evaluations" in text


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ({"promised": 1e-9}, True),
        ({"promised": 0.01}, False),
        ({"bends_down": True, "smallest_eigenvalue": -3.0}, False),
        # A search that rounding kept from its own end has ended at an optimum all the same.
        ({"converged": False, "promised": 1e-9}, True),
        ({"converged": False, "promised": 1e-5}, False),
        ({"promised": float("inf"), "smallest_eigenvalue": float("nan")}, False),
    ],
)
def test_an_optimum_is_one_by_its_evidence(evidence, verdict):
    fit = fake("count ~ x + (1 | g)", "poisson", **evidence)
    assert fit.converged is verdict
    assert ("Interior optimum" in str(fit)) is verdict


def test_a_curvature_that_falls_is_told():
    fit = fake("count ~ x + (1 | g)", "poisson", bends_down=True, smallest_eigenvalue=-3.0)
    assert "the curvature falls to -3.0e+00" in " ".join(str(fit).split())
