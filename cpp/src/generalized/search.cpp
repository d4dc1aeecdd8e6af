#include "partialpool/generalized/search.hpp"

#include <span>

namespace partialpool::generalized {
namespace {

/// Differences of points and gradients, from which the curvature of the model is corrected.
class Secants {
public:
    void add(const Vector& step, const Vector& change) {
        steps_.push_back(step);
        changes_.push_back(change);
        if (steps_.size() > most) {
            steps_.erase(steps_.begin());
            changes_.erase(changes_.begin());
        }
    }
    void clear() {
        steps_.clear();
        changes_.clear();
    }

    /// Corrections by Broyden, Fletcher, Goldfarb and Shanno, oldest first, to the curvature
    /// with its eigenvalues made positive. Without any the curvature stays as it is: a saddle
    /// at a zero standard deviation is left by its negative eigenvalues.
    Matrix correct(const Matrix& curvature) const {
        if (steps_.empty()) return curvature;
        const Eigenpairs eigen = eigen_symmetric(curvature);
        const double floor = 1e-8 * eigen.values.cwiseAbs().maxCoeff();
        Matrix b = eigen.apply([&](double x) { return std::max(std::abs(x), floor); });
        for (std::size_t i = 0; i < steps_.size(); ++i) {
            const Vector& s = steps_[i];
            const Vector& y = changes_[i];
            const Vector bs = b * s;
            const double sy = s.dot(y), sbs = s.dot(bs);
            if (!(sy > 1e-2 * sbs)) continue;
            b += y.lazyProduct(y.transpose()) / sy - bs.lazyProduct(bs.transpose()) / sbs;
        }
        return b;
    }

private:
    static constexpr std::size_t most = 8;
    std::vector<Vector> steps_, changes_;
};

Parameters move(const GeneralizedProblem& problem, const Parameters& from, const Vector& step,
                const std::vector<Index>& outer) {
    Parameters to = from;
    const Index m = problem.n_psi();
    for (std::size_t i = 0; i < outer.size(); ++i) {
        if (outer[i] < m)
            to.psi(outer[i]) += step(static_cast<Index>(i));
        else
            to.beta(outer[i] - m) += step(static_cast<Index>(i));
    }
    return to;
}

/// Rounding errors of the objective, in units of the sums that it is the difference of.
constexpr double resolution = 1e-13;
/// Decreases of which the first is worth no further step, the second no further attempt.
constexpr double negligible = 1e-6, invisible = 1e-4;

struct Walker {
    GeneralizedProblem& problem;
    const Criterion& criterion;
    const SearchOptions& options;
    const int before;
    /// Orthonormal directions that the search may take, and half-spaces that it may not leave;
    /// empty for all.
    Matrix directions{};
    std::span<const Vector> forward{};

    bool held() const { return directions.size() > 0; }
    Vector inside(const Vector& g) const {
        return held() ? Vector(directions.transpose().lazyProduct(g)) : g;
    }
    Matrix inside(const Matrix& h) const { return held() ? sandwich(directions, h) : h; }
    Vector whole(const Vector& step) const {
        return held() ? Vector(directions.lazyProduct(step)) : step;
    }
    bool allowed(const Parameters& point) const {
        return std::all_of(forward.begin(), forward.end(), [&](const Vector& direction) {
            const Index m = point.psi.size();
            return direction.head(m).dot(point.psi) +
                       direction.tail(point.beta.size()).dot(point.beta) >=
                   0.0;
        });
    }
    Local evaluate(Parameters& trial) {
        return allowed(trial) ? problem.evaluate(trial, criterion, Level::average) : Local{};
    }

    int used() const { return problem.evaluations() - before; }

    Found first(Parameters from) {
        Found out;
        const Local local = problem.evaluate(from, criterion, Level::average);
        problem.keep();
        return {std::move(from), local.value, local.gradient, local.curvature, 0, false};
    }

    /// Trust-region Newton with the model's curvature, corrected by secants.
    void descend(Found& best) {
        const auto outer = problem.outer(criterion);
        if (!std::isfinite(best.value)) return;
        best.converged = outer.empty();
        if (best.converged) return;
        Secants secants;
        double radius = 1.0;
        while (true) {
            const Matrix curvature = secants.correct(inside(best.curvature));
            const Vector gradient = inside(best.gradient);
            const Step step = trust_region_step(gradient, curvature, radius);
            if (step.promised < options.tolerance || radius < 1e-10) {
                // The small promise of a step that had to be small is none.
                best.converged = trust_region_step(gradient, curvature, 1.0).promised < negligible;
                return;
            }
            if (used() >= options.max_evaluations) return;
            Parameters trial = move(problem, best.point, whole(step.p), outer);
            const Local next = evaluate(trial);
            const double length = step.p.norm();
            if (!next.ok()) {
                radius = 0.25 * length;
                problem.go_back();
                continue;
            }
            const Vector slope = inside(next.gradient);
            secants.add(step.p, slope - gradient);
            if (step.promised < resolution * problem.magnitude()) {
                // The objective can't tell this step, but its gradient can: it is good if less
                // is promised after it.
                const double left =
                    trust_region_step(slope, secants.correct(inside(next.curvature)), radius)
                        .promised;
                if (left < step.promised) {
                    accept(best, std::move(trial), next);
                    best.converged = left < negligible;
                } else {
                    best.converged = step.promised < invisible;
                    radius = 0.25 * length;
                    problem.go_back();
                }
                if (best.converged) return;
                continue;
            }
            const double rho = (best.value - next.value) / step.promised;
            if (rho < 0.25)
                radius = 0.25 * length;
            else if (rho > 0.75 && length > 0.8 * radius)
                radius = 2.0 * radius;
            if (rho > 1e-4)
                accept(best, std::move(trial), next);
            else
                problem.go_back();
        }
    }

    void accept(Found& best, Parameters point, const Local& next) {
        problem.keep();
        best.point = std::move(point);
        best.value = next.value;
        best.gradient = next.gradient;
        best.curvature = next.curvature;
    }
};

/// Sigma of every unstructured term in its principal axes, largest first.
Parameters principal(const GeneralizedProblem& problem, const Parameters& point) {
    Parameters out = point;
    out.axes.resize(problem.terms().size());
    for (std::size_t t = 0; t < problem.terms().size(); ++t) {
        const Term& term = problem.terms()[t];
        if (!detail::full(term) || term.k == 1) continue;
        Axes axes = principal_axes(problem.factor(point, t));
        out.axes[t] = std::move(axes.vectors);
        detail::store_lower(axes.sizes.asDiagonal(), term, out.psi);
    }
    return out;
}

/// The same Sigma in fixed axes, diagonals of Lambda non-negative.
Parameters fixed_axes(const GeneralizedProblem& problem, const Parameters& point) {
    Parameters out{point.psi, point.beta, {}};
    for (std::size_t t = 0; t < problem.terms().size(); ++t) {
        const Term& term = problem.terms()[t];
        if (!detail::full(term)) continue;
        Matrix lower = lower_triangular(problem.factor(point, t));
        // Rounding of the turn would hide an exact zero.
        lower = (lower.array().abs() > 1e-13 * lower.norm()).select(lower, 0.0);
        detail::store_lower(lower, term, out.psi);
    }
    return out;
}

/// Positions of the standard deviations among the parameters of a term in principal axes.
std::vector<Index> scale_positions(const Term& term) {
    std::vector<Index> out;
    if (term.structure == Structure::cs) return out;
    const bool full = detail::full(term);
    const Index scales = full || term.structure == Structure::diagonal ? term.k : 1;
    for (Index c = 0, a = 0; c < scales; ++c) {
        out.push_back(term.first + a);
        a += full ? term.k - c : 1;
    }
    return out;
}

}  // namespace

Found search(GeneralizedProblem& problem, Parameters from, const Criterion& criterion,
             const SearchOptions& options) {
    Walker walker{problem, criterion, options, problem.evaluations()};
    Found best = walker.first(std::move(from));
    walker.descend(best);
    // Near singularity go on in principal axes, where what vanishes stands last. What has all
    // but vanished is set to zero, where the gradient vanishes and the curvature tells
    // whether it pays to leave.
    for (int round = 0; round < 4 && criterion.nodes == 1 && std::isfinite(best.value); ++round) {
        Parameters turned = principal(problem, best.point);
        bool small = false;
        for (const auto& term : problem.terms())
            for (const Index a : scale_positions(term)) {
                const double sd = std::abs(turned.psi(a));
                small = small || (sd < 1e-2 && best.point.psi(a) != 0.0);
                if (sd < 1e-4) turned.psi(a) = 0.0;
            }
        if (!small) break;
        Found next = walker.first(std::move(turned));
        if (!(next.value <= best.value + 1e-8)) break;
        const double before = best.value;
        walker.descend(next);
        best = std::move(next);
        if (best.value > before - 1e-8) break;
    }
    if (!best.point.axes.empty() && std::isfinite(best.value)) {
        const bool converged = best.converged;
        best = walker.first(fixed_axes(problem, best.point));
        best.converged = converged;
    }
    best.evaluations = walker.used();
    return best;
}

Found search_from(GeneralizedProblem& problem, const Vector& beta, const Criterion& criterion,
                  const SearchOptions& options) {
    Found best;
    best.value = std::numeric_limits<double>::infinity();
    int evaluations = 0;
    // Standard deviations of the random effects, in mapped coordinates.
    for (const double scale : {0.5, 0.1, 1.5, 0.01}) {
        Parameters from{Vector(problem.n_psi()), beta, {}};
        for (const auto& term : problem.terms())
            structure::start(term.structure, term.k, scale, from.psi.data() + term.first);
        Found found = search(problem, std::move(from), criterion, options);
        evaluations += found.evaluations;
        // One that ended at no optimum may have run to where the approximation is nonsense.
        if (found.converged || found.value < best.value) best = std::move(found);
        if (best.converged) break;
    }
    best.evaluations = evaluations;
    return best;
}

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

Matrix exact_hessian(GeneralizedProblem& problem, const Parameters& point,
                     const Criterion& criterion, const Matrix& curvature) {
    const auto outer = problem.outer(criterion);
    const auto size = static_cast<Index>(outer.size());
    Matrix h(size, size);
    // Here, for the tangent along which the modes are predicted.
    Parameters centre = point;
    const Vector here = problem.evaluate(centre, criterion, Level::average).gradient;
    const auto slope = [&](Index c, double width) {
        Vector step = Vector::Zero(size);
        step(c) = width;
        Parameters trial = move(problem, point, step, outer);
        return problem.evaluate(trial, criterion, Level::gradient).gradient;
    };
    const auto mean = problem.mean_coefficients();
    const auto is_mean = [&](Index c) {
        const Index p = outer[at(c)] - problem.n_psi();
        return std::find(mean.begin(), mean.end(), p) != mean.end();
    };
    // Of a standard error: far above rounding, far below the scale on which the curvature
    // changes. In the mean's coefficients the objective is all but quadratic, so that one side
    // will do.
    constexpr double central = 3e-3, one_sided = 1e-4;
    for (Index c = 0; c < size; ++c) {
        const double error = curvature(c, c) > 1e-8 ? std::sqrt(2.0 / curvature(c, c)) : 1.0;
        const double width = (is_mean(c) ? one_sided : central) * std::min(error, 1.0);
        const Vector up = slope(c, width), down = is_mean(c) ? here : slope(c, -width);
        if (up.size() != size || down.size() != size) return Matrix();
        h.col(c) = (up - down) / (is_mean(c) ? width : 2.0 * width);
    }
    // What stands between a coefficient and another parameter is known from the other's column.
    for (Index c = 0; c < size; ++c)
        for (Index r = 0; r < size; ++r)
            if (is_mean(c) && !is_mean(r)) h(r, c) = h(c, r);
    return 0.5 * (h + h.transpose());
}

}  // namespace partialpool::generalized
