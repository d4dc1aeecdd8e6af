"""Correlation functions of distance, read backwards, and the tables' columns for positions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool.core import DISTANCE_CODES, Form, covariance_correlations
from partialpool.design.distances import decay_of, distances_between
from partialpool.design.positions import place_rows

POSITIONS = np.array([[0.0], [0.4], [1.0], [3.5]])
every_structure = pytest.mark.parametrize("structure", DISTANCE_CODES)


def core_correlation(structure, decay, tau):
    form = Form(
        DISTANCE_CODES[structure],
        np.ascontiguousarray(distances_between(POSITIONS) / decay.unit),
    )
    return covariance_correlations(form, len(POSITIONS), np.array([1.0, tau]))[0]


@every_structure
@pytest.mark.parametrize("value", [0.02, 0.7, 9.0])
def test_what_is_read_off_a_correlation_is_what_made_it(structure, value):
    decay = decay_of(structure, POSITIONS)
    tau, slope = decay.coordinate(value)
    corr = core_correlation(structure, decay, tau)
    assert_allclose(decay.value(corr[decay.pair]), value, rtol=1e-6)
    step = 1e-6 * value
    ends = [decay.coordinate(value + h)[0] for h in (-step, step)]
    assert_allclose(slope, (ends[1] - ends[0]) / (2 * step), rtol=1e-6)


@every_structure
def test_the_slope_is_the_difference_of_the_value(structure):
    decay = decay_of(structure, POSITIONS)
    up, down = decay.value(0.4 + 1e-6), decay.value(0.4 - 1e-6)
    assert_allclose(decay.slope(0.4), (up - down) / 2e-6, rtol=1e-6)


def test_positions_too_near_each_other_are_not_read_off():
    decay = decay_of("ou", np.array([[0.0], [1e-9], [1.0]]))
    assert decay.distance == pytest.approx(1.0)


def test_rows_get_the_effect_of_their_position():
    basis, elsewhere = place_rows(np.array([[2.0], [1.0], [np.nan], [1.5]]), ((1.0,), (2.0,)))
    assert elsewhere.tolist() == [False, False, False, True]
    np.testing.assert_array_equal(basis, [[0, 1], [1, 0], [np.nan, np.nan], [0, 0]])
