"""Posterior densities of Gaussian models written out in full, with fixed effects integrated out.

Nothing here knows the sampler's coordinates but by asking where a point lies: Jacobians are
determinants of differences.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from partialpool.core import Posterior
from partialpool.design import build
from partialpool.formula import parse
from partialpool.solve.problem import reduce

SCALES = [
    ((1, 20.0, 0.0), stats.halfnorm(scale=20.0)),
    ((2, 3.0, 15.0), stats.t(3, scale=15.0)),
    ((3, 12.0, 0.0), stats.expon(scale=12.0)),
    ((4, 2.0, 0.2), stats.gamma(2.0, scale=5.0)),
    ((5, 3.0, 20.0), stats.invgamma(3.0, scale=20.0)),
    ((6, 2.0, 0.7), stats.lognorm(0.7, scale=np.exp(2.0))),
]
ETA = 2.5


def free_scales(effects):
    k, structure = len(effects.columns), effects.term.structure
    return k if structure in ("unstructured", "diagonal", "cs", "hetar1", "toep") else 1


def scale(i):
    return SCALES[i % len(SCALES)]


class Twin:
    """A model with a different prior for every standard deviation."""

    def __init__(self, formula, data, **arguments):
        self.design = design = build(parse(formula), data, **arguments)
        self.reduced = reduce(design)
        p = len(self.reduced.problem.kept)
        terms, at = [], 0
        self.priors = []
        for block in self.reduced.blocks:
            for i in block.terms:
                m = free_scales(design.random[i])
                terms.append(([scale(at + s)[0] for s in range(m)], ETA))
                self.priors.append([scale(at + s)[1] for s in range(m)])
                at += m
        self.order = [i for block in self.reduced.blocks for i in block.terms]
        self.mean, self.sd = np.arange(1.0, p + 1), np.arange(3.0, p + 3) ** 2
        self.posterior = Posterior(
            self.reduced.problem.mapped, terms, (3, 9.0, 0.0), np.eye(p), self.mean, self.sd
        )

    def read(self, q):
        """Standard deviations and correlation matrix of every term, and sigma."""
        numbers = list(self.posterior.describe(q))
        out = []
        for i in self.order:
            k = len(self.design.random[i].columns)
            sd = np.array([numbers.pop(0) for _ in range(k)])
            corr = np.eye(k)
            for r in range(k):
                for c in range(r):
                    corr[r, c] = corr[c, r] = numbers.pop(0)
            out.append((sd, corr))
        return out, numbers.pop()

    def free(self, q):
        """One number for each degree of freedom, which the priors are densities of."""
        terms, sigma = self.read(q)
        out = []
        for i, (sd, corr) in zip(self.order, terms, strict=True):
            structure, k = self.design.random[i].term.structure, len(sd)
            out += list(sd[: free_scales(self.design.random[i])])
            if structure == "unstructured":
                out += list(corr[np.tril_indices(k, -1)])
            elif structure in ("toep", "homtoep"):
                # Uniform are the partial correlations of three effects.
                first, second = corr[1:, 0]
                out += [first, (second - first**2) / (1 - first**2)]
            elif structure in ("cs", "homcs", "ar1", "hetar1") and k > 1:
                out.append(corr[1, 0])
        return np.array([*out, sigma])

    def log_density(self, q):
        terms, sigma = self.read(q)
        design, n = self.design, len(self.design.y)
        weights = np.ones(n) if design.weights is None else design.weights
        V = sigma**2 * np.diag(1 / weights)
        value = stats.expon(scale=9.0).logpdf(sigma)
        for i, priors, (sd, corr) in zip(self.order, self.priors, terms, strict=True):
            effects = design.random[i]
            Z = np.zeros((n, len(effects.factor.levels), len(sd)))
            Z[np.arange(n), effects.factor.codes] = effects.basis
            half = Z @ (sd[:, None] * np.linalg.cholesky(corr))
            V += np.einsum("ijk,ljk->il", half, half)
            value += sum(p.logpdf(x) for p, x in zip(priors, sd, strict=False))
            value += (ETA - 1) * np.linalg.slogdet(corr)[1]
        X = design.X[:, self.reduced.problem.kept]
        V += X @ np.diag(self.sd**2) @ X.T
        offset = 0.0 if design.offset is None else design.offset
        value += stats.multivariate_normal(X @ self.mean, V).logpdf(design.y - offset)
        return value + np.linalg.slogdet(self.jacobian(q))[1]

    def jacobian(self, q):
        columns = []
        for i in range(len(q)):
            step = np.zeros(len(q))
            step[i] = 1e-5
            columns.append((self.free(q + step) - self.free(q - step)) / 2e-5)
        return np.column_stack(columns)
