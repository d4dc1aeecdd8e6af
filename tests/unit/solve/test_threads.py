"""The number of threads changes the time, not one bit: work is cut by the data alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import partialpool as pp
from partialpool.core import dense_algebra
from tests.unit.solve.models import Example, Factor

N = 70_000  # more than two chunks of rows


@pytest.fixture(autouse=True)
def _threads_afterwards():
    before = pp.get_threads()
    yield
    pp.set_threads(before)


@cache
def example(levels, ks):
    rng = np.random.default_rng(len(levels))
    X = np.column_stack([np.ones(N), rng.normal(size=(N, 2))])
    y = X @ np.array([1.0, 2.0, -1.0]) + rng.normal(size=N)
    factors = []
    for J, k in zip(levels, ks, strict=True):
        codes = rng.integers(J, size=N).astype(np.int32)
        Z = np.ascontiguousarray(X[:, :k])
        y += np.einsum("ij,ij->i", Z, rng.normal(size=(J, k))[codes])
        factors.append(Factor(codes, J, ((Z, "unstructured"),)))
    weights = rng.uniform(0.5, 2.0, N)
    return Example(y, X, tuple(factors), weights)


EXAMPLES = {
    "one factor, many levels": ((6000,), (2,)),
    "one factor, few levels": ((7,), (3,)),
    "crossed, sparse contacts": ((4000, 90), (1, 1)),
    "crossed, dense contacts": ((300, 40, 3), (2, 2, 1)),
}


def bits(levels, ks, threads):
    """Every number that the core can be asked for, as bytes."""
    pp.set_threads(threads)
    model = example(levels, ks)
    some = slice(0, 300)
    rows = [(f.codes[some], f.levels, [(z[some], 0) for z, _ in f.terms]) for f in model.factors]
    with dense_algebra():
        problem = model.problem()
        best = problem.optimise(True, 0.0, None, 1e-9, 200)
        out = {
            "objective": np.array(best.objective),
            "psi": best.psi,
            "gradient": best.gradient,
            "curvature": best.curvature,
            "beta": problem.beta(best),
            "root": problem.root(best),
            "forms": problem.quadratic_forms(model.X[some], rows, best.psi, True, 0.0),
        }
        spreads = problem.conditional(best.psi, True, 0.0)
    for block, spread in enumerate(spreads):
        out[f"effects {block}"] = problem.effects(best, block)
        out[f"conditional {block}"] = spread
    assert all(np.isfinite(values).all() for values in out.values())
    return {name: values.tobytes() for name, values in out.items()}


@cache
def on_one_thread(levels, ks):
    return bits(levels, ks, 1)


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize(("levels", "ks"), EXAMPLES.values(), ids=EXAMPLES)
def test_any_number_of_threads_gives_the_same_bits(levels, ks, threads):
    ours, theirs = bits(levels, ks, threads), on_one_thread(levels, ks)
    assert [name for name in theirs if ours[name] != theirs[name]] == []


def test_the_same_call_twice_gives_the_same_bits():
    levels, ks = EXAMPLES["crossed, dense contacts"]
    assert bits(levels, ks, 2) == bits(levels, ks, 2)
