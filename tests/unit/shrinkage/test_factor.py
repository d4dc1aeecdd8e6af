"""Kernels and structured solves against dense algebra."""

import numpy as np
import pytest
from scipy import sparse

import partialpool as pp
from partialpool.core import LevelFactor, LevelRows
from partialpool.errors import FactorisationError
from partialpool.shrinkage import sparse_factor
from partialpool.shrinkage.factor import border_factor
from partialpool.shrinkage.metric import MetricRows
from partialpool.shrinkage.rows import Rows, make_term
from partialpool.shrinkage.sparse_factor import make_system
from tests.unit.shrinkage.problems import dense

TERMS = {
    "none": [],
    "one": [(7, [0, 1, 2])],
    "intercepts": [(7, [0])],
    "two": [(7, [0, 1, 2]), (5, [0, 2])],
    "three": [(12, [0]), (5, [0, 2]), (4, [1])],
}


def make(kind, terms, loose=True, seed=0):
    rng = np.random.default_rng(seed)
    n = 200
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    wrap = sparse.csr_matrix if kind == "sparse" else np.asarray
    made = [
        make_term(
            rng.integers(-1 if loose else 0, q, size=n).astype(np.int32),
            q,
            wrap(X[:, columns]),
            columns,
            rng.uniform(0.5, 2.0, size=q),
        )
        for q, columns in terms
    ]
    return Rows(wrap(X), tuple(made)), rng


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("terms", TERMS)
def test_rows_are_their_dense_twin(kind, terms):
    rows, rng = make(kind, TERMS[terms])
    F = dense(rows)
    theta, r, a = rng.normal(size=F.shape[1]), rng.normal(size=200), rng.uniform(0.5, 1.5, size=200)
    np.testing.assert_allclose(rows.eta(theta), F @ theta)
    np.testing.assert_allclose(rows.adjoint(r), F.T @ r, atol=1e-12)
    gram = rows.gram(a)
    np.testing.assert_allclose(gram.multiply(theta), F.T @ (a * (F @ theta)), atol=1e-10)
    np.testing.assert_allclose(gram.diagonal(), np.einsum("ij,i,ij->j", F, a, F))


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("loose", [True, False])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("terms", TERMS)
def test_structured_solves_are_dense_ones(kind, terms, loose, large, monkeypatch):
    if large:
        monkeypatch.setattr(sparse_factor, "_LARGE", 0)
    rows, rng = make(kind, TERMS[terms], loose)
    F = dense(rows)
    a = rng.uniform(0.5, 1.5, size=200)
    d = rng.uniform(0.1, 1.0, size=F.shape[1])
    b = rng.normal(size=F.shape[1])
    H = 1.7 * F.T @ (a[:, None] * F) + np.diag(d)
    factor = make_system(rows.gram(a)).factor(1.7, d)
    np.testing.assert_allclose(factor.solve(b), np.linalg.solve(H, b), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(factor.logdet, np.linalg.slogdet(H)[1])


def test_a_metric_is_a_change_of_columns():
    rows, rng = make("dense", TERMS["two"])
    roots = (rng.normal(size=(3, 3)), rng.normal(size=(2, 2)))
    changed = MetricRows(rows, roots)
    F = dense(rows)
    for t, (q, _) in enumerate(rows.layout.shapes):
        here = rows.layout.term(t)
        F[:, here] = F[:, here] @ np.kron(np.eye(q), roots[t])
    theta = rng.normal(size=F.shape[1])
    np.testing.assert_allclose(changed.eta(theta), F @ theta)
    np.testing.assert_allclose(
        changed.gram(np.ones(200)).multiply(theta), F.T @ (F @ theta), rtol=1e-8, atol=1e-9
    )


def test_levels_that_outweigh_their_penalty_keep_the_borders_digits():
    """A level with a billion times its penalty: C - B'M^-1 B has no digits left, the sum has."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(1000), rng.normal(size=1000)])
    codes = np.repeat([0, 1], [990, 10]).astype(np.int32)
    rows = Rows(x, (make_term(codes, 2, x, [0, 1], np.array([1e-9, 1.0])),))
    factor = make_system(rows.gram(np.ones(1000))).factor(1.0, np.array([0, 0, 1.0, 1, 1, 1]))
    # Only the second level says anything about w beside the penalty.
    A, B = (x[codes == j].T @ x[codes == j] for j in (0, 1))
    left = B - B @ np.linalg.solve(B + np.eye(2), B)
    first = 1e-18 * (np.eye(2) - 1e-18 * np.linalg.inv(A))
    np.testing.assert_allclose(factor.root @ factor.root.T, left + first, rtol=1e-9)


def test_any_number_of_threads_gives_the_same_bits():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 500, size=20_000).astype(np.int32)
    Z = rng.normal(size=(20_000, 3))
    A = None
    for threads in (1, 2, 3):
        pp.set_threads(threads)
        rows = LevelRows(codes, 500)
        now = rows.products(Z, Z, None)
        factor = LevelFactor(now, now, np.ones((500, 3)), None, np.ones(500), 1.0, True)
        result = (now, rows.sums(Z, Z[:, 0].copy()), factor.outer, factor.V)
        if A is not None:
            assert all(np.array_equal(a, b) for a, b in zip(A, result, strict=True))
        A = result
    pp.set_threads()


def test_a_system_that_is_not_positive_definite_is_refused():
    with pytest.raises(FactorisationError, match="not positive definite"):
        border_factor(np.array([[1.0, 2.0], [2.0, 1.0]]))
    rows, _ = make("dense", TERMS["one"])
    with pytest.raises(FactorisationError, match="level"):
        make_system(rows.gram(np.ones(200))).factor(1.0, np.full(24, -1e9))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.sums(np.ones((2, 1)), np.ones(3)), "as many rows"),
        (lambda r: r.values(np.ones((3, 1)), np.ones((1, 1))), "row for each level"),
        (lambda r: LevelRows(np.array([5], dtype=np.int32), 2), "exceeds"),
    ],
)
def test_the_core_checks_sizes(call, message):
    with pytest.raises(ValueError, match=message):
        call(LevelRows(np.array([0, 1, 1], dtype=np.int32), 2))
