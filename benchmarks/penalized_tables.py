"""Penalised regression: seconds and errors beside other models; writes docs/speed-penalized.md.

Run ``python -m benchmarks.penalized_tables``; it takes about ten minutes. Times are processor
seconds of whole calls on one thread.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.linear_model import LinearRegression, Ridge
from threadpoolctl import threadpool_limits

import partialpool as pp
from benchmarks.penalized_data import (
    Sales,
    make_sales,
    make_small_groups,
    make_well_specified,
)

TARGET = Path(__file__).parents[1] / "docs" / "speed-penalized.md"
HIERREG = "7 h 21 min (its notebook, other data of this size)"


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.process_time()
    out = work()
    return out, time.process_time() - start


def rmse(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def sales_models(s: Sales) -> dict[str, Callable[[], np.ndarray]]:
    train, test = ~s.test, s.test
    X, y, g = s.X[train], s.y[train], s.shop[train]
    X_, g_ = s.X[test], s.shop[test]

    def ours(model):
        return lambda: model.fit(X, y, groups=g).predict(X_, groups=g_)

    def pooled():
        return LinearRegression().fit(X, y).predict(X_)

    def interactions(alpha):
        def wide(X, g):
            k = X.shape[1] + 1
            values = np.column_stack([np.ones(len(X)), X])
            columns = g[:, None] * k + np.arange(k)
            starts = np.arange(len(X) + 1) * k
            own = sparse.csr_matrix((values.ravel(), columns.ravel(), starts))
            return sparse.hstack([sparse.csr_matrix(X), own], format="csr")

        def work():
            model = Ridge(alpha, solver="sparse_cg", tol=1e-6)
            return model.fit(wide(X, g), y).predict(wide(X_, g_))

        return work

    def lmm():
        frame = pd.DataFrame(X, columns=list(s.names)).assign(y=y, shop=g)
        sums = " + ".join(s.names)
        fit = pp.lmm(f"y ~ {sums} + ({sums} || shop)", frame)
        return fit.predict(pd.DataFrame(X_, columns=list(s.names)).assign(shop=g_))

    def boosting():
        from lightgbm import LGBMRegressor

        def frame(X, g):
            out = pd.DataFrame(X, columns=list(s.names))
            return out.assign(shop=pd.Categorical(g, categories=np.arange(g_.max() + 1)))

        model = LGBMRegressor(n_estimators=500, num_leaves=63, n_jobs=1, verbose=-1)
        return model.fit(frame(X, g), y).predict(frame(X_, g_))

    models = {
        "hierreg's defaults here (`l2=100`)": ours(pp.HierarchicalRegressor(l2=100.0)),
        "`HierarchicalRegressor()`": ours(pp.HierarchicalRegressor()),
        '`HierarchicalRegressorCV(20, weights="equal")`, 5 folds': ours(
            pp.HierarchicalRegressorCV(20, weights="equal")
        ),
        '`HierarchicalRegressorCV(20, cv="reml", weights="equal")`': ours(
            pp.HierarchicalRegressorCV(20, cv="reml", weights="equal")
        ),
        "complete pooling (least squares)": pooled,
        "Ridge with interactions, alpha 1": interactions(1.0),
        "Ridge with interactions, alpha 10": interactions(10.0),
        "`lmm`, REML, independent slopes": lmm,
    }
    if find_spec("lightgbm"):
        models["LightGBM, shop categorical, 500 trees"] = boosting
    return models


def sales_table(rows: int, shops: int) -> str:
    s = make_sales(rows, shops)
    lines = []
    for name, work in sales_models(s).items():
        fitted, seconds = timed(work)
        lines.append([name, f"{seconds:.1f}", f"{rmse(fitted, s.y[s.test]):.4f}"])
        print(lines[-1], file=sys.stderr, flush=True)
    return table(["model", "seconds", "held-out RMSE"], lines)


def many_groups() -> str:
    rng = np.random.default_rng(0)
    n, q = 1_000_000, 100_000
    lines = []
    for k in (2, 5, 10):
        X = rng.normal(size=(n, k))
        g = rng.integers(0, q, size=n)
        y = X @ rng.normal(size=k) + rng.normal(size=(q, k))[g, 0] * X[:, 0] + rng.normal(size=n)
        model = pp.HierarchicalRegressor(weights="equal", l2=1e-3)
        _, seconds = timed(lambda m=model, X=X, y=y, g=g: m.fit(X, y, groups=g).coef_)
        share = model.dual_gap_ / model.objective_
        lines.append([f"{k} columns", f"{seconds:.1f}", str(model.n_iter_), f"{share:.0e}"])
        print(lines[-1], file=sys.stderr, flush=True)
    return table(["1,000,000 rows, 100,000 groups", "seconds", "ridge problems", "gap"], lines)


def simulated(name: str, make, names: list[str], formula: str, runs: int) -> list[str]:
    errors: dict[str, list[float]] = {}
    for seed in range(runs):
        x, y, g, mean = make(seed)
        first = np.concatenate([[True], g[1:] != g[:-1]])
        within = np.arange(len(g)) - np.maximum.accumulate(np.where(first, np.arange(len(g)), 0))
        size = within.max() + 1
        train = within < (size // 2 if "well" in name else size - 10)
        for key, fitted in predictions(x, y, g, train, names, formula).items():
            errors.setdefault(key, []).append(rmse(fitted, mean[~train]))
    return [name, *(f"{np.mean(errors[key]):.4f}" for key in MODELS)]


MODELS = ["CV", "CV, REML rule", "lmm (REML)", "no pooling", "complete pooling"]


def predictions(x, y, g, train, names, formula) -> dict[str, np.ndarray]:
    frame = pd.DataFrame(x, columns=names).assign(y=y, g=g)
    old, new = frame[train], frame[~train]
    out = {}
    for key, cv in (("CV", 5), ("CV, REML rule", "reml")):
        model = pp.HierarchicalRegressorCV(30, cv=cv, weights="equal", standardize=True)
        model.fit(old[names], old["y"], groups=old["g"])
        out[key] = model.predict(new[names], groups=new["g"])
    fit = pp.lmm(formula, old)
    out["lmm (REML)"] = fit.predict(new, new_levels="population")
    out["complete pooling"] = LinearRegression().fit(old[names], old["y"]).predict(new[names])
    none = pp.HierarchicalRegressor(1e-12, loss="squared", weights="equal")
    none.fit(old[names], old["y"], groups=old["g"])
    out["no pooling"] = none.predict(new[names], groups=new["g"])
    return out


def simulations() -> str:
    slopes = "y ~ x0 + x1 + (x0 + x1 | g)"
    rows = [
        simulated(
            "well specified, 20 rows per group", make_well_specified, ["x0", "x1"], slopes, 20
        )
    ]
    rows += [
        simulated(
            f"200 groups of {size}",
            lambda seed, size=size: make_small_groups(seed, size),
            ["x0"],
            "y ~ x0 + (x0 || g)",
            20,
        )
        for size in (2, 3, 5)
    ]
    return table(["distance from the true mean", *MODELS], rows)


REAL = {
    "Exam": ("normexam", ["standLRT"], "school"),
    "bdf": ("langPOST", ["IQ.verb"], "schoolNR"),
    "ratpup": ("weight", ["litsize"], "litter"),
}


def real() -> str:
    rows = []
    for name, (y, columns, group) in REAL.items():
        data = pp.load_dataset(name)
        renamed = {c: f"x{i}" for i, c in enumerate(columns)}
        data = data.rename(columns=renamed)
        names = list(renamed.values())
        fold = np.random.default_rng(0).integers(0, 10, size=len(data))
        errors: dict[str, list[float]] = {}
        response = data[y].to_numpy(dtype=float)
        for f in range(10):
            formula = f"y ~ {names[0]} + ({names[0]} | g)"
            x, g = data[names].to_numpy(dtype=float), data[group].to_numpy()
            for key, fitted in predictions(x, response, g, fold != f, names, formula).items():
                errors.setdefault(key, []).append(
                    float(np.mean((fitted - response[fold == f]) ** 2))
                )
        rows.append([name, *(f"{np.sqrt(np.mean(errors[key])):.4f}" for key in MODELS)])
    return table(["ten-fold RMSE", *MODELS], rows)


def main() -> None:
    warnings.simplefilter("ignore")
    pp.set_threads(1)
    small = "--small" in sys.argv
    size = (40_000, 100) if small else (844_338, 1_115)
    text = f"""# Penalised regression beside other models

`python -m benchmarks.penalized_tables` writes this page. Processor seconds of whole calls on one
thread, on a machine with other work: read them as ratios.

## Sales of many shops

{size[0]:,} rows, {size[1]:,} shops, 21 columns, simulated (`benchmarks/penalized_data.py`);
the last tenth of each shop's days is predicted. hierreg took {HIERREG}.

{sales_table(*size)}

## Many groups

{many_groups()}

## Simulations with known truth

Means of 20 runs: root mean square distance of predictions of new rows from the true mean.

{simulations()}

## Real data

{real()}
"""
    if small:
        print(text)
    else:
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
