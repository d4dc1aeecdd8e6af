#include "walker.hpp"

// The optimum on a plane: what a profile follows.

namespace partialpool::generalized {
namespace {

/// Orthonormal columns, all at right angles to a vector: those of its Householder reflection.
Matrix complement(const Vector& normal) {
    Vector v = normal / normal.norm();
    Index largest = 0;
    v.cwiseAbs().maxCoeff(&largest);
    v(largest) += v(largest) < 0.0 ? -1.0 : 1.0;
    const Matrix whole = Matrix::Identity(v.size(), v.size()) -
                         (2.0 / v.squaredNorm()) * v.lazyProduct(v.transpose());
    Matrix out(v.size(), v.size() - 1);
    for (Index c = 0, to = 0; c < v.size(); ++c)
        if (c != largest) out.col(to++) = whole.col(c);
    return out;
}

/// Where the ellipsoids of the model around a point touch the plane, or its nearest point.
Vector towards(const Matrix& curvature, const Vector& normal, double gap) {
    const Eigenpairs eigen = eigen_symmetric(curvature);
    const double floor = 1e-6 * eigen.values.cwiseAbs().maxCoeff();
    const Vector along =
        eigen.apply([&](double x) { return 1.0 / std::max(std::abs(x), floor); }) * normal;
    return (gap / normal.dot(along)) * along;
}

}  // namespace

Found search_held(GeneralizedProblem& problem, const Found& from, const Held& held,
                  const Criterion& criterion, const SearchOptions& options) {
    Walker walker{problem, criterion, options, problem.evaluations()};
    walker.forward = held.forward;
    const auto outer = problem.outer(criterion);
    const Index m = problem.n_psi();
    const double gap = held.value - held.normal.head(m).dot(from.point.psi) -
                       held.normal.tail(problem.n_parameters()).dot(from.point.beta);
    const Vector normal = held.normal(outer);
    Found best;
    best.value = std::numeric_limits<double>::infinity();
    const bool known = from.curvature.rows() == normal.size();
    for (const bool nearest : {!known, true}) {
        const Vector step = nearest ? Vector((gap / normal.squaredNorm()) * normal)
                                    : towards(from.curvature, normal, gap);
        Parameters start = move(problem, from.point, step, outer);
        if (!walker.allowed(start)) continue;
        best = walker.first(std::move(start));
        if (std::isfinite(best.value)) break;
    }
    if (normal.size() == 1 || !std::isfinite(best.value)) {
        best.converged = std::isfinite(best.value);
        return best;
    }
    walker.directions = complement(normal);
    walker.descend(best);
    best.evaluations = walker.used();
    return best;
}

}  // namespace partialpool::generalized
