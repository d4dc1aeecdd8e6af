import numpy as np
import pytest
from scipy import stats

import partialpool as pp
from partialpool.bayes.reading import read_prior
from partialpool.errors import ModelError

B = pp.bayes
CASES = [
    (B.Normal(2, 3), stats.norm(2, 3)),
    (B.StudentT(4, 1, 2), stats.t(4, 1, 2)),
    (B.Cauchy(1, 2), stats.cauchy(1, 2)),
    (B.Laplace(1, 2), stats.laplace(1, 2)),
    (B.HalfNormal(3), stats.halfnorm(scale=3)),
    (B.HalfStudentT(3, 2), stats.foldcauchy(0)),
    (B.HalfCauchy(2), stats.halfcauchy(scale=2)),
    (B.Exponential(0.5), stats.expon(scale=2)),
    (B.Gamma(2, 0.5), stats.gamma(2, scale=2)),
    (B.InverseGamma(3, 2), stats.invgamma(3, scale=2)),
    (B.LogNormal(1, 0.5), stats.lognorm(0.5, scale=np.e)),
    (B.LKJ(2), stats.beta(2, 2, -1, 2)),
]


@pytest.mark.parametrize(("prior", "known"), CASES, ids=lambda x: getattr(x, "name", ""))
def test_draws_have_the_distribution_of_their_name(prior, known):
    drawn = prior.draw(np.random.default_rng(1), 4000)
    if isinstance(prior, B.HalfStudentT):
        drawn, known = np.sign(np.arange(4000) % 2 - 0.5) * drawn, stats.t(3, 0, 2)
    assert stats.kstest(drawn, known.cdf).pvalue > 1e-3


def test_correlation_matrices_have_beta_margins():
    # Lewandowski et al. (2009): every correlation is beta(eta + k/2 - 1) on (-1, 1).
    R = B.LKJ(1.5).matrices(np.random.default_rng(2), 4, 4000)
    for r, c in [(1, 0), (3, 0), (3, 2)]:
        assert stats.kstest(R[:, r, c], stats.beta(2.5, 2.5, -1, 2).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("text", "prior"),
    [
        ("normal(0, 5)", B.Normal(0, 5)),
        (" Half_Normal( 2.5 ) ", B.HalfNormal(2.5)),
        ("flat()", B.Flat()),
        ("student_t(3, 0, 1e2)", B.StudentT(3, 0, 100)),
        ("normal(mean=0, sd=1)", B.Normal(0, 1)),
        ("normal( sd = 2, mean = -1 )", B.Normal(-1, 2)),
        ("student_t(3, scale=2, mean=1)", B.StudentT(3, 1, 2)),
        ("cauchy(0, 2.5)", B.Cauchy(0, 2.5)),
        ("double_exponential(0, 1)", B.Laplace(0, 1)),
        ("laplace(location=1, scale=2)", B.Laplace(1, 2)),
        ("HalfStudentT(3, 2)", B.HalfStudentT(3, 2)),
    ],
)
def test_a_prior_is_read_from_its_text(text, prior):
    assert read_prior("x", text) == prior


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("normal(0)", "normal of 'x' takes 2 number"),
        ("norml(0, 1)", "no prior 'norml' for 'x'. Did you mean 'normal'"),
        ("normal(0, a)", "takes 2 number"),
        (
            "normal(mu=0, sigma=1)",
            r"normal of 'x' takes 2 number.s. .mean, sd., found 'mu=0, si",
        ),
        ("normal(0, mean=1)", "takes 2 number"),
        ("normal(0, 1, 2)", "takes 2 number"),
        (
            "normal(0, -1)",
            "has 'normal.0, -1.' for 'x': sd of the prior normal must be a positive",
        ),
        ("normal(nan, 1)", "for 'x': mean of the prior normal must be a number, found nan"),
        (3, "must be a prior such as"),
        ("__import__('os')", "no prior '__import__'"),
        ("normal(exec(), 1)", "must be a prior such as"),
    ],
)
def test_what_is_no_prior_is_refused(value, message):
    with pytest.raises(ModelError, match=message.replace("(", r"\(")):
        read_prior("x", value)


@pytest.mark.parametrize("bad", [0, -1, float("nan"), "2", True])
def test_a_scale_has_to_be_positive(bad):
    with pytest.raises(ModelError, match="scale of the prior half_normal must be a positive"):
        B.HalfNormal(bad)


def test_densities_are_those_of_scipy():
    from partialpool.bayes.densities import log_prior_density

    at = np.array([-2.0, 0.5, 3.0])
    for prior, known in CASES[:4]:
        np.testing.assert_allclose(log_prior_density(prior, at), known.logpdf(at))


def test_nothing_is_drawn_from_a_flat_prior():
    with pytest.raises(ModelError, match="flat prior is no distribution"):
        B.Flat().draw(np.random.default_rng(), 3)
