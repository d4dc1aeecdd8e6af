#include "partialpool/trust_region.hpp"

#include <optional>

namespace partialpool {

namespace {

/// The Newton step, unless H isn't positive definite.
std::optional<Step> newton_step(const Vector& g, const Matrix& h) {
    Matrix l = h;
    if (!cholesky_in_place(l)) return std::nullopt;
    const Vector pivots = l.diagonal().cwiseAbs2();
    if (!(pivots.minCoeff() > 1e-12 * pivots.maxCoeff())) return std::nullopt;
    Vector p = -g;
    solve_lower(l, p);
    const double promised = 0.5 * p.squaredNorm();
    solve_lower_transposed(l, p);
    return Step{std::move(p), promised};
}

}  // namespace

Step trust_region_step(const Vector& g, const Matrix& h, double radius) {
    // Most steps end here; the eigenvalues are dearer.
    if (auto newton = newton_step(g, h); newton && newton->p.norm() <= radius) return *newton;
    const Eigenpairs eigen = eigen_symmetric(h);
    const Vector w = eigen.values;
    const Vector c = eigen.vectors.transpose() * g;
    const double scale = std::max(w.cwiseAbs().maxCoeff(), 1e-300);
    const double tiny = 1e-12 * scale;
    const auto norm_at = [&](double lambda) {
        return (c.array() / (w.array() + lambda)).matrix().norm();
    };
    const auto finish = [&](const Vector& y) {
        return Step{eigen.vectors * y, -(c.dot(y) + 0.5 * y.dot(w.cwiseProduct(y)))};
    };
    double low = std::max(0.0, -w(0) + tiny);
    if (norm_at(low) <= radius) {
        // Hard case: go on along the lowest eigenvector to the boundary.
        Vector y = -(c.array() / (w.array() + low)).matrix();
        if (w(0) < -tiny) {
            const double rest = radius * radius - y.squaredNorm() + y(0) * y(0);
            y(0) = (c(0) > 0.0 ? -1.0 : 1.0) * std::sqrt(std::max(rest, 0.0));
        }
        return finish(y);
    }
    double high = low + c.norm() / radius + scale;
    for (int i = 0; i < 200 && high - low > 1e-10 * high; ++i) {
        const double middle = 0.5 * (low + high);
        (norm_at(middle) > radius ? low : high) = middle;
    }
    return finish(-(c.array() / (w.array() + high)).matrix());
}

}  // namespace partialpool
