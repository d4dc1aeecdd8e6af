"""Bootstraps: what is drawn, and how often the intervals hold the truth."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError, PartialPoolWarning
from partialpool.shrinkage.bootstrap import percentiles
from partialpool.shrinkage.labels import Grouping
from partialpool.shrinkage.resampling import draw_groups, draw_rows


def factor(name, codes):
    codes = np.asarray(codes, dtype=np.int32)
    return Grouping(name, np.array([f"{name}{i}" for i in range(codes.max() + 1)]), codes)


def test_a_group_drawn_twice_is_two_groups_with_all_its_rows():
    shop = factor("shop", np.repeat(np.arange(6), [1, 2, 3, 4, 5, 6]))
    drawn = draw_groups([shop], 21, np.random.default_rng(0))
    own = drawn.groups[0]
    assert len(own.levels) == 6 > len(set(own.levels))
    for j, label in enumerate(own.levels):
        rows = drawn.rows[own.codes == j]
        np.testing.assert_array_equal(rows, np.flatnonzero(shop.levels[shop.codes] == label))


def test_nested_levels_come_with_the_outer_ones_and_are_not_shared_between_copies():
    school, group = factor("school", np.repeat(np.arange(4), 6)), np.repeat(np.arange(8), 3)
    drawn = draw_groups([factor("class", group), school], 24, np.random.default_rng(3))
    classes, schools = drawn.groups
    assert len(classes.levels) == 8
    assert len(schools.levels) == 4
    pairs = set(zip(classes.codes.tolist(), schools.codes.tolist(), strict=True))
    assert len(pairs) == 8


def test_crossed_levels_are_drawn_independently():
    plate, sample = np.divmod(np.arange(20), 4)
    both = [factor("plate", plate), factor("sample", sample)]
    drawn = draw_groups(both, 20, np.random.default_rng(2))
    assert len(drawn.rows) == 20
    assert [len(g.levels) for g in drawn.groups] == [5, 4]


def test_rows_without_a_group_stay_without_one():
    shop = factor("shop", [0, 0, -1, 1, -1, 1])
    for draw in (draw_groups, draw_rows):
        drawn = draw([shop], 6, np.random.default_rng(1))
        np.testing.assert_array_equal(drawn.groups[0].codes < 0, shop.codes[drawn.rows] < 0)
        assert (drawn.groups[0].codes < 0).sum() == 2


def test_standard_errors_of_shared_coefficients_are_near_the_mixed_models():
    sleep = pp.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    fit = pp.penalized(formula, sleep, l2="reml", level_weights="equal")
    errors = np.asarray(fit.confint(nsim=200, seed=1)["std_error"])
    np.testing.assert_allclose(errors, [6.825, 1.546], rtol=0.15)


def test_intervals_of_deviations_are_by_level():
    sleep = pp.load_dataset("sleepstudy")
    fit = pp.penalized("Reaction ~ Days + (Days | Subject)", sleep, l2=0.5)
    table = fit.confint(nsim=20, seed=1, of="deviations")
    assert len(table) == 36
    assert table["level"][0] == "308"
    np.testing.assert_array_equal(table["estimate"], fit.solution.deviations[0].ravel())
    assert (table["conf_low"] <= table["conf_high"]).all()
    with pytest.raises(DataError, match="'shared' or 'deviations'"):
        fit.confint(of="groups")


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = np.zeros(2)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        g, x = np.repeat(np.arange(15), 8), rng.normal(size=120)
        v = rng.normal(size=(15, 2))[g]
        data = {"y": 1 + v[:, 0] + (2 + v[:, 1]) * x + rng.normal(size=120), "x": x, "g": g}
        fit = pp.penalized("y ~ x + (x | g)", data, l2="reml", level_weights="equal")
        table = fit.confint(nsim=150, seed=seed)
        held += (np.asarray(table["conf_low"]) < [1, 2]) & (np.asarray(table["conf_high"]) > [1, 2])
    # Percentiles of 15 groups are short (0.86 to 0.89), and 60 data sets leave 0.04 to chance.
    assert (held / 60 >= 0.8).all()


def test_draws_that_cannot_be_fitted_are_left_out_and_said_to_be():
    def estimate(rng):
        if rng.random() < 0.3:
            raise ModelError("separated")
        return rng.random(2)

    with pytest.warns(PartialPoolWarning, match=r"\d of 20 draws .* left out.*separated"):
        table = percentiles(estimate, np.zeros(2), 0.9, 20, 1)
    assert (table["conf_low"] < table["conf_high"]).all()

    def fail(rng):
        raise ModelError("separated")

    with pytest.raises(ModelError, match="4 of 4 draws"):
        percentiles(fail, np.zeros(2), 0.9, 4, 1)
