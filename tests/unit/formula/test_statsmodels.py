"""statsmodels' arguments, as one formula."""

import pytest

from partialpool.errors import FormulaError
from partialpool.formula import combine, parse

FIXED = "weight ~ litsize + C(sex, Treatment('Male'))"


@pytest.mark.parametrize(
    ("arguments", "random"),
    [
        ({"groups": "litter"}, "(1 | litter)"),
        ({"groups": "litter no"}, "(1 | `litter no`)"),
        ({"groups": "litter", "vc_formula": {}}, "(1 | litter)"),
        ({"groups": "litter", "re_formula": "1"}, "(1 | litter)"),
        ({"groups": "litter", "re_formula": "1 + C(sex)"}, "(1 + C(sex) | litter)"),
        ({"groups": "litter", "re_formula": "~ sex"}, "(sex | litter)"),
        ({"groups": "litter", "re_formula": "0 + sex"}, "(0 + sex | litter)"),
        (
            {"groups": "litter", "vc_formula": {"sex": "0 + C(sex)"}},
            "(1 | litter:sex)",
        ),
        (
            {"groups": "litter", "vc_formula": {"sex": "~ C(sex) - 1"}},
            "(1 | litter:sex)",
        ),
        (
            {"groups": "litter", "vc_formula": {"sex": "(0 + factor(sex))"}},
            "(1 | litter:sex)",
        ),
        (
            {"groups": "litter", "vc_formula": {"sex": "-1 + C(sex)"}},
            "(1 | litter:sex)",
        ),
        (
            {"groups": "litter", "vc_formula": {"s": "0 + C(Q('pup sex'))"}},
            "(1 | litter:`pup sex`)",
        ),
        ({"groups": "litter", "vc_formula": {"sex": "0 + sex"}}, "homdiag(0 + sex | litter)"),
        ({"groups": "litter", "vc_formula": {"x": "0 + x + z"}}, "homdiag(0 + x + z | litter)"),
        ({"groups": "litter", "vc_formula": {"f": "C(f)"}}, "homdiag(C(f) | litter)"),
        (
            {"groups": "litter", "vc_formula": {"f": "0 + C(f, contr.sum)"}},
            "homdiag(0 + C(f, contr.sum) | litter)",
        ),
        (
            {
                "groups": "school",
                "re_formula": "1",
                "vc_formula": {"room": "0 + C(room)", "pretest": "0 + pretest"},
            },
            "(1 | school) + (1 | school:room) + homdiag(0 + pretest | school)",
        ),
    ],
)
def test_the_arguments_become_random_terms(arguments, random):
    combined = combine(FIXED, **arguments)
    assert combined == f"{FIXED} + {random}"
    assert parse(combined).random


def test_without_arguments_the_formula_stays():
    assert combine("y ~ x + (1 | g)") == "y ~ x + (1 | g)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"re_formula": "1"}, "re_formula given without groups. Add groups="),
        ({"vc_formula": {"a": "0 + a"}}, "vc_formula given without groups"),
        ({"re_formula": "1", "vc_formula": {}}, "re_formula and vc_formula given without groups"),
        ({"groups": ["a", "b"]}, "groups is the name of a column, found list"),
        ({"groups": "g", "re_formula": 1}, "re_formula is a text such as '1 \\+ x', found int"),
        ({"groups": "g", "re_formula": "~"}, "re_formula is empty"),
        ({"groups": "g", "re_formula": "x | g"}, "re_formula has no bar"),
        ({"groups": "g", "re_formula": "x +"}, "ends too early"),
        ({"groups": "g", "re_formula": "lgo(x)"}, "Did you mean 'log'"),
        ({"groups": "g", "vc_formula": "0 + C(f)"}, "vc_formula is a mapping of names to formulas"),
        ({"groups": "g", "vc_formula": {"a": "(1 | b)"}}, "can't stand here"),
        ({"groups": "g", "vc_formula": {"a": 3}}, r"vc_formula\['a'\] is a text"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(FormulaError, match=message):
        combine("y ~ x", **arguments)


def test_both_languages_at_once_are_refused():
    with pytest.raises(FormulaError, match=r"already holds the random term \(1 \| g\)"):
        combine("y ~ x + (1 | g)", groups="g")
