#pragma once

#include "partialpool/matrix.hpp"

namespace partialpool::generalized {

/// Gauss-Hermite rule for weight exp(-x^2): nodes, and log(weight) + node^2.
struct HermiteRule {
    Vector nodes, log_weights;
};

HermiteRule hermite_rule(int n);

/// All points of the product rule in k dimensions, one per column.
struct HermiteGrid {
    Matrix nodes;        ///< (k, n^k)
    Vector log_weights;  ///< (n^k,)
};

HermiteGrid hermite_grid(int n, Index k);

}  // namespace partialpool::generalized
