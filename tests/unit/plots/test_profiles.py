"""Pictures of profile likelihoods."""

from __future__ import annotations

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError


@pytest.fixture(scope="module")
def found():
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    return fit.profile()


def test_every_parameter_has_a_panel_with_its_curve(found):
    figure = pp.plots.profile(found)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        c.parameter.label for c in found.curves
    ]
    line = figure.axes[1].lines[1]
    np.testing.assert_array_equal(line.get_xdata(), found["Days"].values)


def test_parameters_without_a_curve_are_left_out():
    data = pp.load_dataset("sleepstudy").assign(twice=lambda d: 2 * d["Days"])
    found = pp.lmm("Reaction ~ Days + twice + (1 | Subject)", data).profile("fixed")
    figure = pp.plots.profile(found)
    assert sum(axes.axison for axes in figure.axes) == 2


def test_a_level_beyond_the_profile_is_refused(found):
    with pytest.raises(DataError, match="the profile goes up to level"):
        pp.plots.profile(found, level=0.999)


def test_a_fit_is_no_profile():
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
    with pytest.raises(DataError, match=r"found LmmFit.*plots\.profile\(fit\.profile\(\)\)"):
        pp.plots.profile(fit)
