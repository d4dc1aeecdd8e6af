#pragma once

#include <limits>

#include "partialpool/correlations.hpp"

namespace partialpool {

/// Position of one level's effects of one term inside its block, and their structure.
struct Term {
    Form form;
    Index block;   ///< which grouping factor
    Index offset;  ///< first column inside the block
    Index k;       ///< columns
    Index first;   ///< first parameter
};

/// Parameters psi <-> Sigma for one term.
///
/// No parameter is bounded. Unstructured, diagonal: entries of the lower triangular Lambda
/// (its sign doesn't matter, so the objective is smooth through zero). Homogeneous scales
/// enter squared for the same reason. With correlations a standard deviation for each effect is
/// sd = phi^2, because there a sign would matter. Behind the scales stand the correlations'
/// parameters tau.
namespace structure {

/// Whether each effect has a standard deviation of its own, as the square of its parameter.
inline bool squared_scales(Structure s) {
    return s == Structure::cs || s == Structure::hetar1 || s == Structure::toep;
}

inline Index n_scales(Structure s, Index k) { return squared_scales(s) ? k : 1; }

inline Index n_params(Structure s, Index k) {
    if (s == Structure::unstructured) return k * (k + 1) / 2;
    if (s == Structure::diagonal) return k;
    return n_scales(s, k) + n_correlations(s, k);
}

inline Index n_params(const Form& form, Index k) { return n_params(form.kind, k); }

/// Standard deviations as a vector, with their scale parameters.
inline Vector deviations(Structure s, Index k, const double* psi) {
    Vector sd(k);
    for (Index c = 0; c < k; ++c) sd(c) = squared_scales(s) ? psi[c] * psi[c] : psi[0];
    return sd;
}

/// Relative factor Lambda (k x k) with Lambda Lambda' = Sigma(psi).
Matrix factor(const Form& form, Index k, const double* psi);

/// dLambda / dpsi_a for every parameter of the term.
std::vector<Matrix> factor_directions(const Form& form, Index k, const double* psi);

/// dSigma / dpsi_a for every parameter of the term.
std::vector<Matrix> directions(const Form& form, Index k, const double* psi);

/// Curvature of the chart: <G, d2Sigma / dpsi_a dpsi_b>.
Matrix chart(const Form& form, Index k, const double* psi, const Matrix& g);

/// Start: standard deviations of `scale` in whitened coordinates, no correlation; where this
/// hangs on distances, it has fallen to 1 / e or so at distance one.
void start(const Form& form, Index k, double scale, double* psi);

}  // namespace structure

namespace detail {

inline bool full(const Term& term) { return term.form.kind == Structure::unstructured; }

inline Matrix lower_of(const Term& term, const Vector& psi) {
    return structure::factor(term.form, term.k, psi.data() + term.first);
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
