"""merf's figures of the worked example, one by one."""

from tests.seeds.learners import learner_figures


def test_every_figure_of_the_learners_is_met():
    found = list(learner_figures())
    assert len(found) == 4 * 20 + 3 * 4 + 3 + 27 + 2 * 4
    assert not [figure for figure in found if not figure.agrees]
