"""A fit and its dense twin: the same arrays, two programs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import partialpool as pp
from tests import dense

_CHARTS = {
    "unstructured": dense.unstructured,
    "diagonal": dense.diagonal,
    "cs": dense.compound_symmetric,
    "ar1": dense.autoregressive,
}


def twin(fit: pp.LmmFit) -> dense.Model:
    """Return the dense model on the fit's own design, aliased columns left out."""
    design = fit.design
    return dense.Model(
        y=design.y,
        X=design.X[:, ~np.isnan(np.asarray(fit.fixef))],
        terms=tuple(
            dense.Term(e.factor.codes, e.basis, len(e.factor.levels), e.applicable)
            for e in design.random
        ),
        weights=design.weights,
        offset=design.offset,
        reml=fit.reml,
        sigma=fit.sigma if fit.sigma_fixed else None,
    )


def relative_covariances(fit: pp.LmmFit) -> list[NDArray[np.float64]]:
    """Return Sigma of each term: its covariance divided by sigma²."""
    return [term.cov / fit.sigma**2 for term in fit.varcorr.terms]


def charts(fit: pp.LmmFit) -> list[dense.Chart]:
    """Return the twin's parametrisation of each term."""
    return [_CHARTS[effects.term.structure] for effects in fit.design.random]


def best_known(fit: pp.LmmFit, sizes: tuple[float, ...] = (0.5,)) -> float:
    """Return the lowest objective that the twin's own search finds."""
    model, forms = twin(fit), charts(fit)
    value = dense.as_function(model, forms)
    return min(dense.lowest(value, dense.default_start(model, forms, s))[1] for s in sizes)


def assert_repeats(fit: pp.LmmFit, rtol: float = 1e-7) -> None:
    """Assert that everything a fit reports is what its twin computes at the same covariances."""
    model, ours = twin(fit), dense.solve(twin(fit), relative_covariances(fit))
    scale = np.std(model.y)
    assert_allclose(fit.objective, ours.objective, rtol=1e-9, atol=1e-8)
    assert_allclose(fit.sigma, ours.sigma, rtol=rtol)
    kept = ~np.isnan(np.asarray(fit.fixef))
    se = np.sqrt(np.diag(ours.vcov))
    assert_allclose((np.asarray(fit.fixef)[kept] - ours.beta) / se, 0, atol=rtol)
    assert_allclose(fit.vcov[np.ix_(kept, kept)] / np.outer(se, se), ours.vcov / np.outer(se, se),
                    atol=rtol)  # fmt: skip
    assert_allclose(np.asarray(fit.stderr)[kept], se, rtol=rtol)
    assert_allclose(fit.fitted / scale, ours.fitted / scale, atol=rtol)
    assert_allclose(fit.hatvalues(), ours.hat, atol=rtol)
    for (b, sd), theirs, their_sd in zip(effects(fit), ours.b, ours.cond_sd(), strict=True):
        applies = ~np.isnan(b)
        assert_allclose(b[applies] / scale, theirs[applies] / scale, atol=rtol)
        assert_allclose(sd[applies] / scale, their_sd[applies] / scale, atol=10 * rtol)


def effects(fit: pp.LmmFit) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return modes and conditional sds, (J, k) each, in the order of the design's terms."""
    for term in fit.design.random:
        table = fit.ranef(term.factor.name, cond_sd=True)
        sds = [f"{name}_sd" for name in term.columns]
        yield table[list(term.columns)].to_numpy(), table[sds].to_numpy()
