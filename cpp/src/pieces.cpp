#include "partialpool/pieces.hpp"

namespace partialpool {

bool finish_border(const RowMatrix& c_star, const CrossProducts& cp, const Likelihood& likelihood,
                   Pieces& out) {
    const Index p = cp.p;
    Matrix xx = c_star.topLeftCorner(p, p);
    if (!cholesky_in_place(xx)) return false;
    const Matrix upper = xx.transpose();
    const Vector half = solve_upper(upper, c_star.col(p).head(p), true);
    out.beta = solve_upper(upper, half);
    out.root = solve_upper(upper, Matrix::Identity(p, p));
    out.s = c_star(p, p) - half.squaredNorm();
    out.logdet_x = 2.0 * xx.diagonal().array().log().sum();
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
