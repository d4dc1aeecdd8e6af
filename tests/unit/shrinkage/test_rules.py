"""Leave-one-out, REML and folds."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import ModelError
from partialpool.shrinkage.columns import linear_predictor
from partialpool.shrinkage.fitting import Data, fit, positions, read
from partialpool.shrinkage.labels import number_groups, read_groups
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.rules import best_by_reml, leave_one_out, leverages
from partialpool.shrinkage.settings import Settings

EQUAL = Settings(weights="equal")


def sleep(groups="Subject"):
    data = pp.load_dataset("sleepstudy")
    X = data[["Days"]].to_numpy(dtype=float)
    named = number_groups(read_groups(data[groups], len(X)))
    return Data(X, data["Reaction"].to_numpy(), named, np.ones(len(X)))


def crossed(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 1))
    groups = {"a": rng.integers(0, 6, size=n), "b": rng.integers(0, 5, size=n)}
    named = number_groups(read_groups(groups, n))
    y = X[:, 0] + rng.normal(size=6)[named[0].codes] + rng.normal(size=n)
    return Data(X, y, named, np.ones(n))


@pytest.mark.parametrize("data", [sleep(), crossed()], ids=["one factor", "crossed"])
def test_leave_one_out_is_what_leaving_one_out_gives(data):
    n, l2 = len(data.y), 0.1
    _, prepared = read(data, "squared", EQUAL, Penalty(l2, squared=True))
    errors = []
    for i in range(n):
        rest, one = data.take(np.delete(np.arange(n), i)), data.take(np.array([i]))
        # The same multiplier of sums, not of means.
        left = fit(rest, "squared", EQUAL, Penalty(l2 * n / (n - 1), squared=True))
        found = positions(one.groups, rest.groups)
        errors.append(one.y[0] - linear_predictor(one.X, found, left.coefficients)[0, 0])
    point = prepared.squares.at(l2)
    np.testing.assert_allclose(leave_one_out(prepared.squares, point), np.mean(np.square(errors)))


def test_leverages_add_up_to_the_trace_of_the_hat_matrix():
    data = crossed()
    _, prepared = read(data, "squared", EQUAL, Penalty(0.1, squared=True))
    ls = prepared.squares
    fitted = []
    for i in range(len(data.y)):
        y = np.eye(len(data.y))[i]
        own = fit(
            Data(data.X, y, data.groups, data.weights), "squared", EQUAL, Penalty(0.1, squared=True)
        )
        codes = [g.codes for g in data.groups]
        fitted.append(linear_predictor(data.X, codes, own.coefficients)[i, 0])
    np.testing.assert_allclose(leverages(ls, ls.at(0.1)), fitted, rtol=1e-8)


@pytest.mark.parametrize(
    ("formula", "factors"),
    [
        ("Reaction ~ Days + (1 | Subject)", ["Subject"]),
        ("diameter ~ 1 + (1 | plate)", ["plate"]),
    ],
)
def test_the_reml_rule_is_the_mixed_models(formula, factors):
    name = "sleepstudy" if "Subject" in factors else "Penicillin"
    data = pp.load_dataset(name)
    mixed = pp.lmm(formula, data)
    ours = pp.penalized(formula, data, l2="reml", level_weights="equal", loss="squared")
    # lmm stops at 1e-9 of its objective, whose square root is what theta is good for.
    np.testing.assert_allclose(ours.fitted, mixed.fitted, rtol=1e-5)
    np.testing.assert_allclose(ours.solution.kappa * ours.nobs, mixed.theta[0] ** -2, rtol=1e-4)


def test_the_search_for_reml_finds_the_bottom():
    _, prepared = read(sleep(), "squared", EQUAL, Penalty(1.0, squared=True))
    from partialpool.shrinkage.rules import reml_criterion

    ls = prepared.squares
    best = best_by_reml(ls)
    at = reml_criterion(ls, ls.at(best))
    assert all(at < reml_criterion(ls, ls.at(best * f)) for f in (0.9, 1.1, 0.01, 100.0))


def test_rules_that_need_linear_fits_are_refused_with_other_norms():
    data = pp.load_dataset("sleepstudy")
    model = pp.HierarchicalRegressorCV(5, cv="loo", l1=0.1)
    with pytest.raises(ModelError, match="needs a regression penalised by l2 alone"):
        model.fit(data[["Days"]], data["Reaction"], groups=data["Subject"])
