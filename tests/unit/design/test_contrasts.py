from __future__ import annotations

import numpy as np
import pytest
from formulaic.transforms.contrasts import ContrastsRegistry

from partialpool.design.contrasts import Contrast, coding_matrix
from partialpool.errors import DataError
from tests.unit.design.tables import design, table

LEVELS = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("kind", ["treatment", "SAS", "sum", "helmert", "diff", "poly"])
def test_contrasts_are_formulaic_s(kind):
    ours = coding_matrix(Contrast(kind), LEVELS, reduced=True)
    theirs = getattr(ContrastsRegistry, kind)
    if kind == "helmert":
        theirs = theirs(scale=False, reverse=True)
    matrix = theirs().get_coding_matrix if isinstance(theirs, type) else theirs.get_coding_matrix
    np.testing.assert_allclose(ours.values, matrix([*LEVELS], reduced_rank=True), atol=1e-14)


# contr.helmert(4), contr.sum(3), MASS::contr.sdif(3) in R 4.2.2.
def test_helmert_contrasts_are_r_s():
    wanted = [[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]]
    values = coding_matrix(Contrast("helmert"), LEVELS[:4], reduced=True).values
    np.testing.assert_array_equal(values, wanted)


def test_successive_differences_are_those_of_mass():
    values = coding_matrix(Contrast("diff"), LEVELS[:3], reduced=True).values
    np.testing.assert_allclose(values, np.array([[-2, -1], [1, -1], [1, 2]]) / 3)


@pytest.mark.parametrize(
    ("contrast", "fields"),
    [
        (Contrast(), ("T.b", "T.c", "T.d", "T.e")),
        (Contrast(base="c"), ("T.a", "T.b", "T.d", "T.e")),
        (Contrast(base=2), ("T.a", "T.c", "T.d", "T.e")),
        (Contrast("SAS"), ("T.a", "T.b", "T.c", "T.d")),
        (Contrast("sum"), ("S.a", "S.b", "S.c", "S.d")),
        (Contrast("helmert"), ("H.b", "H.c", "H.d", "H.e")),
        (Contrast("diff"), ("D.b", "D.c", "D.d", "D.e")),
        (Contrast("poly"), (".L", ".Q", ".C", "^4")),
    ],
)
def test_columns_are_named_as_formulaic_names_them(contrast, fields):
    assert coding_matrix(contrast, LEVELS, reduced=True).fields == fields


def test_polynomial_contrasts_are_orthogonal_to_the_scores_given():
    values = coding_matrix(Contrast("poly", scores=(1, 2, 4)), LEVELS[:3], reduced=True).values
    np.testing.assert_allclose(values.T @ values, np.eye(2), atol=1e-15)
    np.testing.assert_allclose(np.corrcoef(values[:, 0], [1, 2, 4])[0, 1], 1)


def test_contrasts_are_named_in_the_formula():
    assert design("y ~ C(g, contr.sum)").columns[1] == "C(g, contr.sum)[S.a]"
    assert design("y ~ C(g, Treatment('b'))").columns[1] == "C(g, contr.treatment('b'))[T.a]"
    scored = "C(g, contr.poly([1.0, 2.0, 4.0]))[.L]"
    assert design("y ~ C(g, contr.poly(scores = c(1.0, 2.0, 4.0)))").columns[1] == scored


def test_levels_may_be_put_in_another_order():
    data = table()
    built = design("y ~ factor(g, levels = c('c', 'a', 'b'))", data)
    assert [name[-4:] for name in built.columns[1:]] == ["T.a]", "T.b]"]
    np.testing.assert_array_equal(built.X[:, 1], data["g"] == "a")


def test_a_level_left_out_of_levels_is_refused():
    with pytest.raises(DataError, match=r"has level\(s\) 'b', 'c' that are not among its levels="):
        design("y ~ C(g, levels = c('a', 'd'))")


def test_an_unknown_reference_level_is_refused():
    with pytest.raises(DataError, match=r"reference level 'A' is not one of .* Did you mean 'a'"):
        design("y ~ C(g, contr.treatment('A'))")


def test_scores_that_do_not_fit_the_levels_are_refused():
    with pytest.raises(DataError, match="a different score for each of the 3 levels"):
        design("y ~ C(g, contr.poly(c(1, 1, 2)))")
