"""Profile intervals of lme4, computed here; stored in `profiles.json`.

lme4 interpolates its profile by splines, which is good to about 1e-3 of an interval's width.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.reference.cases import fit, r_name, squeeze

STORED = json.loads((Path(__file__).parent / "profiles.json").read_text())["fits"]

# Where lme4's profile fails: its splines break at a variance of zero or a correlation of one, or
# its search stops in units far from one. test_ends_are_where_the_deviance_has_risen holds ours
# against independent minima there.
BROKEN = {
    ("lmm_dyestuff2_ml", "sigma"),
    ("lmm_orthodont_slope", "cor_age.(Intercept)|Subject"),
    ("lmm_orthodont_slope", "sigma"),
    ("lmm_sleepstudy_weights", "(Intercept)"),
    ("lmm_sleepstudy_weights", "Days"),
}


def r_label(parameter):
    if parameter.kind == "sigma":
        return "sigma"
    if parameter.kind == "fixed":
        return r_name(parameter.term)
    effects = [r_name(x) for x in parameter.term.split("__")[1].split(".")]
    kind = "sd" if parameter.kind == "sd" else "cor"
    return f"{kind}_{'.'.join(reversed(effects))}|{parameter.group}"


def theirs(name):
    table = STORED[name]
    ends = {}
    for label, low, high in zip(table["rows"], table["2.5 %"], table["97.5 %"], strict=True):
        head, _, group = squeeze(label).partition("|")
        ends[squeeze(label)] = (low, high)
        # R writes nested factors the other way round.
        ends[f"{head}|{':'.join(reversed(group.split(':')))}"] = (low, high)
    return ends


@pytest.mark.parametrize("name", sorted(STORED))
def test_profile_intervals_agree(name):
    expected = theirs(name)
    for curve in fit(name).profile(level=0.96).curves:
        label = r_label(curve.parameter)
        if (name, label) in BROKEN:
            continue
        low, high = curve.interval(0.95)
        np.testing.assert_allclose(
            (low, high), expected[label], rtol=0, atol=1e-3 * (high - low), err_msg=label
        )
