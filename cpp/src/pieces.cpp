#include "partialpool/pieces.hpp"

namespace partialpool {

bool finish_border(const RowMatrix& c_star, const CrossProducts& cp, const Likelihood& likelihood,
                   Pieces& out) {
    const Index p = cp.p;
    Matrix l = c_star.topLeftCorner(p, p);
    if (!cholesky_in_place(l)) return false;
    out.beta = c_star.col(p).head(p);
    solve_lower(l, out.beta);
    out.s = c_star(p, p) - out.beta.squaredNorm();
    solve_lower_transposed(l, out.beta);
    out.root.setIdentity(p, p);
    for (Index c = 0; c < p; ++c) solve_lower_transposed(l, out.root.col(c));
    LogProduct pivots;
    for (Index c = 0; c < p; ++c) pivots.multiply(l(c, c));
    out.logdet_x = 2.0 * pivots.value();
    out.scale =
        likelihood.profiled() ? degrees(cp, likelihood) / out.s : 1.0 / likelihood.fixed_variance;
    return out.s > 0.0 && std::isfinite(out.s);
}

double objective_value(const CrossProducts& cp, const Likelihood& likelihood,
                       const Pieces& pieces) {
    constexpr double two_pi = 6.283185307179586476925;
    const double nu = degrees(cp, likelihood);
    const double tail = likelihood.profiled() ? nu * (1.0 + std::log(two_pi * pieces.s / nu))
                                              : nu * std::log(two_pi * likelihood.fixed_variance) +
                                                    pieces.s / likelihood.fixed_variance;
    return pieces.logdet_v + (likelihood.reml ? pieces.logdet_x : 0.0) + tail;
}

}  // namespace partialpool
