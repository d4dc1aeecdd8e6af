"""The text of a summary, from numbers made by hand; real fits are in test_summarize.py."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from partialpool.design import RowReport
from partialpool.linear.summary import Explained, Summary
from partialpool.results.summary import Coefficient, Component, wording
from partialpool.results.summary.numbers import cell, correlation_cell, decimals

NAN = float("nan")

SLEEP = Summary(
    formula="Reaction ~ Days + (Days | Subject)",
    response="Reaction",
    method="REML",
    reml=True,
    nobs=180,
    groups=(("Subject", 18),),
    objective=1743.62827,
    loglik=-871.81414,
    aic=1755.62827,
    bic=1774.78601,
    df=6,
    df_residual=174,
    scaled_residuals=np.array([-3.95356, -0.4634, 0.02312, 0.4634, 5.17926]),
    components=(
        Component(
            "Subject",
            ("Intercept", "Days"),
            np.array([24.74045, 5.92213]),
            np.array([[1.0, 0.06555], [0.06555, 1.0]]),
            "unstructured",
        ),
        Component("Residual", (), np.array([25.59182]), np.eye(1), ""),
    ),
    sigma_fixed=False,
    coefficients=(
        Coefficient("Intercept", 251.40510, 6.82456, 36.83831, df=17.0, p_value=1e-17),
        Coefficient("Days", 10.46729, 1.54579, 6.77148, df=17.0, p_value=3e-6),
    ),
    correlation=np.array([[1.0, -0.13755], [-0.13755, 1.0]]),
    ddf="Satterthwaite",
    explained=None,
    notes=(),
    optimum=("Optimum: interior.",),
)

SLEEP_TEXT = """\
Linear mixed model fitted by REML
Formula: Reaction ~ Days + (Days | Subject)
Rows:    180
Groups:  Subject 18

  REML criterion     logLik        AIC        BIC  Parameters  Residual df
       1743.6283  -871.8141  1755.6283  1774.7860           6          174

Scaled residuals
      Min       1Q  Median      3Q     Max
  -3.9536  -0.4634  0.0231  0.4634  5.1793

Random effects
  Group     Effect     Variance      SD  Corr
  Subject   Intercept    612.09  24.740
            Days          35.07   5.922  0.07
  Residual               654.94  25.592
  SD in units of Reaction; of a slope, per unit of its column.

Fixed effects
             Estimate  Std. error      t    df  P(>|t|)
  Intercept   251.405       6.825  36.84  17.0  <0.0001
  Days         10.467       1.546   6.77  17.0  <0.0001
  t = estimate / std. error; degrees of freedom by Satterthwaite.

Correlation of fixed effects
        Intercept
  Days      -0.14

Optimum: interior."""


def with_components(*components):
    return str(replace(SLEEP, components=(*components, SLEEP.components[-1])))


def term(k, structure, rho=0.5, sd=None):
    names = tuple(f"t{i}" for i in range(1, k + 1))
    corr = np.full((k, k), rho) + (1 - rho) * np.eye(k)
    return Component("g", names, np.full(k, 2.0) if sd is None else np.array(sd), corr, structure)


def test_the_whole_summary_of_sleepstudy():
    assert str(SLEEP) == SLEEP_TEXT
    assert repr(SLEEP) == SLEEP_TEXT


def test_maximum_likelihood_names_its_own_criterion():
    text = str(replace(SLEEP, method="ML", reml=False))
    assert text.startswith("Linear mixed model fitted by maximum likelihood\n")
    assert "  -2 logLik " in text
    assert "REML" not in text


def test_a_model_without_random_terms_shows_r_squared_and_exact_degrees_of_freedom():
    text = str(
        replace(
            SLEEP,
            method="least squares",
            groups=(),
            components=SLEEP.components[-1:],
            explained=Explained(0.2865, 0.2825, True),
            ddf="residual",
        )
    )
    assert text.startswith("Linear model fitted by least squares\n")
    assert "Groups" not in text
    assert "Residual SD      R2  Adjusted R2\n        25.59  0.2865       0.2825" in text
    assert "t = estimate / std. error, on 178 degrees of freedom." in text
    assert "Residual df" not in text


def test_r_squared_without_an_intercept_says_where_it_is_measured_from():
    text = str(replace(SLEEP, explained=Explained(0.9, 0.9, False)))
    assert "R2 is measured from zero: there is no intercept." in text


def test_absent_coefficients_are_told_apart():
    coefficients = (
        *SLEEP.coefficients,
        Coefficient("x2", NAN, NAN, NAN, "aliased"),
        Coefficient("x3", NAN, NAN, NAN, "not applicable"),
    )
    text = str(replace(SLEEP, coefficients=coefficients))
    assert "\n  x2          aliased\n" in text
    assert "\n  x3              n/a         n/a    n/a   n/a      n/a\n" in text


def test_without_degrees_of_freedom_it_says_how_to_get_them():
    coefficients = tuple(replace(c, df=NAN, p_value=NAN) for c in SLEEP.coefficients)
    text = " ".join(str(replace(SLEEP, coefficients=coefficients, ddf="")).split())
    assert "P(>|t|)" not in text
    assert "fit.summary(ddf='satterthwaite') computes them" in text


def test_with_a_known_residual_sd_the_p_values_are_normal():
    text = " ".join(str(replace(SLEEP, ddf="normal", sigma_fixed=True)).split())
    assert "p-values are of a normal distribution" in text


def test_a_given_residual_sd_is_marked():
    assert "  Residual (given)" in str(replace(SLEEP, sigma_fixed=True))


def test_only_intercepts_need_no_word_about_slopes():
    text = with_components(Component("g", ("Intercept",), np.ones(1), np.eye(1), "unstructured"))
    assert "\n  SD in units of Reaction.\n" in text
    assert "Corr" not in text.split("Correlation of")[0]


@pytest.mark.parametrize("name", ["sex[T.Male]", "sex[T.Male]:treatment[T.High]"])
def test_a_factors_columns_are_no_slopes(name):
    columns = ("Intercept", name)
    text = with_components(Component("g", columns, np.ones(2), np.eye(2), "unstructured"))
    assert "\n  SD in units of Reaction.\n" in text


def test_three_effects_show_a_triangle_of_correlations():
    text = with_components(term(3, "unstructured"))
    assert "            t3          4.00   2.000  0.50  0.50\n" in text


def test_more_effects_than_fit_the_width_point_to_the_numbers():
    text = with_components(term(8, "unstructured"))
    assert "The correlations are in fit.varcorr." in " ".join(text.split())
    assert "0.50" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("structure", "line", "note"),
    [
        ("diagonal", "            t2          4.00   2.000\n", "g: uncorrelated."),
        ("cs", "            t2          4.00   2.000  0.50\n", "g: compound symmetry."),
        (
            "homcs",
            "g         t1 ... t4      4.00   2.000  0.50\n",
            "g: compound symmetry, equal variances.",
        ),
        ("ar1", "g         t1 ... t4      4.00   2.000  0.50\n", "g: autoregressive, lag 1."),
        (
            "hetar1",
            "            t2          4.00   2.000  0.50\n",
            "g: autoregressive, lag 1, a variance for each time.",
        ),
        ("homdiag", "g         t1 ... t4      4.00   2.000\n", "g: uncorrelated, equal variances."),
    ],
)
def test_a_structure_shows_each_number_once_and_its_name(structure, line, note):
    text = with_components(term(4, structure))
    assert line in text
    assert note in " ".join(text.split())
    assert text.count("0.50") == line.count("0.50")


def test_a_variance_of_rounding_size_reads_as_zero():
    text = with_components(term(2, "diagonal", sd=[3.0, 1e-11]))
    assert "            t2          0.00   0.000\n" in text


def test_coefficients_too_far_apart_share_no_decimals():
    coefficients = (
        Coefficient("a", 1.5e9, 2e7, 75.0),
        Coefficient("b", 3.2e-7, 1e-8, 32.0),
    )
    text = str(replace(SLEEP, coefficients=coefficients))
    assert "a   1.5e+09       2e+07  75.00" in text
    assert "b   3.2e-07       1e-08  32.00" in text


def test_more_than_six_coefficients_show_no_correlations():
    text = str(replace(SLEEP, correlation=np.eye(7)))
    assert "Correlation of fixed effects" not in text


def test_a_long_name_above_a_correlation_is_cut():
    coefficients = (
        Coefficient("treatment[T.High]", 1.0, 0.5, 2.0),
        Coefficient("Days", 1.0, 0.5, 2.0),
    )
    text = str(replace(SLEEP, coefficients=coefficients))
    assert "\n        treatment[T…\n  Days         -0.14\n" in text


def test_sentences_stand_last_and_wrap():
    sentence = "word " * 30
    text = str(replace(SLEEP, notes=(sentence.strip(),)))
    assert "\n\nword word" in text
    assert "word\n  word" in text
    assert max(map(len, text.splitlines())) <= 80


def test_html_escapes_what_users_write():
    html = replace(SLEEP, formula="a ~ I(b < 2) + (1 | <script>)")._repr_html_()
    assert "<script>" not in html
    assert "I(b &lt; 2)" in html


def test_html_holds_every_number_of_the_text():
    html = SLEEP._repr_html_()
    for number in ("1743.6283", "612.09", "24.740", "36.84", "-0.14", "5.1793"):
        assert f">{number}<" in html
    assert html.count("<table") == html.count("</table>") == 5


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([612.09, 35.07], 2),
        ([0.001234], 6),
        ([], 4),
        ([0.0, NAN], 4),
        ([5e7, 12.0], 2),
        ([1e-9], None),
    ],
)
def test_the_smallest_value_sets_the_decimals(values, places):
    assert decimals(values) == places


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.99879, "0.9988"), (1.0, "1.00"), (-0.999999999, "-1.00"), (0.5, "0.50"), (NAN, "n/a")],
)
def test_only_a_perfect_correlation_reads_as_one(value, text):
    assert correlation_cell(value) == text


def test_a_missing_number_is_blank():
    assert cell(NAN, 2) == ""


# Sentences. A fit is reduced to what they read.


def certificate(**changes):
    plain = {
        "gradient": 3.2e-9,
        "smallest_eigenvalue": 1.234,
        "evaluations": 5,
        "singular": False,
        "converged": True,
        "null_directions": (),
    }
    return SimpleNamespace(**(plain | changes))


def singular(columns, directions, scales):
    nulls = tuple(
        SimpleNamespace(group="g", columns=columns, direction=np.array(d)) for d in directions
    )
    factor = SimpleNamespace(name="g")
    basis = np.vstack([scales, np.negative(scales)])
    effects = SimpleNamespace(factor=factor, columns=columns, basis=basis)
    return SimpleNamespace(
        certificate=certificate(singular=True, null_directions=nulls),
        design=SimpleNamespace(random=(effects,)),
    )


def rows(**changes):
    plain = {
        "y": np.zeros(4),
        "rows": RowReport(4, None, {}),
        "weights": None,
        "offset": None,
        "random": (),
        "masks": (),
    }
    return SimpleNamespace(
        aliased=changes.pop("aliased", {}),
        not_applicable=changes.pop("not_applicable", ()),
        design=SimpleNamespace(**(plain | changes)),
    )


def optimum(fit):
    return wording.optimum(fit.certificate, fit.design.random if hasattr(fit, "design") else ())


def test_an_interior_optimum_is_one_sentence():
    assert optimum(SimpleNamespace(certificate=certificate())) == (
        "Interior optimum: gradient at most 3.2e-09, curvature at least 1.2, 5 evaluations.",
    )


def test_a_flat_likelihood_is_no_interior_optimum():
    (sentence,) = optimum(SimpleNamespace(certificate=certificate(smallest_eigenvalue=0.0)))
    assert "Interior" not in sentence
    assert "the likelihood is flat in some direction" in sentence


def test_an_optimum_that_was_not_reached_is_not_called_one():
    fit = SimpleNamespace(certificate=certificate(converged=False, gradient=0.5))
    (sentence,) = optimum(fit)
    assert sentence == (
        "The optimum was not reached in 5 evaluations: the largest gradient is still 5.0e-01. "
        "Do not rely on these estimates."
    )


@pytest.mark.parametrize(
    ("columns", "directions", "scales", "expected"),
    [
        (
            ("Intercept",),
            [[1.0]],
            [1.0],
            "the variance of Intercept between levels of g is estimated as zero. "
            "Leaving the term out gives the same fit.",
        ),
        (
            ("Intercept", "x"),
            [[1.0, 0.0], [0.0, 1.0]],
            [1.0, 5.0],
            "the variance of Intercept and x between levels of g is estimated as zero. "
            "Leaving the term out gives the same fit.",
        ),
        (
            ("Intercept", "x"),
            [[1e-13, 1.0]],
            [1.0, 5.0],
            "the variance of x between levels of g is estimated as zero. "
            "Leaving x out of the term gives the same fit.",
        ),
        (
            ("Intercept", "x"),
            [[1.0, -1e6]],
            [1.0, 2e6],
            "the random Intercept and x of g are perfectly correlated, so that one determines "
            "the other. Consider a simpler term.",
        ),
        (
            ("a", "b", "c"),
            [[2.0, -2.0, 1.0]],
            [1.0, 1.0, 1.0],
            "a - 1 * b + 0.5 * c does not vary between levels of g, so that one of these random "
            "effects is determined by the others. Consider a simpler term.",
        ),
        (
            ("a", "b", "c"),
            [[1.0, 0.0, -0.5], [0.0, 1.0, 0.3]],
            [1.0, 1.0, 1.0],
            "the random a, b and c of g vary in only 1 direction. Consider a simpler term.",
        ),
    ],
)
def test_a_singular_fit_names_the_term_the_direction_and_the_meaning(
    columns, directions, scales, expected
):
    first, meaning, last = optimum(singular(columns, directions, scales))
    assert first.startswith("Optimum on the boundary: gradient at most")
    assert meaning == f"Singular: {expected}"
    assert last.startswith("A singular fit is a valid estimate")


def notes(fit):
    return wording.notes(fit, wording.PRECISION_WEIGHTS)


def test_nothing_special_needs_no_notes():
    assert notes(rows()) == ()


def test_rows_left_out_are_counted_by_column():
    report = RowReport(1204, np.arange(4), {"Days": 1198, "y": 4})
    assert notes(rows(rows=report)) == (
        "1,200 rows of 1,204 left out for missing values: Days in 1,198 and y in 4.",
    )


def test_weights_and_their_zeros_are_explained():
    assert notes(rows(weights=np.array([0.0, 1.0, 1.0, 2.0]))) == (
        "Rows are weighted: the variance of a residual is sigma^2 / weight.",
        "1 row with weight zero left out of every count.",
    )


def test_an_offset_is_mentioned():
    assert notes(rows(offset=np.ones(4))) == ("An offset is part of the fitted values.",)


def test_columns_left_out_say_why():
    assert notes(rows(aliased={"x3": "x1 + x2"}, not_applicable=("g[T.b]:x",))) == (
        "x3 is left out: it equals x1 + x2.",
        "No row identifies g[T.b]:x.",
    )


def test_a_mask_counts_the_levels_to_which_a_covariate_applies():
    effects = SimpleNamespace(
        applicable=np.array([[True, True], [True, False], [True, False]]),
        columns=("Intercept", "time"),
        not_applicable=("wait",),
        factor=SimpleNamespace(name="group"),
    )
    mask = SimpleNamespace(sentence="time does not apply in 2 of 3 rows.")
    assert notes(rows(random=(effects,), masks=(mask,))) == (
        "time does not apply in 2 of 3 rows.",
        "The random effect of wait by group is n/a: it applies in no row.",
        "time applies to 1 of 3 levels of group; elsewhere its random effect is n/a.",
    )
