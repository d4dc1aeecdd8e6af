from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from partialpool.errors import NotAvailableError
from partialpool.frames import make_frame, read_table

COLUMNS = {
    "level": np.array(["a", "b"], dtype=object),
    "key": np.array([308, 309]),
    "estimate": np.array([1.5, np.nan]),
}


@pytest.mark.parametrize(
    ("kind", "type_"),
    [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table), ("dict", dict)],
)
def test_a_table_is_made_in_the_library_asked_for(kind, type_):
    frame = make_frame(COLUMNS, kind)
    assert isinstance(frame, type_)
    assert read_table(frame).names == tuple(COLUMNS)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_text_becomes_the_library_s_text_and_numbers_its_numbers(kind):
    schema = nw.from_native(make_frame(COLUMNS, kind)).schema
    assert [*schema.values()] == [nw.String, nw.Int64, nw.Float64]


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    def fail(*args, **kwargs):
        raise ImportError

    monkeypatch.setattr(nw, "from_dict", fail)
    with pytest.raises(NotAvailableError, match="pip install polars"):
        make_frame(COLUMNS, "polars")
