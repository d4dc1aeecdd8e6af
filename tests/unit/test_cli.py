"""The command line, from arguments to exit codes."""

import io
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.cli import main
from partialpool.errors import DataError
from partialpool.frames.files import read_file
from partialpool.progress import working

FORMULA = "Reaction ~ Days + (Days | Subject)"
QUESTIONS = ("summary", "tidy", "confint", "anova", "test", "means", "compare")


class Terminal:
    """Standard error that claims to be a terminal, and remembers."""

    def __init__(self):
        self.text = ""
        self.encoding = "utf-8"

    def isatty(self):
        return True

    def write(self, text):
        self.text += text
        return len(text)

    def flush(self):
        pass


def test_quick_work_shows_no_progress(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with working("Fitting"):
        pass
    assert terminal.text == ""


def test_long_work_shows_what_is_going_on(monkeypatch):
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    with working("Fitting", after=0.01):
        time.sleep(0.5)
    assert "Fitting" in terminal.text


def test_progress_stays_out_of_files(capsys):
    with working("Fitting", after=0.0):
        time.sleep(0.05)
    assert capsys.readouterr() == ("", "")


def test_an_error_inside_long_work_passes_through(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(DataError, match="broken"), working("Fitting", after=0.0):
        raise DataError("broken")


@pytest.mark.parametrize(
    "arguments", [[], ["fit"], ["fit", "y ~ x"], ["fly"], ["demo", "--o", "x"]]
)
def test_wrong_usage_leaves_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert leaving.value.code == 2
    assert "usage: partialpool" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], *([c] for c in ("fit", "predict", "demo", *QUESTIONS))])
def test_help_fits_a_terminal_and_leaves_with_zero(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as leaving:
        main([*command, "--help"])
    assert leaving.value.code == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"partialpool {pp.__version__}\n"


def test_help_waits_for_no_numerical_library():
    code = (
        "import sys; from partialpool.cli.parser import build_parser; build_parser();"
        "print([m for m in ('numpy', 'pandas', 'scipy', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_module_runs_as_a_program():
    command = [sys.executable, "-m", "partialpool", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"partialpool {pp.__version__}\n"


@pytest.fixture
def sleep_csv(tmp_path):
    path = tmp_path / "sleep.csv"
    pp.load_dataset("sleepstudy").to_csv(path, index=False)
    return str(path)


@pytest.fixture
def model(tmp_path, sleep_csv, capsys):
    path = str(tmp_path / "a.model")
    assert main(["fit", FORMULA, sleep_csv, "--save", path]) == 0
    capsys.readouterr()
    return path


def test_fit_prints_the_summary(sleep_csv, capsys):
    assert main(["fit", FORMULA, sleep_csv]) == 0
    out = capsys.readouterr().out
    assert "Linear mixed model fitted by REML" in out
    assert "251.405       6.825  36.84" in out


def test_fit_by_maximum_likelihood(sleep_csv, capsys):
    assert main(["fit", FORMULA, sleep_csv, "--ml"]) == 0
    assert "1751.9393" in capsys.readouterr().out


def test_fit_takes_weights_and_an_offset(tmp_path, capsys):
    data = pp.load_dataset("sleepstudy").assign(w=2.0, shift=100.0)
    path = str(tmp_path / "sleep.parquet")
    data.to_parquet(path)
    assert main(["fit", FORMULA, path, "--weights", "w", "--offset", "shift"]) == 0
    out = capsys.readouterr().out
    assert "151.405" in out
    assert "Rows are weighted" in out


def test_fit_drops_missing_rows_only_when_asked(tmp_path, capsys):
    data = pp.load_dataset("sleepstudy").astype({"Days": float})
    data.loc[3, "Days"] = np.nan
    path = str(tmp_path / "sleep.csv")
    data.to_csv(path, index=False)
    assert main(["fit", FORMULA, path]) == 1
    assert "Days" in capsys.readouterr().err
    assert main(["fit", FORMULA, path, "--missing", "drop"]) == 0
    assert "1 row of 180 left out" in capsys.readouterr().out


def test_a_fault_is_one_message_without_a_traceback(sleep_csv, capsys):
    assert main(["fit", "Reaction ~ Dayz + (1 | Subject)", sleep_csv]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("partialpool: error: ")
    assert "Did you mean 'Days'?" in captured.err
    assert "Traceback" not in captured.err


def test_predict_adds_a_column_to_the_table(model, sleep_csv, capsys):
    assert main(["predict", model, sleep_csv]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Reaction,Days,Subject,estimate"
    assert len(lines) == 181
    # lme4 1.1-31, tests/reference/fits.
    assert float(lines[1].split(",")[-1]) == pytest.approx(253.66367, rel=1e-5)


def test_predict_without_the_groups_is_the_populations_line(model, sleep_csv, capsys):
    assert main(["predict", model, sleep_csv, "--random", "none"]) == 0
    assert float(capsys.readouterr().out.splitlines()[1].split(",")[-1]) == pytest.approx(
        251.405105, rel=1e-6
    )


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.feather"])
def test_predict_writes_a_file_with_standard_errors(model, sleep_csv, tmp_path, name, capsys):
    out = str(tmp_path / name)
    assert main(["predict", model, sleep_csv, "--se", "--out", out]) == 0
    back = read_file(out)
    back = back if isinstance(back, pd.DataFrame) else back.to_pandas()
    assert list(back.columns) == ["Reaction", "Days", "Subject", "estimate", "std_error"]
    assert (back["std_error"] > 0).all()
    assert capsys.readouterr().err == f"180 predictions written to {out}\n"


@pytest.mark.parametrize("method", [[], ["--bootstrap", "200", "--seed", "1"]])
def test_predict_adds_intervals(model, sleep_csv, capsys, method):
    options = ["--interval", "prediction", "--level", "0.9", *method]
    assert main(["predict", model, sleep_csv, *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Reaction,Days,Subject,estimate,conf_low,conf_high"
    mean, low, high = map(float, lines[1].split(",")[-3:])
    assert low < mean < high


def test_predict_says_what_intervals_need(model, sleep_csv, ticks, tmp_path, capsys):
    assert main(["predict", model, sleep_csv, "--seed", "1"]) == 1
    assert "Add --interval prediction" in capsys.readouterr().err
    counts = str(tmp_path / "ticks.model")
    formula = "TICKS ~ YEAR + (1 | LOCATION)"
    assert main(["fit", formula, ticks, "--family", "poisson", "--save", counts]) == 0
    assert main(["predict", counts, ticks, "--interval", "confidence"]) == 1
    assert "--interval is not for this kind of model" in capsys.readouterr().err


def test_fit_takes_a_known_sigma_for_linear_models_only(sleep_csv, capsys):
    assert main(["fit", FORMULA, sleep_csv, "--sigma", "25"]) == 0
    assert "25" in capsys.readouterr().out
    assert main(["fit", FORMULA, sleep_csv, "--sigma", "25", "--family", "gamma"]) == 1
    assert "--sigma is for linear models" in capsys.readouterr().err


def test_predict_for_a_new_group_is_refused_or_the_populations_line(model, tmp_path, capsys):
    new = tmp_path / "new.csv"
    new.write_text("Days,Subject\n0,999\n")
    assert main(["predict", model, str(new)]) == 1
    assert "999" in capsys.readouterr().err
    assert main(["predict", model, str(new), "--new-levels", "population"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("0,999,251.405")


def test_predict_replaces_no_column(model, tmp_path, capsys):
    new = tmp_path / "new.csv"
    new.write_text("Days,Subject,estimate\n0,308,1\n")
    assert main(["predict", model, str(new)]) == 1
    assert "has a column 'estimate' already" in capsys.readouterr().err


def test_predict_from_a_foreign_file_is_refused(sleep_csv, capsys):
    assert main(["predict", sleep_csv, sleep_csv]) == 1
    assert "not a model saved by partialpool" in capsys.readouterr().err


def test_demo_prints_the_summary_and_says_where_the_picture_is(tmp_path, capsys):
    folder = tmp_path / "pictures"
    assert main(["demo", "--out", str(folder)]) == 0
    out = capsys.readouterr().out
    picture = folder / "sleepstudy-fitted-lines.png"
    assert "251.405       6.825  36.84" in out
    assert out.endswith(f"\nPicture of the fitted lines: {picture}\n")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_demo_without_matplotlib_says_how_to_get_the_picture(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "partialpool.plots", raising=False)
    monkeypatch.delattr(pp, "plots", raising=False)
    monkeypatch.setattr(
        "partialpool.extras.find_spec",
        lambda name: None if name == "matplotlib" else find_spec(name),
    )
    assert main(["demo"]) == 0
    assert 'pip install "partialpool[plots]"' in capsys.readouterr().out


def test_demo_where_nothing_can_be_written_says_so(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file")]) == 1
    assert "can't write" in capsys.readouterr().err


def test_a_warning_is_one_line_on_standard_error(monkeypatch, capsys, sleep_csv):
    import warnings

    from partialpool.cli import commands
    from partialpool.errors import PartialPoolWarning

    def warn(arguments):
        warnings.simplefilter("always")
        warnings.warn("mind this", PartialPoolWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(commands, "fit", warn)
    assert main(["fit", FORMULA, sleep_csv]) == 0
    assert capsys.readouterr().err == "partialpool: warning: mind this\n"


def test_an_interrupt_leaves_quietly(monkeypatch, capsys, sleep_csv):
    from partialpool.cli import commands

    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "fit", interrupt)
    assert main(["fit", FORMULA, sleep_csv]) == 130
    assert capsys.readouterr().err == ""


# --- generalized models -------------------------------------------------------------------------


@pytest.fixture
def ticks(tmp_path):
    path = tmp_path / "ticks.csv"
    pp.load_dataset("grouseticks").to_csv(path, index=False)
    return str(path)


TICKS = "TICKS ~ HEIGHT + (1 | LOCATION)"


def test_a_family_fits_a_generalized_model_and_its_predictions_have_a_scale(
    ticks, tmp_path, capsys
):
    model = str(tmp_path / "ticks.model")
    assert main(["fit", TICKS, ticks, "--family", "nbinom2", "--save", model]) == 0
    assert "Family:  nbinom2, log link" in capsys.readouterr().out
    assert main(["predict", model, ticks, "--type", "link", "--se"]) == 0
    lines = capsys.readouterr().out.splitlines()
    fit = pp.glmm(TICKS, pp.load_dataset("grouseticks"), family="nbinom2")
    assert lines[0].endswith("estimate,std_error")
    np.testing.assert_allclose(float(lines[1].split(",")[-2]), fit.linear_predictor[0], rtol=1e-6)


def test_a_link_and_quadrature_can_be_chosen(ticks, capsys):
    arguments = ["--family", "binomial", "--link", "probit", "--quadrature", "5"]
    assert main(["fit", "I(TICKS > 0) ~ HEIGHT + (1 | LOCATION)", ticks, *arguments]) == 0
    out = capsys.readouterr().out
    assert "binomial, probit link" in out
    assert "adaptive Gauss-Hermite quadrature, 5 nodes" in out


@pytest.mark.parametrize(
    "option", [["--link", "log"], ["--quadrature", "3"], ["--zero-inflation", "~ 1"]]
)
def test_options_of_generalized_models_need_a_family(ticks, capsys, option):
    assert main(["fit", TICKS, ticks, *option]) == 1
    assert f"{option[0]} is for generalized models. Name the --family" in capsys.readouterr().err


def test_an_unknown_family_is_no_traceback(ticks, capsys):
    assert main(["fit", TICKS, ticks, "--family", "poison"]) == 1
    assert "there is no family 'poison'" in capsys.readouterr().err


def test_a_scale_is_for_generalized_models(tmp_path, capsys):
    data = str(tmp_path / "sleep.csv")
    pp.load_dataset("sleepstudy").to_csv(data, index=False)
    model = str(tmp_path / "sleep.model")
    assert main(["fit", FORMULA, data, "--save", model]) == 0
    assert main(["predict", model, data, "--type", "link"]) == 1
    assert "--type is for generalized models" in capsys.readouterr().err


def test_ordinal_predictions_are_a_column_for_each_category(tmp_path, capsys):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": np.arange(60) % 3, "x": rng.normal(size=60), "g": np.arange(60) % 6})
    data, model = str(tmp_path / "a.csv"), str(tmp_path / "a.model")
    frame.to_csv(data, index=False)
    assert main(["fit", "y ~ x + (1 | g)", data, "--family", "ordinal", "--save", model]) == 0
    capsys.readouterr()
    assert main(["predict", model, data]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert header == "y,x,g,probability_0,probability_1,probability_2"


@pytest.mark.parametrize("spelling", ["sleep.csv", "./sleep.csv", "folder/../sleep.csv", "link"])
def test_no_command_writes_over_what_it_reads(
    model, sleep_csv, tmp_path, monkeypatch, capsys, spelling
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(sleep_csv)
    before = (tmp_path / "sleep.csv").read_bytes()
    for command in (
        ["fit", FORMULA, "sleep.csv", "--save", spelling],
        ["fit", FORMULA, "sl*.csv", "--save", spelling],
        ["predict", model, "sleep.csv", "--out", spelling],
    ):
        assert main(command) == 1
        assert "would replace 'sleep.csv', which is read" in capsys.readouterr().err
    assert (tmp_path / "sleep.csv").read_bytes() == before


@pytest.mark.parametrize("command", ["tidy", "confint", "anova", "means"])
def test_no_question_writes_over_its_model(model, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.model").rename("a.csv")
    more = ["Days"] if command == "means" else []
    assert main([command, "a.csv", *more, "--out", "./a.csv"]) == 1
    assert "--out './a.csv' would replace 'a.csv'" in capsys.readouterr().err
    pp.load("a.csv")


def test_a_model_gets_no_tables_name_and_its_folder_is_looked_for_first(
    sleep_csv, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(pp, "lmm", None)
    for ending in (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".gz", ".CSV"):
        assert main(["fit", FORMULA, sleep_csv, "--save", str(tmp_path / f"m{ending}")]) == 1
        assert "has the name of a table" in capsys.readouterr().err
    assert main(["fit", FORMULA, sleep_csv, "--save", str(tmp_path / "no" / "a.model")]) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert main(["fit", FORMULA, sleep_csv, "--save", str(tmp_path)]) == 1
    assert "it is a folder" in capsys.readouterr().err


def test_a_model_is_saved_though_nobody_reads_the_summary(sleep_csv, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise BrokenPipeError

    path = tmp_path / "a.model"
    monkeypatch.setattr("builtins.print", stop)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert main(["fit", FORMULA, sleep_csv, "--save", str(path)]) == 0
    monkeypatch.undo()
    assert pp.load(path).fixef["Days"] == pytest.approx(10.467286)


def test_predict_takes_patterns_and_folders(model, tmp_path, capsys):
    sleep = pp.load_dataset("sleepstudy")
    parts = tmp_path / "parts"
    parts.mkdir()
    for i, rows in enumerate((sleep[:90], sleep[90:])):
        rows.to_csv(parts / f"{i}.csv", index=False)
        rows.to_parquet(parts / f"{i}.parquet", index=False)
    expected = pp.load(model).predict(sleep)
    for name in (str(parts / "*.csv"), str(parts)):
        assert main(["predict", model, name]) == 0
        out = pd.read_csv(io.StringIO(capsys.readouterr().out))
        np.testing.assert_allclose(out["estimate"], expected)
    assert main(["predict", model, str(parts), "--out", str(parts / "0.parquet")]) == 1
