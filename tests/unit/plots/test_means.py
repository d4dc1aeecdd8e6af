import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError


@pytest.fixture(scope="module")
def fit():
    rats = pp.load_dataset("ratpup")
    return pp.lmm("weight ~ treatment * sex + litsize + (1 | litter)", rats)


def test_every_mean_has_its_line(fit):
    table = fit.means("treatment", by="sex")
    (axes,) = pp.plots.means(table).axes
    np.testing.assert_allclose(axes.lines[0].get_xdata(), table["estimate"])
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[:2] == ["Control  Female", "High  Female"]


def test_contrasts_have_a_line_at_no_difference(fit):
    (axes,) = pp.plots.means(fit.means("treatment", contrasts="pairwise")).axes
    assert axes.lines[0].get_xdata()[0] == 0.0
    counts = pp.glmm("TICKS ~ YEAR + (1 | BROOD)", pp.load_dataset("grouseticks"), family="poisson")
    ratios = counts.means("YEAR", contrasts="pairwise", scale="response")
    (axes,) = pp.plots.means(ratios, title="Ratios").axes
    assert axes.lines[0].get_xdata()[0] == 1.0


def test_a_table_of_something_else_is_refused(fit):
    with pytest.raises(DataError, match="no column 'conf_low'"):
        pp.plots.means(fit.tidy())
