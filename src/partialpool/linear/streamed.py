"""Linear mixed models of tables that fit no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from os import PathLike
from typing import Any, Literal

from partialpool.design import as_expression, columns_of
from partialpool.design.batches import build_batches
from partialpool.docstrings import explained
from partialpool.errors import DataError
from partialpool.formula import Formula, parse
from partialpool.frames import Schema, open_source, read_schema
from partialpool.inference.counts import check_count
from partialpool.linear.estimates import LinearEstimates
from partialpool.linear.fit import LmmFit
from partialpool.linear.model import check_likelihood, warn_of_no_optimum
from partialpool.solve import Likelihood, solve_reduced
from partialpool.solve.stream import reduce_batches

__all__ = ["StreamedLmm", "stream_lmm"]

Read = Callable[[tuple[str, ...]], Iterator[Any]]
"""Gives the tables of a source with some of its columns, from the first table on."""


@explained
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StreamedLmm(LinearEstimates):
    """A linear mixed model fitted to rows that went by in batches and weren't kept.

    Made by :func:`partialpool.stream_lmm`. It has all of :class:`partialpool.LmmFit` that needs
    no rows: estimates, their covariance, degrees of freedom and tests, means and slopes, random
    effects, predictions for any table. Its numbers are those of ``lmm`` on all rows at once.

    Attributes
    ----------
    design
        Columns and random terms, and how to make them again for new data; a few rows stand for
        all.
    solution
        The optimum.
    """

    def __getattr__(self, name: str) -> Any:
        if hasattr(LmmFit, name):
            raise AttributeError(
                f"a fit of rows that went by in batches has no {name}, which needs the rows. Fit "
                "the model to rows in memory with lmm()."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def save(self, path: str | PathLike[str]) -> None:
        """Write a fit to one file, which :func:`partialpool.load` reads.

        The file holds sums over the rows and none of the rows.

        Parameters
        ----------
        path
            File to write; one that exists is replaced in one step.

        Raises
        ------
        SavedModelError
            If the file can't be written.
        """
        from partialpool.linear.storage import save  # storage builds fits, so it imports this

        save(self, path)

    def __reduce__(self) -> tuple[Any, ...]:
        from partialpool.linear.storage import pack  # storage builds fits: it imports this

        return pack(self)


def stream_lmm(
    formula: str,
    data: Any,
    *,
    reml: bool = True,
    weights: str | None = None,
    offset: str | None = None,
    missing: Literal["error", "drop"] = "error",
    sigma: float | None = None,
    batch_rows: int = 1_000_000,
) -> StreamedLmm:
    """Fit a linear mixed model to a table of any length, some rows at a time.

    The rows are read four times: for the levels, for centres and scales, for the triangular
    factor of the columns, and for the cross-products, from which the model is then fitted as
    exactly as :func:`partialpool.lmm` does. Memory is for one batch, and for what the levels need.

    Parameters
    ----------
    formula
        As for :func:`partialpool.lmm`. Functions that learn from all rows (``scale``, ``poly``,
        ``ns``, ``bs``, ``mean``) are refused.
    data
        What can be read in batches, and more than once: names of Parquet or Feather files, a
        pattern, a folder, a pyarrow Dataset, a polars LazyFrame, a DuckDB relation; or a function
        without arguments that returns an iterator of tables, from the first on at every call.
    reml, missing, sigma
        As for :func:`partialpool.lmm`.
    weights, offset
        A column, or an expression.
    batch_rows
        Rows read at a time. Functions decide for themselves.

    Returns
    -------
    StreamedLmm
        The fit; printing it gives a summary.

    Raises
    ------
    FormulaError, DataError, ModelError
        As :func:`partialpool.lmm`; also if the source can't be read in batches, or gives other
        rows when it is read again.

    Warns
    -----
    ConvergenceWarning
        As :func:`partialpool.lmm`.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> halves = lambda: iter([sleep[:90], sleep[90:]])
    >>> pp.stream_lmm("Reaction ~ Days + (Days | Subject)", halves).fixef
    Intercept  251.405
    Days        10.4673

    References
    ----------
    Bates et al. (2015), Journal of Statistical Software 67(1), section 3: only cross-products of
    the rows enter the likelihood.
    """
    check_likelihood(reml, missing, sigma)
    _check_texts(weights=weights, offset=offset)
    size = check_count("batch_rows", batch_rows)
    schema, read = _open(data, size)
    parsed = parse(formula, schema.names)
    names = _names(parsed, (weights, offset), schema)
    rows = build_batches(
        parsed,
        partial(read, names),
        names,
        schema.kind,
        weights=weights,
        offset=offset,
        missing=missing,
    )
    design, reduced = reduce_batches(rows, sigma)
    likelihood = Likelihood(bool(reml and design.random), sigma)
    fit = StreamedLmm(design, solve_reduced(design, reduced, likelihood))
    warn_of_no_optimum(fit)
    return fit


def _check_texts(**texts: object) -> None:
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise DataError(
                f"{name}= must be a column or an expression, found {type(value).__name__}: rows "
                "that come in batches have no array beside them. Make a column of it in the source."
            )


def _open(data: Any, batch_rows: int) -> tuple[Schema, Read]:
    """Return what is known of a source, and what reads some columns of it."""
    if callable(data) and not hasattr(data, "columns"):
        return _of_function(data)
    if isinstance(data, (list, tuple, Iterator)):
        raise DataError(
            f"a {type(data).__name__} of tables is read only once, or in memory as a whole. Pass a "
            "function without arguments that returns a new iterator at every call."
        )
    source = open_source(data)
    if source is None:
        raise DataError(
            f"data must be a source that is read in batches, found {type(data).__name__}, which is "
            "in memory as it is: fit it with lmm()."
        )
    batches = source.batches
    if batches is None:
        raise DataError(
            "this source can't be read in batches. Write it as Parquet first, or pass a function "
            "that returns an iterator of tables, such as "
            "lambda: pandas.read_csv(name, chunksize=1_000_000)."
        )
    return Schema(source.names, source.kind), lambda names: batches(names, batch_rows)


def _of_function(data: Callable[[], Iterable[Any]]) -> tuple[Schema, Read]:
    given = data()
    if hasattr(given, "columns") or not isinstance(given, Iterable):
        raise DataError(
            f"the function given as data returned a {type(given).__name__}, and not an iterator of "
            "tables, such as pandas.read_csv(name, chunksize=1_000_000) is."
        )
    first = next(iter(given), None)
    if first is None:
        raise DataError("the function given as data returned no table.")
    return read_schema(first), lambda names: iter(data())


def _names(formula: Formula, texts: tuple[str | None, ...], schema: Schema) -> tuple[str, ...]:
    asked = [as_expression(text, schema.names) for text in texts if text is not None]
    names = dict.fromkeys(chain(formula.columns, *map(columns_of, asked)))
    return tuple(name for name in names if schema.require(name))
