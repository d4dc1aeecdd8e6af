#pragma once

#include <cmath>
#include <limits>

#include "partialpool/matrix.hpp"

namespace partialpool {

/// Form of the relative covariance Sigma = Lambda Lambda' of one random term.
enum class Structure : int { unstructured, diagonal, homdiag, cs, homcs, ar1 };

/// Position of one level's effects of one term inside its block, and their structure.
struct Term {
    Structure structure;
    Index block;   ///< which grouping factor
    Index offset;  ///< first column inside the block
    Index k;       ///< columns
    Index first;   ///< first parameter
};

/// Parameters psi <-> Sigma for one term.
///
/// No parameter is bounded. Unstructured, diagonal: entries of the lower triangular Lambda
/// (its sign doesn't matter, so the objective is smooth through zero). Homogeneous scales
/// enter squared for the same reason. Heterogeneous compound symmetry takes sd = phi^2,
/// because there a sign would matter. A correlation is mid + half * sin(tau), smooth at
/// both ends of its range.
namespace structure {

inline Index n_params(Structure s, Index k) {
    switch (s) {
        case Structure::unstructured: return k * (k + 1) / 2;
        case Structure::diagonal: return k;
        case Structure::homdiag: return 1;
        case Structure::cs: return k + 1;
        default: return 2;
    }
}

/// A correlation and its first two derivatives in tau.
struct Correlation {
    double value, first, second;
};

inline double lowest_correlation(Structure s, Index k) {
    return s == Structure::ar1 ? -1.0 : -1.0 / static_cast<double>(k - 1);
}

inline Correlation correlation(Structure s, Index k, double tau) {
    const double low = lowest_correlation(s, k);
    const double mid = 0.5 * (1.0 + low), half = 0.5 * (1.0 - low);
    return {mid + half * std::sin(tau), half * std::cos(tau), -half * std::sin(tau)};
}

/// tau of a given correlation.
inline double correlation_angle(Structure s, Index k, double rho) {
    const double low = lowest_correlation(s, k);
    return std::asin(std::clamp((rho - 0.5 * (1.0 + low)) / (0.5 * (1.0 - low)), -1.0, 1.0));
}

/// R(rho), dR/drho or d2R/drho2 for order = 0, 1, 2.
Matrix correlation_matrix(Structure s, Index k, double rho, int order);

/// Standard deviations as a vector, with their scale parameters.
inline Vector deviations(Structure s, Index k, const double* psi) {
    Vector sd(k);
    for (Index c = 0; c < k; ++c) sd(c) = s == Structure::cs ? psi[c] * psi[c] : psi[0];
    return sd;
}

inline Index n_scales(Structure s, Index k) { return s == Structure::cs ? k : 1; }

/// Relative factor Lambda (k x k) with Lambda Lambda' = Sigma(psi).
Matrix factor(Structure s, Index k, const double* psi);

/// dLambda / dpsi_a for every parameter of the term.
std::vector<Matrix> factor_directions(Structure s, Index k, const double* psi);

/// dSigma / dpsi_a for every parameter of the term.
std::vector<Matrix> directions(Structure s, Index k, const double* psi);

/// Curvature of the chart: <G, d2Sigma / dpsi_a dpsi_b>.
Matrix chart(Structure s, Index k, const double* psi, const Matrix& g);

/// Start: standard deviations of `scale` in whitened coordinates, no correlation.
void start(Structure s, Index k, double scale, double* psi);

}  // namespace structure

namespace detail {

inline bool full(const Term& term) { return term.structure == Structure::unstructured; }

inline Matrix lower_of(const Term& term, const Vector& psi) {
    return structure::factor(term.structure, term.k, psi.data() + term.first);
}

/// The entries of a block's matrix that are a term's own.
template <class M>
auto of_term(M&& block, const Term& term) {
    return block.block(term.offset, term.offset, term.k, term.k);
}

inline void store_lower(const Matrix& lower, const Term& term, Vector& psi) {
    double* at = psi.data() + term.first;
    for (Index c = 0; c < term.k; ++c)
        for (Index r = c; r < term.k; ++r) *at++ = lower(r, c);
}

}  // namespace detail

}  // namespace partialpool
