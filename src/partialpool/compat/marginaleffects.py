"""Fits as models that the package marginaleffects takes.

>>> from partialpool.compat.marginaleffects import adapt
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from partialpool.compat.marginaleffects_parts import MixedFit, Scale, designs_of, parts_of
from partialpool.design import replay
from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.extras import require
from partialpool.families import Ordinal
from partialpool.frames import read_table
from partialpool.generalized import GlmmFit
from partialpool.inference import RobustKind, calibrate
from partialpool.linear import LmmFit
from partialpool.results.tables import positions

require("marginaleffects", extra="marginaleffects")

import polars as pl  # noqa: E402
from marginaleffects.classes import ModelAbstract, ModelVault  # noqa: E402

if not hasattr(pl.Series(["a"], dtype=pl.Categorical).cat, "get_categories"):
    raise NotAvailableError(
        f"marginaleffects 0.6 doesn't work with polars {pl.__version__}. Install an older one: "
        'pip install "polars<2".'
    )

__all__ = ["ModelPartialpool", "adapt"]

Array = NDArray[np.float64]

# Columns that marginaleffects makes, and refuses in data.
_RESERVED = {
    *("rowid", "type", "group", "estimate", "std_error", "p_value", "s_value", "conf_low"),
    *("conf_high", "term", "contrast", "statistic"),
}


def adapt(fit: MixedFit, data: Any, *, scale: Scale = "response") -> ModelPartialpool:
    """Make a fit a model for ``marginaleffects.predictions``, ``comparisons``, ``slopes``.

    Everything is at random effects of zero, as in :meth:`LmmFit.means`: the functions'
    derivatives are in the fixed effects, of all linear predictors of a generalized model.

    Parameters
    ----------
    fit
        A linear or generalized linear mixed model.
    data
        The table that it was fitted to. Columns of text become factors whose levels are in the
        model's order, so that comparisons have its reference.
    scale
        ``"response"``: the mean, zero inflation included, or the probabilities of an ordinal
        model's categories; ``"link"``: the mean's linear predictor.

    Returns
    -------
    ModelPartialpool
        ``vcov=`` of marginaleffects' functions takes True, a matrix, and for linear models
        ``"kenward-roger"``, ``"CR0"``, ``"CR1"`` and ``"CR2"``. Tests are by the normal
        distribution: ``fit.means`` and ``fit.slopes`` have degrees of freedom. Its standard
        errors of slopes come from differences in steps of 1e-8 and may have one right digit;
        with ``eps_vcov=1e-4`` they are those of ``fit.slopes``.

    Raises
    ------
    DataError
        If the table has other rows than the fit's, or the scale is unknown.
    ModelError
        If it is another kind of fit.

    Examples
    --------
    >>> import partialpool as pp
    >>> from marginaleffects import avg_comparisons
    >>> machines = pp.load_dataset("Machines")
    >>> fit = pp.lmm("score ~ Machine + (1 | Worker)", machines)
    >>> found = avg_comparisons(adapt(fit, machines))
    >>> found["estimate"].round(3).to_list()
    [7.967, 13.917]
    """
    if not isinstance(fit, (LmmFit, GlmmFit)):
        raise ModelError(f"adapt takes fits of lmm and glmm, found {type(fit).__name__}.")
    if scale not in get_args(Scale):
        raise DataError(f"scale must be 'response' or 'link', found {scale!r}.")
    return ModelPartialpool(fit, _model_data(fit, data), scale)


class ModelPartialpool(ModelAbstract):  # type: ignore[misc]
    """What marginaleffects asks of a model; made by :func:`adapt`."""

    def __init__(self, fit: MixedFit, data: pl.DataFrame, scale: Scale) -> None:
        self._parts = parts_of(fit, scale)
        self._scale = scale
        designs = designs_of(fit)
        used = dict.fromkeys(c for d in designs.values() for c in d.spec.typical)
        coefficients = [part.coefficients for part in self._parts]
        vault = ModelVault(
            coef=np.concatenate(coefficients),
            coefnames=np.array([name for part in self._parts for name in part.names]),
            # It can't read ours, and asks this one only in which columns a row has to be whole.
            formula="__response__ ~ " + (" + ".join(f"`{name}`" for name in used) or "1"),
            modeldata=data,
            package="partialpool",
            variable_names=[fit.design.formula.response, *used],
        )
        super().__init__(fit, vault)

    def get_exog(self, newdata: pl.DataFrame) -> Array:
        """One column for each coefficient, zero for constants; then the offsets, if there are."""
        columns, offsets = [], []
        for part in self._parts:
            if part.design is None:
                columns.append(np.zeros((newdata.height, len(part.names))))
                continue
            rows = replay(part.design.spec, newdata, random=())
            columns.append(rows.X[:, part.kept] if part.moves else 0.0 * rows.X[:, part.kept])
            offsets.append(np.zeros(rows.n) if rows.offset is None else rows.offset)
        if not any(offset.any() for offset in offsets):
            return np.hstack(columns)
        return np.hstack([*columns, np.column_stack(offsets)])

    def get_predict(self, params: Array, newdata: Array) -> pl.DataFrame:
        """Predict rows of :meth:`get_exog` at coefficients."""
        found = self._predict(self._predictors(params, newdata))
        n = len(newdata)
        if found.ndim == 1:
            return pl.DataFrame({"rowid": np.arange(n, dtype=np.int32), "estimate": found})
        levels = self.model.response.levels
        return pl.DataFrame(
            {
                "rowid": np.tile(np.arange(n, dtype=np.int32), len(levels)),
                "group": np.repeat(np.array(levels, dtype=str), n),
                "estimate": found.T.ravel(),
            }
        )

    def get_vcov(self, vcov: bool | str = True) -> Array | None:
        """Covariance of the coefficients, by the name of its kind."""
        if vcov is False or vcov is None:
            return None
        kept = np.concatenate([part.finite for part in self._parts])
        if vcov is True:
            full = self.model.vcov if isinstance(self.model, LmmFit) else self.model.solution.vcov
            return np.asarray(full[np.ix_(kept, kept)])
        if not isinstance(self.model, LmmFit) or vcov not in _COVARIANCES:
            raise DataError(
                f"vcov={vcov!r}: there are True, a matrix, and for linear models "
                f"{', '.join(map(repr, _COVARIANCES))}."
            )
        if vcov == "kenward-roger":
            return np.asarray(calibrate(self.model, "kenward-roger").vcov)
        robust = self.model.robust_vcov(kind=cast(RobustKind, vcov))
        return np.asarray(robust[np.ix_(kept, kept)])

    def get_df(self) -> float:
        """Refuse F tests: their denominator differs from one hypothesis to the next.

        Raises
        ------
        NotAvailableError
            Always.
        """
        raise NotAvailableError(
            "joint F tests of a mixed model need degrees of freedom of their own: take "
            "fit.test(...) or joint_test='chisq'."
        )

    def get_autodiff_args(self) -> dict[str, str | None] | str:
        """Say what it can differentiate exactly: a mean that is a link's inverse of X beta."""
        if isinstance(self.model, LmmFit) or self._scale == "link":
            return {"model_type": "linear", "family": None, "link": None}
        link = self.model.family.link.name
        if link not in _FAMILIES or not _is_inverse_link(self.model):
            return "a mean that is more than the inverse of a link"
        return {"model_type": "glm", "family": _FAMILIES[link], "link": link}

    def _predictors(self, params: Array, exog: Array) -> dict[str, Array]:
        eta, start, offset = {}, 0, len(params)
        for part in self._parts:
            own = slice(start, start + len(part.names))
            start = own.stop
            if part.design is None:
                beta = params[own]
                eta[part.name] = beta if part.name == "thresholds" else np.full(len(exog), beta[0])
                continue
            eta[part.name] = exog[:, own] @ params[own]
            if exog.shape[1] > len(params):
                eta[part.name] = eta[part.name] + exog[:, offset]
                offset += 1
        return eta

    def _predict(self, eta: Mapping[str, Array]) -> Array:
        if isinstance(self.model, LmmFit) or self._scale == "link":
            return eta["mean"]
        family, zero = self.model.family, self.model.solution.zero
        if isinstance(family, Ordinal):
            return np.asarray(family.probabilities(eta))
        return np.asarray(family.mean(eta, zero))


_COVARIANCES = ("kenward-roger", *get_args(RobustKind))
# A family of marginaleffects that has a link; of the mean it makes no difference which.
_FAMILIES = {
    "identity": "gaussian",
    "log": "poisson",
    "sqrt": "poisson",
    "inverse": "gamma",
    **dict.fromkeys(("logit", "probit", "cloglog"), "binomial"),
}


def _is_inverse_link(fit: GlmmFit) -> bool:
    """Whether the mean is the link's inverse and nothing besides: no truncation, no zeros."""
    family, zero = fit.family, fit.solution.zero
    if isinstance(family, Ordinal) or family.mean_parts(zero) != ("mean",):
        return False
    eta = fit.linear_predictor
    return bool(np.allclose(family.mean(fit.eta, zero), family.link.inverse(eta), equal_nan=True))


def _model_data(fit: MixedFit, data: Any) -> pl.DataFrame:
    """Return the rows fitted, factors with the model's levels."""
    design = fit.design
    table = read_table(data)
    if table.n != design.rows.n_given:
        raise DataError(
            f"data has {table.n} rows, but the fit was of a table of {design.rows.n_given}. Pass "
            "the table that it was fitted to."
        )
    frame = pl.DataFrame(data) if table.kind == "dict" else _as_polars(data)
    typical = {c: t for d in designs_of(fit).values() for c, t in d.spec.typical.items()}
    taken = [c for c in frame.columns if c in _RESERVED and c not in typical]
    used: pl.DataFrame = frame.drop(taken)[positions(design).tolist()]
    levels = {c: t.levels for c, t in typical.items() if t.levels is not None}
    return used.with_columns(
        _factor(used[c], levels.get(c)) for c in used.columns if _is_words(used[c])
    )


def _as_polars(data: Any) -> pl.DataFrame:
    return cast(pl.DataFrame, nw.from_native(data, eager_only=True).to_polars())


def _is_words(column: pl.Series) -> bool:
    return column.dtype in (pl.String, pl.Categorical, pl.Enum)


def _factor(column: pl.Series, levels: tuple[Any, ...] | None) -> pl.Series:
    words = column.cast(pl.String)
    known = words.drop_nulls().unique().sort().to_list() if levels is None else list(levels)
    return words.cast(pl.Enum([str(level) for level in known]))
