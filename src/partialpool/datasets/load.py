"""Example data as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, overload

from partialpool.datasets.catalogue import describe
from partialpool.datasets.native import to_dict, to_pandas, to_polars, to_pyarrow
from partialpool.datasets.storage import read_columns
from partialpool.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["load_dataset"]

_CONVERSIONS: Final = {
    "pandas": to_pandas,
    "polars": to_polars,
    "pyarrow": to_pyarrow,
    "dict": to_dict,
}


@overload
def load_dataset(name: str, as_: Literal["pandas"] = "pandas") -> pd.DataFrame: ...
@overload
def load_dataset(name: str, as_: Literal["polars"]) -> pl.DataFrame: ...
@overload
def load_dataset(name: str, as_: Literal["pyarrow"]) -> pa.Table: ...
@overload
def load_dataset(name: str, as_: Literal["dict"]) -> dict[str, NDArray[Any]]: ...
def load_dataset(name: str, as_: str = "pandas") -> Any:
    """Load one of the example data sets.

    Parameters
    ----------
    name
        Its name; :func:`list_datasets` shows all of them, and with
        ``list_datasets()[name]`` the source and the meaning of every column.
    as_
        ``"pandas"``, ``"polars"`` or ``"pyarrow"`` for a table of that library, or
        ``"dict"`` for a dict of NumPy arrays. Factors are categorical, dictionary or
        enumeration columns with their levels in R's order, so that the baseline of
        treatment contrasts is R's too; in a dict they are strings. Only pandas and pyarrow
        can say that a factor is ordered (and so gets polynomial contrasts).

    Returns
    -------
    pandas.DataFrame, polars.DataFrame, pyarrow.Table or dict
        The data.

    Raises
    ------
    UnknownNameError
        If there is no such data set.
    DataError
        If ``as_`` is none of the four.
    NotAvailableError
        If the library asked for isn't installed.

    Examples
    --------
    >>> load_dataset("sleepstudy").head(3)
       Reaction  Days Subject
    0  249.5600     0     308
    1  258.7047     1     308
    2  250.8006     2     308
    """
    if as_ not in _CONVERSIONS:
        raise DataError(
            f"as_={as_!r} is no kind of table that a data set can be loaded as; "
            f"choose one of {', '.join(map(repr, _CONVERSIONS))}.{did_you_mean(as_, _CONVERSIONS)}"
        )
    return _CONVERSIONS[as_](read_columns(describe(name)))
