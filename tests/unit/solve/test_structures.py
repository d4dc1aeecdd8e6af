"""Charts of the covariance structures: closed forms, and derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool import _core
from tests import dense
from tests.unit.solve import models

STRUCTURES = models.EVERY
every_structure = pytest.mark.parametrize("structure", STRUCTURES)
sizes = pytest.mark.parametrize("k", [2, 3, 5])


# Of a distance over the range.
DECAYS = {
    "ou": lambda x: np.exp(-x),
    "exp": lambda x: np.exp(-x),
    "gau": lambda x: np.exp(-(x**2)),
    "mat32": lambda x: (1 + x) * np.exp(-x),
    "mat52": lambda x: (1 + x + x**2 / 3) * np.exp(-x),
}


def parameters(structure, k, seed=2):
    return models._interior(structure, k, np.random.default_rng(seed))


def sigma(structure, k, psi):
    L = _core.covariance_factor(models.form(structure, k), k, np.asarray(psi, dtype=float))
    return L @ L.T


def closed_form(structure, k, psi):
    """Sigma from standard deviations and a correlation, as a text book has it."""
    if structure == "unstructured":
        return dense.unstructured(psi, k)
    if structure in ("diagonal", "homdiag"):
        return dense.diagonal(psi, k)
    if structure in DECAYS:
        return psi[0] ** 2 * DECAYS[structure](psi[1] ** 2 * models.distances(k))
    if structure in ("toep", "homtoep"):
        sd = psi[:k] ** 2 if structure == "toep" else psi[:1]
        return dense.toeplitz(np.append(sd, dense.by_lag(np.sin(psi[-(k - 1) :]))), k)
    lowest = -1.0 if structure in ("ar1", "hetar1") else -1 / (k - 1)
    rho = lowest + (1 - lowest) * (1 + np.sin(psi[-1])) / 2
    if structure == "ar1":
        return dense.autoregressive(np.array([psi[0], rho]), k)
    sd = psi[:-1] ** 2 if structure in ("cs", "hetar1") else psi[:-1]
    if structure == "hetar1":
        return dense.heterogeneous_autoregressive(np.append(sd, rho), k)
    return dense.compound_symmetric(np.append(sd, rho), k)


@every_structure
@sizes
def test_the_number_of_parameters_is_the_length_of_the_vector(structure, k):
    assert _core.covariance_size(models.form(structure, k), k) == len(parameters(structure, k))


@every_structure
@sizes
def test_the_factor_times_its_transpose_is_the_text_book_covariance(structure, k):
    psi = parameters(structure, k)
    assert_allclose(sigma(structure, k, psi), closed_form(structure, k, psi), rtol=1e-13)


@every_structure
@sizes
def test_the_factor_is_lower_triangular(structure, k):
    L = _core.covariance_factor(models.form(structure, k), k, parameters(structure, k))
    np.testing.assert_array_equal(L, np.tril(L))


@pytest.mark.parametrize("structure", ["cs", "homcs", "ar1", "hetar1", "toep", "homtoep"])
@sizes
@pytest.mark.parametrize("angle", [-np.pi / 2, np.pi / 2], ids=["lowest", "highest"])
def test_correlations_reach_both_ends_of_their_range(structure, k, angle):
    psi = parameters(structure, k)
    psi[-1] = angle
    Sigma = sigma(structure, k, psi)
    assert_allclose(Sigma, closed_form(structure, k, psi), rtol=1e-7, atol=1e-7)
    assert abs(np.linalg.eigvalsh(Sigma)[0]) < 1e-7


@every_structure
@sizes
def test_directions_are_the_slopes_of_sigma(structure, k):
    psi = parameters(structure, k)
    ours = _core.covariance_directions(models.form(structure, k), k, psi)
    slopes = models.first_differences(lambda x: closed_form(structure, k, x), psi)
    assert_allclose(ours, slopes, rtol=1e-9, atol=1e-9)


@every_structure
@sizes
def test_the_chart_is_the_second_difference_of_sigma_against_a_gradient(structure, k):
    psi = parameters(structure, k)
    G = np.random.default_rng(k).normal(size=(k, k))
    G = G + G.T
    ours = _core.covariance_chart(models.form(structure, k), k, psi, G)
    second = models.second_differences(lambda x: closed_form(structure, k, x), psi)
    assert_allclose(ours, np.einsum("abij,ij->ab", second, G), rtol=1e-6, atol=1e-6)


@every_structure
def test_without_variance_the_directions_of_scales_vanish_but_the_chart_does_not(structure):
    """That is why singular fits have curvature across the boundary."""
    k, code = 3, models.form(structure, 3)
    psi = np.zeros_like(parameters(structure, k))
    assert not np.any(_core.covariance_directions(code, k, psi))
    # Some square their scales twice: their valley is flat there, and no search starts in it.
    flat = structure in ("cs", "hetar1", "toep")
    assert np.any(_core.covariance_chart(code, k, psi, np.eye(k))) != flat


@every_structure
@pytest.mark.parametrize("call", ["factor", "directions", "chart"])
def test_a_vector_of_the_wrong_length_is_refused(structure, call):
    function = getattr(_core, f"covariance_{call}")
    psi = np.ones(len(parameters(structure, 3)) + 1)
    extra = (np.eye(3),) if call == "chart" else ()
    with pytest.raises(ValueError, match="wrong length for this structure"):
        function(models.form(structure, 3), 3, psi, *extra)


def test_a_structure_of_distances_needs_them():
    from partialpool.core import DISTANCE_CODES

    with pytest.raises(ValueError, match="needs the distances between all effects"):
        _core.covariance_factor(DISTANCE_CODES["ou"], 3, np.ones(2))
    with pytest.raises(ValueError, match="distances have to be square"):
        _core.Form(DISTANCE_CODES["ou"], np.ones((3, 2)))
