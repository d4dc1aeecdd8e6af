"""Tables that are read only when they are asked for."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import dataset, parquet

import partialpool as pp
from partialpool.errors import DataError
from partialpool.frames import read_schema, read_table
from partialpool.frames.sources import open_source

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture
def sleep():
    return pd.DataFrame(pp.load_dataset("sleepstudy")).assign(unused="x")


@pytest.fixture
def lazily(tmp_path, sleep):
    """The table in every form that isn't read yet."""
    halves = np.arange(len(sleep)) < len(sleep) // 2
    for i, half in enumerate((sleep[halves], sleep[~halves])):
        half.to_csv(tmp_path / f"{i}.csv", index=False)
        half.to_parquet(tmp_path / f"{i}.parquet", index=False)
    sleep.to_parquet(tmp_path / "all.pq", index=False)
    sleep.to_feather(tmp_path / "all.feather")
    table = pa.Table.from_pandas(sleep, preserve_index=False)
    dataset.write_dataset(
        table, tmp_path / "folder", format="parquet", partitioning=["unused"],
        partitioning_flavor="hive",
    )  # fmt: skip
    return {
        "file": tmp_path / "all.pq",
        "feather": str(tmp_path / "all.feather"),
        "pattern": str(tmp_path / "*.parquet"),
        "text": str(tmp_path / "[01].csv"),
        "folder": str(tmp_path / "folder"),
        "dataset": dataset.dataset(table),
        "LazyFrame": pl.from_pandas(sleep).lazy(),
    }


@pytest.mark.parametrize(
    "form", ["file", "feather", "pattern", "text", "folder", "dataset", "LazyFrame"]
)
def test_a_model_of_a_table_that_is_read_only_now_is_that_of_the_table(lazily, sleep, form):
    fit = pp.lmm(FORMULA, lazily[form])
    whole = pp.lmm(FORMULA, sleep)
    assert fit.objective == pytest.approx(whole.objective, abs=1e-10)
    np.testing.assert_allclose(fit.predict(lazily[form]), whole.predict(sleep), rtol=1e-12)
    counts = pp.glmm("Days ~ 1 + (1 | Subject)", lazily[form], family="poisson")
    assert counts.nobs == len(sleep)


@pytest.mark.parametrize("form", ["file", "text", "LazyFrame"])
def test_tables_come_back_in_the_kind_that_was_read(lazily, form):
    kind = {"file": pa.Table, "text": pd.DataFrame, "LazyFrame": pl.DataFrame}[form]
    fit = pp.lmm(FORMULA, lazily[form])
    assert isinstance(fit.tidy(), kind)
    assert isinstance(fit.predict(lazily[form], se=True), kind)


def test_only_the_columns_of_the_model_are_read(sleep, monkeypatch):
    asked = []

    class Watched(pa.dataset.InMemoryDataset):
        def to_table(self, columns):
            asked.append(columns)
            return super().to_table(columns)

    Watched.__module__ = "pyarrow.watched"
    data = Watched(pa.Table.from_pandas(sleep.assign(w=1.0, z=2.0)))
    fit = pp.lmm("Reaction ~ 1 + (1 | Subject)", data, weights="w / mean(w)", applicable=None)
    fit.predict(data)
    assert [sorted(columns) for columns in asked] == [["Reaction", "Subject", "w"], ["Subject"]]


def test_conditions_read_the_columns_that_they_look_at(tmp_path):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"g": np.repeat(list("abcdef"), 20), "line": np.repeat(["A", "B"], 60)})
    frame["x"] = np.where(frame["line"] == "B", rng.normal(size=120), np.nan)
    frame["y"] = rng.normal(size=120)
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pandas(frame), path)
    asked = {"applicable": {"x": "line == 'B'"}}
    fit = pp.lmm("y ~ x + (1 | g)", path, **asked)
    assert fit.objective == pytest.approx(pp.lmm("y ~ x + (1 | g)", frame, **asked).objective)
    assert np.isfinite(fit.predict(path)).all()


def test_a_misspelt_column_is_named_among_all_of_the_table(lazily):
    with pytest.raises(DataError, match=r"no column 'Dais'.*'Days'.*'unused'"):
        pp.lmm("Reaction ~ Dais + (1 | Subject)", lazily["file"])
    with pytest.raises(DataError, match=r"no column 'A'"):
        pp.lmm("A ~ B + (1 | C)", lazily["LazyFrame"])


@pytest.mark.parametrize("form", ["pattern", "text", "LazyFrame"])
def test_models_are_validated_on_what_is_read_only_now(lazily, sleep, form):
    fit = pp.lmm(FORMULA, lazily[form])
    found = pp.cross_validate(fit, lazily[form], "Subject").to_frame()
    expected = pp.cross_validate(fit, sleep, "Subject").to_frame()
    np.testing.assert_allclose(np.asarray(found["rmse"]), expected["rmse"], rtol=1e-10)


def test_the_schema_is_known_without_rows(lazily):
    for form in ("pattern", "text", "LazyFrame"):
        assert read_schema(lazily[form]).names == ("Reaction", "Days", "Subject", "unused")
    assert read_schema(lazily["LazyFrame"]).kind == "polars"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere-*.csv", r"no file is named like 'nowhere-\*\.csv'"),
        ("nowhere.parquet", r"there is no file 'nowhere.parquet'"),
        ("y ~ x + (1 | g)", r"can't tell the format of 'y ~ x \+ \(1 \| g\)'"),
    ],
)
def test_names_of_no_file_are_refused(name, message):
    with pytest.raises(DataError, match=message):
        open_source(name)


def test_an_empty_folder_and_mixed_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no Parquet files"):
        open_source(tmp_path)
    for name in ("a.csv", "a.tsv"):
        (tmp_path / name).write_text("x\n1\n")
    with pytest.raises(DataError, match=r"several formats, \.csv, \.tsv"):
        open_source(str(tmp_path / "a.*"))
    (tmp_path / "b.csv").write_text("z\n1\n")
    with pytest.raises(DataError, match=r"b\.csv' has other columns than .*a\.csv'"):
        open_source(str(tmp_path / "*.csv"))


def test_other_files_in_a_folder_are_left_alone(tmp_path, sleep, monkeypatch):
    base = tmp_path / "left=1"
    for year, rows in ((2024, sleep[:90]), (2025, sleep[90:])):
        (base / f"year={year}").mkdir(parents=True)
        rows.to_parquet(base / f"year={year}" / "part.parquet", index=False)
    (base / "README.txt").write_text("Not a table.")
    (base / "year=2024" / "notes.csv").write_text("x\n1\n")
    (base / "_temporary").mkdir()
    (base / "_temporary" / "half.parquet").write_text("half a table")
    monkeypatch.chdir(base)
    for name in (base, ".", "../left=1/", "./year=2024/.."):
        table = open_source(name)
        assert table.names == (*sleep.columns, "year")
        assert table.collect(["year"])["year"].to_pylist() == [2024] * 90 + [2025] * 90


def test_a_broken_file_in_a_folder_is_named(tmp_path, sleep):
    sleep.to_parquet(tmp_path / "b.parquet", index=False)
    (tmp_path / "a.parquet").write_text("no table")
    with pytest.raises(DataError, match=r"can't read 2 files such as .*a\.parquet"):
        open_source(tmp_path)
    (tmp_path / "a.parquet").rename(tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"can't read 2 files such as .*b\.parquet.*c\.parquet"):
        pp.lmm(FORMULA, tmp_path)


def test_a_query_of_duckdb_is_read(sleep):
    relation = duckdb.sql("select * from sleep order by Days")
    fit = pp.lmm(FORMULA, relation)
    assert fit.objective == pytest.approx(pp.lmm(FORMULA, sleep).objective, abs=1e-9)
    assert read_table(relation).kind == "pyarrow"


def test_blanks_around_a_columns_name_are_seen():
    with pytest.raises(DataError, match=r"Did you mean ' x '\?"):
        pp.lmm("y ~ x", {"y": [1.0, 2.0, 4.0], " x ": [1.0, 2.0, 3.0]})
