from dataclasses import replace

import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes.general.layout import lay_out
from partialpool.bayes.statement import state
from partialpool.errors import PartialPoolWarning


def counts(size, spread, groups=20):
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(groups), size)
    y = rng.poisson(np.exp(1.0 + rng.normal(0, spread, groups)[g])).astype(float)
    return {"y": y, "g": g.astype(str), "x": rng.normal(5, 2, len(y))}


@pytest.mark.parametrize(("size", "spread", "low", "high"), [(40, 0.8, 0.9, 1), (2, 0.1, 0, 0.7)])
def test_effects_are_sampled_as_themselves_where_the_data_know_them(size, spread, low, high):
    stated = state("y ~ x + (1 | g)", counts(size, spread), "poisson")
    centred = lay_out(stated)["mean"].terms[0].centred
    assert ((low <= centred) & (centred <= high)).all()


def test_each_level_has_a_form_of_its_own():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 20)
    y = rng.poisson(np.exp(np.where(g < 10, -3.0, 3.0) + rng.normal(0, 0.7, 20)[g]))
    data = {"y": y.astype(float), "g": g.astype(str), "half": np.where(g < 10, "a", "b")}
    term = lay_out(state("y ~ half + (1 | g)", data, "poisson"))["mean"].terms[0]
    few = np.bincount(term.codes, y) < 20
    assert term.centred[few].max() < term.centred[~few].min() - 0.2


def nested():
    """Plots in sites; treatment is a site's, depth a plot's, x a row's."""
    rng = np.random.default_rng(2)
    plot = np.repeat(np.arange(24), 6)
    site = plot // 4
    return {
        "y": rng.poisson(3.0, len(plot)).astype(float),
        "plot": plot.astype(str),
        "site": site.astype(str),
        "treatment": (site % 2).astype(float),
        "depth": 10.0 + plot % 5,
        "x": rng.normal(size=len(plot)),
        "year": (np.arange(len(plot)) % 6).astype(str),
    }


def test_what_is_constant_in_a_level_is_sampled_with_its_effect():
    formula = "y ~ treatment + depth + x + (1 | plot) + (1 | site)"
    stated = state(formula, nested(), "poisson")
    plots, sites = (term.place for term in lay_out(stated)["mean"].terms)
    # Each column goes to the coarsest levels; means of the others to the intercept.
    assert sites.columns == ((0, 1, 3, 2),)
    assert plots.columns == ((2,),)
    assert (plots.parents, sites.parents) == ((1,), ())
    beta = np.array([0.3, -0.2, 0.1, 0.5])
    X, (plot, site) = stated.design.X, (e.factor.codes for e in stated.design.random)
    own = plots.loads[0] @ beta[[2]] + (sites.loads[0] @ beta[[0, 1, 3, 2]])[plots.codes[0]]
    rest = own[plot] - X[:, :3] @ beta[:3]
    np.testing.assert_allclose(rest, beta[3] * (np.bincount(site, X[:, 3]) / 24)[site], rtol=1e-9)
    np.testing.assert_array_equal(plots.codes[0][plot], site)


def test_crossed_terms_share_the_intercept_out_once():
    stated = state("y ~ depth + (1 | plot) + (1 | year)", nested(), "poisson")
    plots, years = (term.place for term in lay_out(stated)["mean"].terms)
    assert years.columns == ((0, 1),)
    np.testing.assert_allclose(years.loads[0], np.tile([1.0, stated.design.X[:, 1].mean()], (6, 1)))
    np.testing.assert_allclose(plots.loads[0].mean(), 0.0, atol=1e-12)
    assert plots.parents == years.parents == ()


def test_a_slope_shares_its_own_columns():
    formula = "y ~ treatment * x + (x | site)"
    stated = state(formula, nested(), "poisson")
    place = lay_out(stated)["mean"].terms[0].place
    assert stated.design.columns == ("Intercept", "treatment", "x", "treatment:x")
    assert place.columns == ((0, 1), (2, 3))


FORMULAS = [
    "y ~ treatment + depth + x + (1 | plot) + (1 | site)",
    "y ~ treatment * x + (x | site)",
    "y ~ depth + (1 | plot) + (1 | year)",
]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("form", [0.0, 1.0])
def test_every_form_is_the_same_law_of_the_effects(formula, form):
    import jax
    from numpyro.infer.util import log_density

    from partialpool.bayes.general.model import model
    from partialpool.bayes.general.sampling import general_model

    stated = state(formula, nested(), "poisson")
    rng = np.random.default_rng(3)
    with jax.enable_x64(True):
        own = general_model(stated)
        part = own.parts["mean"]
        terms = tuple(replace(t, centred=np.full(t.levels, form)) for t in part.terms)
        own = replace(own, parts={"mean": replace(part, terms=terms)})
        gamma = rng.normal(0, 0.1, part.Q.shape[1])
        beta = part.origin + part.map @ gamma
        b = [rng.normal(0, 0.5, (t.levels, t.k)) for t in terms]
        factors = [np.linalg.cholesky(0.5 * np.eye(t.k) + 0.2) for t in terms]
        # By hand: effects as themselves have the mean of all that stands beside them.
        beside = beside_effects(terms, beta - part.origin, b)
        sites, volume = {"mean.gamma": gamma}, 0.0
        for t, (term, factor) in enumerate(zip(terms, factors, strict=True)):
            sd = np.sqrt(np.diag(factor @ factor.T))
            sites |= {f"mean.{t}.sd.{i}": value for i, value in enumerate(sd)}
            if term.correlation is not None:
                sites[f"mean.{t}.L"] = factor / sd[:, None]
            white = np.linalg.solve(factor, b[t].T).T
            themselves = np.linalg.solve(term.turn, (b[t] + beside[t]).T).T
            sites[f"mean.{t}.z"] = themselves if form else white
            volume += -form * term.levels * np.log(np.diag(factor)).sum() - 0.5 * (white**2).sum()
        value, trace = log_density(model, (own,), {}, sites)
        for t in range(len(terms)):
            np.testing.assert_allclose(trace[f"mean.{t}.b"]["value"], b[t], atol=1e-12)
        law = sum(float(trace[f"mean.{t}.law"]["fn"].log_factor) for t in range(len(terms)))
    np.testing.assert_allclose(law, volume)
    assert np.isfinite(float(value))


def beside_effects(terms, beta, b):
    """Fixed columns that are constant in a level, and coarser effects, by the term's position."""
    out = [None] * len(terms)
    for t in sorted(range(len(terms)), key=lambda t: terms[t].levels):
        place = terms[t].place
        out[t] = np.stack(
            [w @ beta[list(c)] for c, w in zip(place.columns, place.loads, strict=True)], 1
        )
        for parent, codes in zip(place.parents, place.codes, strict=True):
            out[t] = out[t] + (out[parent] + b[parent])[codes]
    return out


def test_coordinates_of_the_fixed_effects_are_uncorrelated_and_lead_back():
    stated = state("y ~ x + (1 | g)", counts(10, 0.5), "poisson")
    part = lay_out(stated)["mean"]
    np.testing.assert_allclose(part.Q.T @ part.Q / len(part.Q), np.eye(2), atol=1e-10)
    gamma = np.array([0.3, -0.2])
    eta = part.start + part.Q @ gamma
    np.testing.assert_allclose(eta, stated.design.X @ (part.origin + part.map @ gamma))


def test_chains_start_near_the_mean_response():
    stated = state("y ~ x + (1 | g)", counts(10, 0.5), "poisson")
    mean = np.log(stated.response.values.mean())
    np.testing.assert_allclose(lay_out(stated)["mean"].start, mean, atol=0.1)


def test_an_offset_is_no_part_of_the_start():
    data = counts(10, 0.5)
    stated = state("y ~ x", data, "poisson", offset=np.full(200, 3.0))
    np.testing.assert_allclose(lay_out(stated)["mean"].start, np.log(data["y"].mean()), atol=0.1)
    assert pp.families.Poisson().name == stated.family.name


def test_a_covariate_far_from_zero_mixes_as_one_about_zero():
    rng = np.random.default_rng(6)
    g, year = rng.integers(0, 10, 200), rng.integers(2000, 2021, 200)
    y = rng.poisson(np.exp(1.0 + (year - 2010) / 12 + rng.normal(0, 0.5, 10)[g])).astype(float)
    data = {"y": y, "year": year.astype(float), "g": g.astype(str)}
    far = pp.bmm("y ~ year + (1 | g)", data, "poisson", seed=1, draws=250, tune=300)
    about = {"year": f"normal(0, {2.5 / year.std():.6g})", "Intercept": "normal(1, 2.5)"}
    near = pp.bmm("y ~ year + (1 | g)", data | {"year": year - 2010.0}, "poisson", seed=1,
                  draws=250, tune=300, priors=about)  # fmt: skip
    sd = near.parameters["year"].std()
    # Of some thousand effective draws each, four standard errors.
    assert abs(far.parameters["year"].mean() - near.parameters["year"].mean()) < 0.2 * sd
    assert 0.85 < far.parameters["year"].std() / sd < 1.15


def test_slopes_of_a_covariate_far_from_zero_are_advised_to_be_centred():
    rng = np.random.default_rng(6)
    g, year = rng.integers(0, 10, 100), rng.integers(2000, 2021, 100)
    data = {
        "y": rng.poisson(3.0, 100).astype(float),
        "year": year.astype(float),
        "g": g.astype(str),
    }
    with pytest.warns(PartialPoolWarning, match="Centre year, whose slopes differ between groups"):
        pp.bmm("y ~ year + (year | g)", data, "poisson", seed=1, draws=60, tune=60, max_depth=4)
