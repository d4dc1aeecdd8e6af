"""Rows, targets and weights as scikit-learn expects them to be checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import validate_data

from partialpool.errors import DataError, show_rows
from partialpool.frames import FrameKind, read_table

__all__ = ["check_rows", "check_weights", "frame_kind", "read_labels", "read_target"]

Vector = NDArray[np.float64]


def check_rows(owner: Any, X: Any, y: Any, *, reset: bool) -> Any:
    """Check features and remember, or compare, their number and names.

    Parameters
    ----------
    owner
        The estimator.
    X
        Data frame, which is left as it is, or array.
    y
        Target at fit, None at prediction.
    reset
        Whether the estimator is being fitted.
    """
    if isinstance(X, Mapping) and not hasattr(X, "nnz"):  # a sparse matrix may be a dict
        import pandas as pd

        X = pd.DataFrame(dict(X))
    if is_frame(X):
        validate_data(owner, X, reset=reset, skip_check_array=True)
        return X
    options = {"accept_sparse": ["csr", "csc"], "dtype": "numeric", "ensure_all_finite": False}
    if not reset:
        return validate_data(owner, X, reset=False, **options)
    return validate_data(owner, X, y, reset=True, y_numeric=False, multi_output=True, **options)[0]


def is_frame(X: Any) -> bool:
    """Whether rows have named columns of several types."""
    return hasattr(X, "columns") or hasattr(X, "column_names")


def frame_kind(X: Any) -> FrameKind:
    """Return the library in which results go back: that of the table, pandas for arrays."""
    return read_table(X).kind if is_frame(X) else "pandas"


def read_target(y: Any, X: Any) -> Vector:
    """Read the response as numbers.

    Raises
    ------
    DataError
        If its length isn't that of X.
    ValueError
        If it isn't one column of finite numbers, as scikit-learn has it.
    """
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    values = column_or_1d(check_array(y, ensure_2d=False, dtype="numeric"), warn=True)
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n < 2:
        raise DataError(f"a mixed-effects learner needs two rows or more, found n_samples={n}.")
    if len(values) != n:
        raise DataError(f"y has {len(values)} values, but X has {n} rows. Pass one for each row.")
    return np.asarray(values, dtype=np.float64).copy()


def check_weights(weights: Any, n: int) -> Vector | None:
    """Read prior weights.

    Raises
    ------
    DataError
        If there isn't one for each row, or some are negative or not finite.
    """
    if weights is None:
        return None
    values = np.array(weights, dtype=np.float64)
    if values.shape != (n,):
        raise DataError(f"sample_weight has shape {values.shape}, but X has {n} rows.")
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise DataError(
            f"sample_weight must be finite and not negative, found {values[bad[0]]:g} in "
            f"{show_rows(bad)}."
        )
    if not values.any():
        raise DataError("sample_weight is zero in every row, which leaves nothing to learn from.")
    # Equal weights of one say nothing; learners without weights are then welcome.
    return None if (values == 1.0).all() else values


def read_labels(y: Any, X: Any) -> NDArray[Any]:
    """Read classes.

    Raises
    ------
    DataError
        If the length isn't that of X, or labels are missing.
    """
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    if y is None:
        raise DataError("requires y to be passed, but the target y is None.")
    values = column_or_1d(y, warn=True)
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n < 2:
        raise DataError(f"a mixed-effects learner needs two rows or more, found n_samples={n}.")
    if len(values) != n:
        raise DataError(f"y has {len(values)} values, but X has {n} rows. Pass one for each row.")
    gone = np.flatnonzero([value is None or value != value for value in values])
    if len(gone):
        raise DataError(f"y is missing (NaN) in {len(gone)} row(s): {show_rows(gone)}.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError("y holds infinity (inf), which is no class.")
    return np.asarray(values)
