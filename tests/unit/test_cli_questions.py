"""Questions to saved models, from the command line."""

import io

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.cli import main

RATS = "weight ~ treatment * sex + litsize + (1 | litter)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    pp.lmm(RATS, pp.load_dataset("ratpup")).save(path / "rats.model")
    smaller = pp.lmm("weight ~ treatment + sex + litsize + (1 | litter)", pp.load_dataset("ratpup"))
    smaller.save(path / "smaller.model")
    counts = pp.glmm(
        "TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"), family="poisson"
    )
    counts.save(path / "ticks.model")
    pp.penalized("weight ~ sex + (1 | litter)", pp.load_dataset("ratpup")).save(path / "pen.model")
    return path


@pytest.fixture
def rats(folder):
    return str(folder / "rats.model")


@pytest.fixture
def ticks(folder):
    return str(folder / "ticks.model")


@pytest.fixture
def ask(capsys):
    """Run a command and return its table, or what it printed."""

    def run(*arguments, text=False):
        assert main(list(arguments)) == 0
        out = capsys.readouterr().out
        return out if text else pd.read_csv(io.StringIO(out))

    return run


@pytest.fixture
def fault(capsys):
    def run(*arguments):
        assert main(list(arguments)) == 1
        return capsys.readouterr().err

    return run


def same(ours, theirs):
    columns = list(theirs.select_dtypes("number"))
    assert list(ours.columns) == list(theirs.columns)
    np.testing.assert_allclose(ours[columns], theirs[columns], rtol=1e-12)


def test_a_saved_models_summary_is_printed(rats, ask):
    assert "Linear mixed model fitted by REML" in ask("summary", rats, text=True)


def test_parameters_come_with_intervals(rats, ticks, ask):
    fit = pp.load(rats)
    same(
        ask("tidy", rats, "--ddf", "kenward-roger", "--level", "0.9"),
        fit.tidy(conf_int=True, level=0.9, ddf="kenward-roger"),
    )
    same(ask("tidy", ticks), pp.load(ticks).tidy(conf_int=True))


def test_intervals_of_every_method(rats, ask):
    fit = pp.load(rats)
    same(ask("confint", rats), fit.confint())
    same(ask("confint", rats, "--method", "profile"), fit.confint(method="profile"))
    draws = ("--method", "bootstrap", "--draws", "50", "--seed", "1")
    same(ask("confint", rats, *draws), fit.confint(method="bootstrap", n=50, seed=1))


def test_terms_are_tested(rats, ticks, ask):
    fit = pp.load(rats)
    same(ask("anova", rats, "--type", "2"), fit.anova(2))
    same(ask("anova", ticks), pp.load(ticks).anova())


def test_hypotheses_are_tested_together(rats, ask):
    out = ask("test", rats, "treatment", "sex[T.Male] = 1", text=True)
    assert "all together: F(3," in out
    assert "sex[T.Male] = 1" in out


def test_means_and_contrasts(rats, ticks, ask):
    fit = pp.load(rats)
    same(ask("means", rats, "treatment"), fit.means("treatment"))
    pairs = ("--by", "sex", "--contrasts", "pairwise", "--adjust", "holm")
    wanted = fit.means("treatment", by="sex", contrasts="pairwise", adjust="holm")
    same(ask("means", rats, "treatment", *pairs), wanted)
    response = pp.load(ticks).means("YEAR", scale="response")
    same(ask("means", ticks, "YEAR", "--scale", "response"), response.astype({"YEAR": int}))


def test_models_are_compared_under_their_files_names(folder, rats, ask):
    out = ask("compare", str(folder / "smaller.model"), rats, text=True)
    assert "rats.model" in out
    assert "P(>Chi2)" in out


def test_a_table_can_go_to_a_file(rats, tmp_path, capsys):
    path = str(tmp_path / "out.csv")
    assert main(["anova", rats, "--out", path]) == 0
    assert capsys.readouterr().err == f"4 rows written to {path}\n"
    assert len(pd.read_csv(path)) == 4


def test_faults_speak_of_options(folder, rats, ticks, fault):
    assert "--ddf kenward-roger is for Wald intervals" in fault(
        "confint", rats, "--method", "profile", "--ddf", "kenward-roger"
    )
    assert "--level must lie between 0 and 1" in fault("tidy", rats, "--level", "95")
    assert "--ddf is not for this kind of model: a generalized" in fault(
        "tidy", ticks, "--ddf", "z"
    )
    assert "`partialpool anova` is not for this kind of model: a penalised fit" in fault(
        "anova", str(folder / "pen.model")
    )
    assert "--seed must be a whole number" in fault(
        "confint", rats, "--method", "bootstrap", "--seed", "-1"
    )
    assert "--adjust is for contrasts; give --contrasts pairwise" in fault(
        "means", rats, "treatment", "--adjust", "holm"
    )


@pytest.mark.parametrize("option", ["--draws", "--seed"])
@pytest.mark.parametrize("method", [(), ("--method", "wald"), ("--method", "profile")])
def test_draws_are_for_the_bootstrap(rats, fault, option, method):
    assert f"{option} is for the bootstrap" in fault("confint", rats, *method, option, "10")


def test_a_fit_says_how_to_drop_rows_on_the_command_line(tmp_path, fault):
    data = pp.load_dataset("sleepstudy").astype({"Days": float})
    data.loc[3, "Days"] = np.nan
    path = str(tmp_path / "sleep.csv")
    data.to_csv(path, index=False)
    assert "pass --missing drop to leave these rows out" in fault(
        "fit", "Reaction ~ Days + (1 | Subject)", path
    )


def test_a_covariate_can_be_said_not_to_apply(tmp_path, ask, fault):
    rng = np.random.default_rng(1)
    arm = np.repeat(["control", "drug"], 60)
    data = pd.DataFrame({"g": np.tile(np.arange(12), 10), "arm": arm})
    data["dose"] = np.where(arm == "drug", rng.uniform(1, 3, 120), np.nan)
    data["y"] = rng.normal(size=120) + np.nan_to_num(data["dose"])
    path = str(tmp_path / "doses.csv")
    data.to_csv(path, index=False)
    formula = "y ~ arm + dose + (1 | g)"
    out = ask("fit", formula, path, "--applicable", "dose: arm == 'drug'", text=True)
    assert "n/a" in out or "dose" in out
    assert "--applicable 'dose' has no condition" in fault(
        "fit", formula, path, "--applicable", "dose"
    )


def test_generalized_fits_take_a_method_and_a_penalty(tmp_path, capsys):
    path = str(tmp_path / "ticks.csv")
    pp.load_dataset("grouseticks").to_csv(path, index=False)
    model = str(tmp_path / "joint.model")
    asked = ["--family", "poisson", "--method", "joint", "--penalty", "5", "--save", model]
    assert main(["fit", "TICKS ~ HEIGHT + (1 | LOCATION)", path, *asked]) == 0
    theirs = pp.glmm(
        "TICKS ~ HEIGHT + (1 | LOCATION)", path, family="poisson", method="joint", penalty=5.0
    )
    np.testing.assert_allclose(pp.load(model).fixef.values, theirs.fixef.values)
    capsys.readouterr()
    assert main(["fit", "TICKS ~ HEIGHT + (1 | LOCATION)", path, "--penalty", "5"]) == 1
    assert "--penalty is for generalized models" in capsys.readouterr().err
