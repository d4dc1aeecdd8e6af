import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.container import pack, unpack
from partialpool.errors import SavedModelError

SLEEP = "Reaction ~ Days + (Days | Subject)"


def sleep():
    return pp.load_dataset("sleepstudy")


def nested():
    return pp.lmm("strength ~ 1 + (1 | batch/cask)", pp.load_dataset("Pastes"))


def crossed():
    return pp.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", pp.load_dataset("Penicillin"))


def structured():
    return pp.lmm("score ~ Machine + cs(0 + Machine | Worker)", pp.load_dataset("Machines"))


def singular():
    return pp.lmm("Yield ~ 1 + (1 | Batch)", pp.load_dataset("Dyestuff2"))


def curved():
    return pp.lmm("Reaction ~ ns(Days, 3) + poly(Days, 2) + scale(Days) + (1 | Subject)", sleep())


def weighted():
    data = sleep().assign(w=np.tile([0.0, 1.0, 2.5], 60), shift=np.arange(180.0))
    return pp.lmm(SLEEP, data, weights="w / mean(w)", offset="shift", reml=False)


def dropped():
    data = sleep().astype({"Days": float})
    data.loc[[1, 7], "Days"] = np.nan
    return pp.lmm(SLEEP, data, missing="drop")


def aliased():
    return pp.lmm("Reaction ~ Days + I(2 * Days) + (1 | Subject)", sleep(), sigma=25.0)


def plain():
    return pp.lmm("Reaction ~ Days", sleep())


def masked():
    rows = np.arange(90)
    group = np.array(["a", "b", "c"])[rows % 3]
    wait = np.where(group == "b", np.sin(rows), np.nan)
    y = np.cos(rows * 1.3) + (rows % 3) + np.nan_to_num(wait)
    data = pd.DataFrame({"y": y, "group": group, "wait": wait, "day": rows // 10})
    return pp.lmm("y ~ 0 + group + group:wait + (1 + wait | day)", data, applicable="auto")


def polars():
    return pp.lmm(SLEEP, pp.load_dataset("sleepstudy", as_="polars"))


def integer_groups():
    data = pd.DataFrame({"y": np.sin(np.arange(40.0)), "g": np.repeat([5, -2, 11, 7], 10)})
    return pp.lmm("y ~ 1 + (1 | g)", data)


FITS = [
    nested, crossed, structured, singular, curved, weighted, dropped, aliased, plain, masked,
    polars, integer_groups,
]  # fmt: skip


@pytest.fixture(params=FITS, ids=lambda make: make.__name__)
def pair(request, tmp_path):
    fit = request.param()
    path = tmp_path / "a.model"
    fit.save(path)
    return fit, pp.load(path)


def close(a, b):
    # Estimates are evaluated again at the saved optimum; the last bits may differ.
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_loaded_fit_prints_the_same_summary(pair):
    fit, back = pair
    assert str(back.summary()) == str(fit.summary())


def test_a_loaded_fit_has_the_same_estimates(pair):
    fit, back = pair
    assert back.fixef.names == fit.fixef.names
    assert back.objective == fit.objective
    assert (back.df, back.nobs, back.ngroups) == (fit.df, fit.nobs, fit.ngroups)
    assert (back.reml, back.sigma_fixed, back.aliased) == (fit.reml, fit.sigma_fixed, fit.aliased)
    for name in ("fixef", "stderr", "vcov", "theta", "sigma", "fitted"):
        close(getattr(back, name), getattr(fit, name))


def test_a_loaded_fit_predicts_the_same_with_the_same_errors(pair):
    fit, back = pair
    ours, theirs = fit.predict(se=True), back.predict(se=True)
    assert type(ours) is type(theirs)
    close(np.asarray(ours), np.asarray(theirs))


def test_a_loaded_fit_carries_the_same_certificate(pair):
    fit, back = pair
    assert back.evaluations == fit.evaluations
    assert back.converged == fit.converged
    assert back.certificate.gradient == fit.certificate.gradient
    assert back.certificate.smallest_eigenvalue == fit.certificate.smallest_eigenvalue


def test_a_loaded_fit_refits_to_the_same_optimum(pair):
    fit, back = pair
    y = fit.design.y + np.cos(np.arange(len(fit.design.y)))
    assert back.refit(y).objective == fit.refit(y).objective


def test_a_loaded_fit_is_saved_as_the_same_file(pair, tmp_path):
    _, back = pair
    back.save(tmp_path / "b.model")
    assert (tmp_path / "b.model").read_bytes() == (tmp_path / "a.model").read_bytes()


def test_new_rows_are_predicted_as_before(tmp_path):
    fit = curved()
    fit.save(tmp_path / "a.model")
    new = {"Days": [0.5, 12.0], "Subject": ["308", "309"]}
    close(pp.load(tmp_path / "a.model").predict(new), fit.predict(new))


def test_a_fit_is_loaded_by_a_process_that_never_saw_the_data(tmp_path):
    fit = pp.lmm(SLEEP, sleep())
    fit.save(tmp_path / "a.model")
    code = (
        "import sys, partialpool as pp; fit = pp.load(sys.argv[1]);"
        "print(fit.predict({'Days': [10], 'Subject': ['308']})[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.model")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) == pytest.approx(450.33, abs=0.01)


def test_columns_shared_in_memory_are_stored_once(tmp_path):
    pp.lmm(SLEEP, sleep()).save(tmp_path / "a.model")
    assert sum(a.shape == (180, 2) for a in unpack(tmp_path / "a.model").arrays.values()) == 1


def rewritten(tmp_path, change, change_arrays=lambda arrays: None):
    path = tmp_path / "a.model"
    pp.lmm(SLEEP, sleep()).save(path)
    parcel = unpack(path)
    header, arrays = json.loads(json.dumps(dict(parcel.header))), dict(parcel.arrays)
    change(header)
    change_arrays(arrays)
    pack(header, arrays, path)
    return path


def test_a_model_of_another_kind_is_refused(tmp_path):
    path = rewritten(tmp_path, lambda header: header.update(model="forest"))
    with pytest.raises(SavedModelError, match=r"holds 'forest', which .* doesn't know"):
        pp.load(path)


def test_a_newer_model_asks_for_an_upgrade(tmp_path):
    path = rewritten(tmp_path, lambda header: header.update(version=2, partialpool="9.1"))
    with pytest.raises(SavedModelError, match=r"partialpool 9\.1 in version 2 .* pip install"):
        pp.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("design"),
        lambda header: header["design"].pop("y"),
        lambda header: header["design"].update(X="nowhere"),
        lambda header: header["design"]["spec"].pop("fixed"),
        lambda header: header["design"]["random"].clear(),
        lambda header: header["design"]["random"][0].update(factor=7),
        lambda header: header["solution"].update(objective="low"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change):
    with pytest.raises(SavedModelError, match=r"can't be read"):
        pp.load(rewritten(tmp_path, change))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("factor0.codes", lambda codes: codes + np.int32(1)),
        ("factor0.codes", lambda codes: codes - np.int32(1)),
        ("factor0.codes", lambda codes: codes[1:]),
        ("factor0.codes", lambda codes: codes.astype(np.int64)),
        ("X", lambda X: X[1:]),
        ("X", lambda X: X[:, :1]),
        ("X", lambda X: X.astype(np.int32)),
        ("y", lambda y: y[1:]),
        ("psi", lambda psi: psi[1:]),
        ("curvature", lambda curvature: curvature[0]),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(tmp_path, name, change):
    def replace(arrays):
        arrays[name] = change(arrays[name])

    path = rewritten(tmp_path, lambda header: None, replace)
    with pytest.raises(SavedModelError, match=r"can't be read"):
        pp.load(path)
