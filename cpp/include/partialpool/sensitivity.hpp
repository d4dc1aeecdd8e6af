#pragma once

#include "partialpool/pieces.hpp"

namespace partialpool {

/// How the estimates hang on the covariance: sums over levels for directions E_a of Sigma.
///
/// With N = Z'V^-1 Z, F = Z'V^-1 X R, R R' = (X'V^-1 X)^-1, g = Z'Py, and E_a standing at
/// every level of its block. All are free of units: F in the coordinates in which the fixed
/// effects are uncorrelated.
struct Sensitivity {
    std::vector<Matrix> fixed;     ///< F'E_a F (p, p), per direction
    std::vector<Matrix> products;  ///< F'E_a N E_b F (p, p), at a * m + b; empty unless wanted
    Matrix product_traces;         ///< tr(F'E_a N E_b F)
    Matrix traces;                 ///< tr(E_a N E_b N)
    Vector trace;                  ///< tr(E_a N)
    Matrix scores;                 ///< g'E_a N E_b g
    Matrix mixed;                  ///< F'E_a g (p, m)
    Vector score;                  ///< g'E_a g
    double s = 0.0;                ///< y'Py

    Sensitivity() = default;
    Sensitivity(Index m, Index p, bool with_products);
    void add(const Sensitivity& other);
};

/// The sums for one grouping factor, level by level, at Lambda and the pieces found there.
Sensitivity sensitivity(const CrossProducts& cp, const Matrix& lambda, const Pieces& pieces,
                        const std::vector<Direction>& directions, bool with_products);

namespace detail {

/// One matrix of zeros for the effects of every block.
inline std::vector<Matrix> zeros(const CrossProducts& cp, Index columns) {
    std::vector<Matrix> out;
    for (const auto& block : cp.blocks) out.push_back(Matrix::Zero(block.q * block.k, columns));
    return out;
}

/// E x at every level of the direction's block.
inline Matrix times_levels(const Direction& direction, const Matrix& x) {
    const Index k = direction.e.rows();
    Matrix out(x.rows(), x.cols());
    for (Index first = 0; first < x.rows(); first += k)
        out.middleRows(first, k) = direction.e.lazyProduct(x.middleRows(first, k));
    return out;
}

}  // namespace detail
}  // namespace partialpool
