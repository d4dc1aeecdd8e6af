"""Tables from and to files."""

import re
from importlib.util import find_spec

import pandas as pd
import pytest

from partialpool.errors import DataError, NotAvailableError
from partialpool.frames.files import read_file, write_file


@pytest.fixture
def table():
    return pd.DataFrame({"number": [1.5, None, 3.0], "text": ["a", "b,c", "Ü"], "n": [1, 2, 3]})


@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.csv.gz", "A.CSV", "a.parquet", "a.pq", "a.feather", "a.arrow"]
)
def test_a_table_written_is_read_again(tmp_path, table, name):
    path = str(tmp_path / name)
    write_file(table, path)
    back = read_file(path)
    back = back if isinstance(back, pd.DataFrame) else back.to_pandas()
    pd.testing.assert_frame_equal(back, table, check_dtype=False)


def test_words_for_missing_are_missing_among_numbers_and_labels_among_words(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,flag,g,empty\n1,True,a,\n,,NA,\nNA,NA,,\nnull,False,None,\n")
    frame = read_file(str(path))
    assert frame["x"].tolist()[:1] == [1.0]
    assert frame["x"].isna().tolist() == [False, True, True, True]
    assert frame["flag"].isna().tolist() == [False, True, True, False]
    assert frame["g"].tolist()[:2] == ["a", "NA"]
    assert frame["g"].isna().tolist() == [False, False, True, False]
    assert frame["empty"].isna().all()


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n", encoding="utf-8-sig")
    assert list(read_file(str(path)).columns) == ["x", "y"]


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.parquet.gz", "a.gz", "a.csv.zip"])
def test_an_unknown_format_is_named_with_those_that_are_known(name):
    with pytest.raises(DataError, match=rf"'{re.escape(name)}'.* ends in .csv, .tsv, .parquet"):
        read_file(name)


def test_a_missing_file_is_named():
    with pytest.raises(DataError, match=r"there is no file 'nowhere.csv'"):
        read_file("nowhere.csv")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"x\n1,2\n3,4,5\n"),
        ("a.csv", b"x\n1,2\n3,4\n"),
        ("a.csv", b"x,y\n1,2\n3,4,5\n"),
        ("a.csv", b"x\n\xff\xfe\n"),
        ("a.parquet", b"x"),
        ("a.feather", b"x"),
        ("a.csv.gz", b"x"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"can't read '.*' as a table: "):
        read_file(str(path))


def test_a_csv_with_two_columns_of_one_name_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y,x\n1,2,3\n")
    with pytest.raises(DataError, match=r"has 2 columns named 'x'"):
        read_file(str(path))


def test_a_csv_with_another_separator_says_how_to_save_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("y;x\n1,5;2\n2,5;3\n")
    with pytest.raises(DataError, match=r"'y;x': its columns seem to be separated by ';'"):
        read_file(str(path))


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"")
    monkeypatch.setattr(
        "partialpool.extras.find_spec", lambda name: None if name == "pyarrow" else find_spec(name)
    )
    with pytest.raises(NotAvailableError, match=r"partialpool\[parquet\]"):
        read_file(str(path))


def test_a_folder_that_can_not_be_written_is_named(tmp_path, table):
    with pytest.raises(DataError, match=r"can't write '.*nowhere.*a\.csv'"):
        write_file(table, str(tmp_path / "nowhere" / "a.csv"))
