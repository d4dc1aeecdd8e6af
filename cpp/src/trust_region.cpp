#include "partialpool/trust_region.hpp"

#include <optional>

namespace partialpool {

namespace {

/// The Newton step, unless H isn't positive definite.
std::optional<Step> newton_step(const Vector& g, const Matrix& h) {
    Matrix l = h;
    if (!cholesky_in_place(l)) return std::nullopt;
    const double low = l.diagonal().minCoeff(), high = l.diagonal().maxCoeff();
    if (!(low * low > 1e-12 * high * high)) return std::nullopt;
    std::optional<Step> step{Step{-g, 0.0}};
    solve_lower(l, step->p);
    step->promised = 0.5 * step->p.squaredNorm();
    solve_lower_transposed(l, step->p);
    return step;
}

/// The lambda at which the step c / (w + lambda) has length `radius`, from one below it.
///
/// By Newton's method on 1 / |p|, which is concave and nearly linear in lambda: from below it
/// climbs to the root and never past it (More & Sorensen 1983).
double multiplier(const Vector& w, const Vector& c, double lambda, double radius) {
    for (int i = 0; i < 100; ++i) {
        double square = 0.0, slope = 0.0;
        for (Index a = 0; a < w.size(); ++a) {
            const double inverse = 1.0 / (w(a) + lambda), y = c(a) * inverse;
            square += y * y;
            slope += y * y * inverse;
        }
        const double length = std::sqrt(square);
        if (!(length > (1.0 + 1e-10) * radius)) break;
        lambda += (length / radius - 1.0) * square / slope;
    }
    return lambda;
}

}  // namespace

Step trust_region_step(const Vector& g, const Matrix& h, double radius) {
    // Most steps end here; the eigenvalues are dearer.
    if (auto newton = newton_step(g, h); newton && newton->p.norm() <= radius)
        return std::move(*newton);
    const Eigenpairs eigen = eigen_symmetric(h);
    const Vector& w = eigen.values;
    const Vector c = eigen.vectors.transpose().lazyProduct(g);
    const double scale = std::max(w.cwiseAbs().maxCoeff(), 1e-300);
    const double tiny = 1e-12 * scale;
    const double low = std::max(0.0, -w(0) + tiny);
    Vector y = -(c.array() / (w.array() + low)).matrix();
    if (y.norm() > radius) {
        y = -(c.array() / (w.array() + multiplier(w, c, low, radius))).matrix();
    } else if (w(0) < -tiny) {
        // Hard case: go on along the lowest eigenvector to the boundary.
        const double rest = radius * radius - y.squaredNorm() + y(0) * y(0);
        y(0) = (c(0) > 0.0 ? -1.0 : 1.0) * std::sqrt(std::max(rest, 0.0));
    }
    const double promised = -(c.dot(y) + 0.5 * y.dot(w.cwiseProduct(y)));
    return Step{eigen.vectors.lazyProduct(y), promised};
}

}  // namespace partialpool
