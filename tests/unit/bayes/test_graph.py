import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(1)
    data = {"y": rng.poisson(2, 60), "x": rng.normal(size=60)}
    data |= {"g": np.arange(60) % 8, "h": np.arange(60) % 5}
    formula = "y ~ x + (x | g) + (1 | h)"
    return pp.bmm(formula, data, "nbinom2", zero_inflation="~ 1", engine="prior", seed=1)


def test_a_graph_prints_as_equations_with_every_prior(fit):
    text = str(fit.render())
    for parameter, prior in zip(
        *[fit.prior_summary()[c] for c in ("parameter", "prior")], strict=False
    ):
        assert f"{prior}" in text
        assert parameter in text
    assert "for each of g (8):\n  b[g] ~ normal(0, sd, corr)" in text
    assert "log(mean) = X fixef + Z b[g] + Z b[h]" in text
    assert "logit(zero_inflation) = X zero_inflation.fixef" in text
    assert "y ~ zero-inflated nbinom2(mean, zero_inflation, phi)" in text


def test_its_edges_join_nodes_that_there_are_and_lead_down_to_the_response(fit):
    graph = fit.render()
    layer = {node.name: node.layer for node in graph.nodes}
    assert len(layer) == len(graph.nodes)
    for edge in graph.edges:
        assert layer[edge.start] < layer[edge.end]
    starts = {edge.start for edge in graph.edges}
    assert starts == set(layer) - {"response"}


def test_its_source_is_a_digraph(fit):
    lines = fit.render().source.splitlines()
    assert lines[0] == "digraph model {"
    assert lines[-1] == "}"
    assert sum("->" in line for line in lines) == len(fit.render().edges)
    assert sum(line.count("{") - line.count("}") for line in lines) == 0


def test_what_does_not_apply_is_in_the_graph():
    wait = np.where(np.arange(40) % 2, np.nan, np.arange(40.0))
    data = {"y": np.arange(40.0) % 7, "wait": wait, "g": np.arange(40) % 2}
    data["g"] = np.array(["one", "two"])[data["g"]]
    arguments = {"applicable": "auto", "engine": "prior", "seed": 1}
    fit = pp.bmm("y ~ 0 + g + g:wait", data, **arguments)
    assert "g[two]:wait: n/a" in str(fit.render())
    pooled = pp.bmm("y ~ 1 + (1 + wait || g)", data, **arguments)
    assert "1 of them n/a" in str(pooled.render())


def test_two_terms_of_a_factor_have_names_of_their_own():
    sleep = pp.load_dataset("sleepstudy")
    fit = pp.bmm("Reaction ~ Days + (Days || Subject)", sleep, engine="prior", seed=1)
    names = [node.name for node in fit.render().nodes]
    assert len(set(names)) == len(names)


def test_a_graph_can_be_drawn(fit):
    figure = pp.plots.model_graph(fit)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "rows (60)" in texts
    assert sum(node.lines[0] in text for node in fit.render().nodes for text in texts) >= 9
    with pytest.raises(DataError, match="LmmFit"):
        pp.plots.model_graph(pp.lmm("Reaction ~ 1 + (1 | Subject)", pp.load_dataset("sleepstudy")))
