"""Random designs for the linear mixed model, small enough for the dense twin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A table and a formula for it."""

    formula: str
    data: pd.DataFrame

    def __repr__(self) -> str:  # hypothesis prints this for a failing example
        return f"{self.formula!r} on\n{self.data.to_csv(index=False)}"


def on_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to multiples of 2^-20, so that adding 1e9 is exact and tests our arithmetic only."""
    return np.round(values * 2**20) / 2**20


def simulate(
    seed: int, levels: tuple[int, ...], n: int, k: int = 1, size: float = 1.0
) -> pd.DataFrame:
    """Columns y, x1..x3 and g0, g1, ...; effects of the first k columns vary by every factor."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    y = X @ rng.normal(size=4) + rng.normal(size=n)
    data = {f"x{i}": on_grid(X[:, i]) for i in range(1, 4)}
    for f, J in enumerate(levels):
        codes = np.r_[np.arange(J), rng.integers(J, size=n - J)]  # every level occurs
        rng.shuffle(codes)
        factor = size * rng.normal(size=(k, k)) / np.sqrt(k)
        y += np.einsum("ij,ij->i", X[:, :k], (rng.normal(size=(J, k)) @ factor.T)[codes])
        data[f"g{f}"] = np.array([f"L{c:02d}" for c in codes])
    return pd.DataFrame({"y": on_grid(y), **data})


def term(k: int, factor: str, bar: str = "|") -> str:
    """Write ``(1 + x1 + x2 | g)`` with k columns."""
    return "(" + " + ".join(["1", *(f"x{i}" for i in range(1, k))]) + f" {bar} {factor})"


seeds = st.integers(0, 2**32 - 1)
sizes = st.sampled_from([0.0, 0.3, 1.0])  # of the random effects: none, small, as the residual


@st.composite
def one_factor(draw: st.DrawFn, k: int | None = None) -> Example:
    k = draw(st.integers(1, 4)) if k is None else k
    J = draw(st.integers(4, 8))
    data = simulate(draw(seeds), (J,), n=J * k + 25, k=k, size=draw(sizes))
    return Example(f"y ~ x1 + x2 + {term(k, 'g0', draw(st.sampled_from(['|', '||'])))}", data)


@st.composite
def nested(draw: st.DrawFn) -> Example:
    data = simulate(draw(seeds), (4, 3), n=60, k=2, size=draw(sizes))
    inner = draw(st.integers(1, 2))
    return Example(f"y ~ x1 + {term(inner, 'g0:g1')} + {term(1, 'g0')}", data)


@st.composite
def crossed(draw: st.DrawFn) -> Example:
    levels = draw(st.sampled_from([(6, 5), (8, 3), (5, 4, 3)]))
    ks = [draw(st.integers(1, 2)) for _ in levels]
    data = simulate(draw(seeds), levels, n=70, k=2, size=draw(sizes))
    return Example("y ~ x1 + " + " + ".join(term(k, f"g{f}") for f, k in enumerate(ks)), data)


any_design = one_factor() | nested() | crossed()
