import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError
from partialpool.inference import cluster_robust
from tests.unit.inference import models

DATA = Path(__file__).parent.parent / "hypotheses" / "unbalanced.json"

# clubSandwich 0.5.8 on lme4 1.1-31, coef_test(..., test = "Satterthwaite"); models
# y ~ a + x + (x | g) by g, the same by top (five sets of groups), y ~ a + x + (1 | top/g) by top.
STORED = {
    ("slope", "CR0"): (
        [0.2802618369, 0.1961018939, 0.1565696010, 0.0991191818],
        [10.91256493, 9.90405578, 8.67965688, 9.28135308],
    ),
    ("slope", "CR1"): (
        [0.292723942, 0.204821748, 0.163531615, 0.103526609],
        [10.91256493, 9.90405578, 8.67965688, 9.28135308],
    ),
    ("slope", "CR2"): (
        [0.292985809, 0.205711759, 0.164109724, 0.104572845],
        [10.89704217, 9.71747186, 8.55475010, 8.98143896],
    ),
    ("slope by top", "CR2"): (
        [0.2258286909, 0.1179396722, 0.1568501398, 0.0701417531],
        [3.83728670, 3.82910181, 3.37024941, 3.15335973],
    ),
    ("nested", "CR1"): (
        [0.2217619833, 0.1211915841, 0.1642966372, 0.0472719974],
        [3.89777305, 3.89674636, 3.56681601, 3.03819165],
    ),
    ("nested", "CR2"): (
        [0.2206002490, 0.1225687641, 0.1696130929, 0.0493960072],
        [3.83975401, 3.84475734, 3.38559175, 2.83042774],
    ),
}


def data():
    table = pd.DataFrame(json.loads(DATA.read_text())["data"])
    return table.assign(top=(table["g"].astype(int) % 5).astype(str))


def fit(name):
    formula = "y ~ a + x + (1 | top/g)" if name == "nested" else "y ~ a + x + (x | g)"
    return pp.lmm(formula, data())


@pytest.mark.parametrize(("name", "kind"), STORED)
def test_standard_errors_and_degrees_of_freedom_are_clubsandwich_s(name, kind):
    se, df = STORED[name, kind]
    ours = fit(name).robust_tests(data()["top"] if "top" in name else None, kind)
    # The slope model is singular, where lmer's own theta is good to 1e-5.
    np.testing.assert_allclose(ours["std_error"], se, rtol=1e-5)
    np.testing.assert_allclose(ours["df"], df, rtol=1e-5)


def test_few_coordinates_give_what_whole_clusters_give():
    """CR2 from its definition, rows by rows, with V of the whole data."""
    table = models.table()
    ours = pp.lmm("y ~ x + (x | g)", table)
    X, e = ours.design.X, ours.design.y - ours.design.X @ ours.fixef.values
    codes = ours.design.random[0].factor.codes
    cov = ours.varcorr.terms[0].cov / ours.sigma**2
    z = ours.design.random[0].basis
    V = np.eye(96) + np.equal.outer(codes, codes) * (z @ cov @ z.T)
    W = np.linalg.inv(V)
    bread = np.linalg.inv(X.T @ W @ X)
    meat = np.zeros((2, 2))
    for j in range(8):
        r = codes == j
        Vj = V[np.ix_(r, r)]
        D = np.linalg.cholesky(Vj).T
        values, U = np.linalg.eigh(D @ (Vj - X[r] @ bread @ X[r].T) @ D.T)
        A = D.T @ (U / np.sqrt(values)) @ U.T @ D
        score = X[r].T @ np.linalg.inv(Vj) @ A @ e[r]
        meat += np.outer(score, score)
    np.testing.assert_allclose(ours.robust_vcov(kind="CR2"), bread @ meat @ bread)


def test_least_squares_takes_labels():
    table = models.table()
    ours = pp.lmm("y ~ x", table)
    scores = pd.DataFrame(
        ours.design.X * ours.residuals("response")[:, None], columns=["one", "x"]
    ).groupby(table["g"].to_numpy())
    meat = scores.sum().to_numpy()
    bread = np.linalg.inv(ours.design.X.T @ ours.design.X)
    np.testing.assert_allclose(ours.robust_vcov(table["g"], "CR0"), bread @ meat.T @ meat @ bread)


def test_weights_count_as_precisions():
    ours = models.fit("y ~ x + (x | g)", True)
    X = ours.design.X
    w = ours.design.weights
    use = w > 0
    codes = ours.design.random[0].factor.codes[use]
    cov = ours.varcorr.terms[0].cov / ours.sigma**2
    z = ours.design.random[0].basis[use]
    V = np.diag(1 / w[use]) + np.equal.outer(codes, codes) * (z @ cov @ z.T)
    W = np.linalg.inv(V)
    e = (ours.design.y - X @ ours.fixef.values)[use]
    scores = np.array([(X[use].T @ W)[:, codes == j] @ e[codes == j] for j in range(8)])
    bread = np.linalg.inv(X[use].T @ W @ X[use])
    expected = bread @ scores.T @ scores @ bread
    np.testing.assert_allclose(ours.robust_vcov(kind="CR0"), expected)


def test_a_column_that_was_left_out_stays_empty():
    table = models.table().assign(twice=lambda d: 2 * d["x"])
    ours = pp.lmm("y ~ x + twice + (x | g)", table).robust_tests()
    assert np.isnan(ours["std_error"][2])
    plain = models.fit("y ~ x + (x | g)").robust_tests()
    np.testing.assert_allclose(ours["std_error"][:2], plain["std_error"])


def test_crossed_factors_leave_no_independent_clusters():
    with pytest.raises(ModelError, match=r"effects of \(1 \| h\) reach over several clusters"):
        models.fit("y ~ x + (x | g) + (1 | h)").robust_vcov("g")


@pytest.mark.parametrize(
    ("cluster", "kind", "message"),
    [
        ("G", "CR2", "'G' is no grouping factor of the model, which has 'g'. Did you mean 'g'"),
        ([1, 2], "CR2", r"a label for each of the 96 rows, found an array of shape \(2,\)"),
        (None, "CR3", "kind must be 'CR0', 'CR1' or 'CR2', found 'CR3'"),
        ([0] * 96, "CR2", "needs two or more clusters, found 1"),
    ],
)
def test_what_is_no_cluster_is_refused(cluster, kind, message):
    with pytest.raises(DataError, match=message):
        cluster_robust(models.fit("y ~ x + (x | g)"), cluster, kind)


def test_without_groups_clusters_have_to_be_given():
    with pytest.raises(DataError, match="has no grouping factor: pass cluster="):
        models.fit("y ~ x + z").robust_vcov()


@pytest.mark.parametrize(
    ("label", "message"),
    [(None, "lacks a label in 1 row.*first in row 3"), (7, "mixes labels of several types")],
)
def test_labels_of_clusters_that_are_none(label, message):
    data = models.table()
    labels = data["g"].astype(str).tolist()
    labels[3] = label
    with pytest.raises(DataError, match=message):
        pp.lmm("y ~ x + (1 | g)", data).robust_tests(cluster=np.array(labels, dtype=object))
