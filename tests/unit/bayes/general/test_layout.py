import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes.general.layout import lay_out
from partialpool.bayes.statement import state


def counts(size, spread, groups=20):
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(groups), size)
    y = rng.poisson(np.exp(1.0 + rng.normal(0, spread, groups)[g])).astype(float)
    return {"y": y, "g": g.astype(str), "x": rng.normal(5, 2, len(y))}


@pytest.mark.parametrize(("size", "spread", "centred"), [(40, 0.8, True), (2, 0.1, False)])
def test_effects_are_sampled_as_themselves_where_the_data_know_them(size, spread, centred):
    stated = state("y ~ x + (1 | g)", counts(size, spread), "poisson")
    assert lay_out(stated)["mean"].terms[0].centred == centred


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
