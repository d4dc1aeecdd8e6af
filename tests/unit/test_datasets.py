"""The example data: every set, its description, and all four kinds of table."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import partialpool as pp
from partialpool.datasets.catalogue import dataset_names
from partialpool.errors import DataError, NotAvailableError, PartialPoolError

every_dataset = pytest.mark.parametrize("name", dataset_names())
PANDAS_KINDS = {"float": "float64", "int": "int64", "factor": "category", "ordered": "category"}


@every_dataset
def test_a_table_is_what_its_description_says(name):
    told, data = pp.list_datasets()[name], pp.load_dataset(name)
    assert len(data) == told.rows
    assert data.dtypes.astype(str).to_dict() == {
        column.name: PANDAS_KINDS[column.type] for column in told.columns
    }
    assert [column.name for column in told.columns if column.type == "ordered"] == [
        column for column in data if data[column].dtype == "category" and data[column].cat.ordered
    ]


@every_dataset
def test_every_column_has_a_meaning_and_every_set_a_source(name):
    told = pp.list_datasets()[name]
    assert all(column.meaning for column in told.columns)
    assert told.title
    assert told.description.endswith(".")
    assert told.source.endswith(".")
    assert told.distributed


@every_dataset
def test_every_level_is_used_and_no_label_is_missing(name):
    data = pp.load_dataset(name).select_dtypes("category")
    for column in data:
        np.testing.assert_array_equal(
            np.unique(data[column].cat.codes), np.arange(len(data[column].cat.categories))
        )


@every_dataset
def test_polars_holds_the_same_table(name):
    table, data = pp.load_dataset(name, "polars"), pp.load_dataset(name)
    assert isinstance(table, pl.DataFrame)
    assert table.columns == list(data)
    for column in data:
        np.testing.assert_array_equal(table[column].to_numpy(), data[column].to_numpy())
        if data[column].dtype == "category":
            assert table[column].dtype == pl.Enum(list(data[column].cat.categories))


@every_dataset
def test_pyarrow_holds_the_same_table(name):
    table = pp.load_dataset(name, as_="pyarrow")
    assert isinstance(table, pa.Table)
    pd.testing.assert_frame_equal(table.to_pandas(), pp.load_dataset(name), check_exact=True)


@every_dataset
def test_a_dict_holds_the_same_columns(name):
    columns, data = pp.load_dataset(name, "dict"), pp.load_dataset(name)
    assert list(columns) == list(data)
    for column in data:
        np.testing.assert_array_equal(columns[column], data[column].to_numpy())


def test_numbers_are_the_published_ones_to_the_last_digit():
    sleep = pp.load_dataset("sleepstudy")
    assert sleep.iloc[1].to_dict() == {"Reaction": 258.7047, "Days": 1, "Subject": "308"}
    assert sleep["Reaction"].sum() == pytest.approx(53731.42, rel=1e-6)
    owls = pp.load_dataset("Owls")
    assert owls["logBroodSize"].iloc[0] == 1.6094379124341


def test_levels_stand_in_the_order_of_r():
    assert list(pp.load_dataset("Orthodont")["Sex"].cat.categories) == ["Male", "Female"]
    assert list(pp.load_dataset("Exam")["schgend"].cat.categories) == ["mixed", "boys", "girls"]
    assert list(pp.load_dataset("InstEval")["d"].cat.categories[:4]) == ["1", "6", "7", "8"]


def test_missing_numbers_are_missing_in_the_tables_own_way():
    def missing(table):
        return table["cutting_wait_time"].is_null().sum()

    assert pp.load_dataset("manufacturing")["cutting_wait_time"].isna().sum() == 250
    assert missing(pp.load_dataset("manufacturing", "polars")) == 250
    assert pp.load_dataset("manufacturing", "pyarrow")["cutting_wait_time"].null_count == 250


def test_the_manufacturing_data_come_from_the_recipe_that_is_told():
    draw, half = np.random.RandomState(2024), 250
    feed, pull = draw.uniform(1, 10, 500), draw.uniform(0.5, 5, 500)
    cut = draw.uniform(0.1, 2, 500)
    first = 2.5 * feed[:half] + 3 * pull[:half] + draw.normal(0, 0.5, half)
    second = feed[half:] + 0.5 * pull[half:] + 3 * cut[half:] + draw.normal(0, 0.5, half)
    cut[:half] = np.nan
    data = pp.load_dataset("manufacturing", "dict")
    np.testing.assert_array_equal(data["product_group"], np.repeat(["PG1", "PG2"], half))
    np.testing.assert_allclose(data["feed_speed"], feed, rtol=1e-12)
    np.testing.assert_allclose(data["pull_acceleration"], pull, rtol=1e-12)
    np.testing.assert_allclose(data["cutting_wait_time"], cut, rtol=1e-12)
    np.testing.assert_allclose(data["production_speed"], np.append(first, second), rtol=1e-12)


def test_the_list_prints_one_line_for_each_set():
    listed = pp.list_datasets()
    assert len(str(listed).splitlines()) == len(listed) + 1
    assert "InstEval       73,421        7  Lecture ratings at ETH Zurich" in repr(listed)
    assert [told.name for told in listed] == list(listed.names)


def test_an_entry_prints_its_columns_and_its_source():
    text = str(pp.list_datasets()["sleepstudy"])
    assert "  Reaction  float    average reaction time on that day (ms)" in text
    assert "Source: Belenky" in text


@pytest.mark.parametrize("look_up", [pp.load_dataset, pp.list_datasets().__getitem__])
def test_an_unknown_name_is_answered_with_a_guess(look_up):
    with pytest.raises(
        KeyError, match=r"no data set 'sleepstudie'\. Did you mean 'sleepstudy'\?"
    ) as caught:
        look_up("sleepstudie")
    assert isinstance(caught.value, PartialPoolError)
    assert "list_datasets() shows all of them" in str(caught.value)


def test_an_unknown_kind_of_table_is_answered_with_the_four():
    with pytest.raises(
        DataError, match=r"as_='Pandas' is no kind .* 'pandas', 'polars', .* mean 'pandas'\?"
    ):
        pp.load_dataset("Rail", as_="Pandas")


def test_a_library_that_is_not_installed_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr("partialpool.extras.find_spec", lambda name: None)
    with pytest.raises(NotAvailableError, match=r'polars.*pip install "partialpool\[polars\]"'):
        pp.load_dataset("Rail", as_="polars")
    with pytest.raises(NotAvailableError, match=r'pip install "partialpool\[parquet\]"'):
        pp.load_dataset("Rail", as_="pyarrow")


def test_the_data_take_little_room():
    stored = (files("partialpool.datasets") / "data").iterdir()
    assert sum(len(path.read_bytes()) for path in stored) < 1_500_000
