#include "partialpool/generalized/search.hpp"

#include "partialpool/generalized/points.hpp"

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

/// Rounding errors of the objective, in units of the sums that it is the difference of.
constexpr double resolution = 1e-13;
/// Decreases of which the first is worth no further step, the second no further attempt.
constexpr double negligible = 1e-6, invisible = 1e-4;

struct Walker {
    GeneralizedProblem& problem;
    const Criterion& criterion;
    const SearchOptions& options;
    const int before;

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
            const Matrix curvature = secants.correct(best.curvature);
            const Step step = trust_region_step(best.gradient, curvature, radius);
            if (step.promised < options.tolerance || radius < 1e-10) {
                // The small promise of a step that had to be small is none.
                best.converged =
                    trust_region_step(best.gradient, curvature, 1.0).promised < negligible;
                return;
            }
            if (used() >= options.max_evaluations) return;
            Parameters trial = move(problem, best.point, step.p, outer);
            const Local next = problem.evaluate(trial, criterion, Level::average);
            const double length = step.p.norm();
            if (!next.ok()) {
                radius = 0.25 * length;
                problem.go_back();
                continue;
            }
            secants.add(step.p, next.gradient - best.gradient);
            if (step.promised < resolution * problem.magnitude()) {
                // The objective can't tell this step, but its gradient can: it is good if less
                // is promised after it.
                const double left =
                    trust_region_step(next.gradient, secants.correct(next.curvature), radius)
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

    /// Newton steps with exact second derivatives, for where those of the model lead nowhere: a
    /// narrow valley of a Sigma that is all but singular.
    void polish(Found& best) {
        const auto outer = problem.outer(criterion);
        double radius = 0.1;
        for (int count = 0; count < 50; ++count) {
            const Matrix h = exact_hessian(problem, best.point, criterion, best.curvature);
            if (h.size() == 0) return;
            for (bool moved = false; !moved; moved = try_step(best, h, outer, radius))
                if (radius < 1e-8 ||
                    trust_region_step(best.gradient, h, radius).promised < options.tolerance) {
                    best.converged = trust_region_step(best.gradient, h, 1.0).promised < negligible;
                    return;
                }
        }
    }

    /// Take a step within the radius if it leads down; whether it did.
    bool try_step(Found& best, const Matrix& h, const std::vector<Index>& outer, double& radius) {
        const Step step = trust_region_step(best.gradient, h, radius);
        Parameters trial = move(problem, best.point, step.p, outer);
        const Local next = problem.evaluate(trial, criterion, Level::average);
        const double rho = next.ok() ? (best.value - next.value) / step.promised : -1.0;
        const double length = step.p.norm();
        if (rho < 0.25)
            radius = 0.25 * length;
        else if (rho > 0.75 && length > 0.8 * radius)
            radius = 2.0 * radius;
        if (rho > 1e-4)
            accept(best, std::move(trial), next);
        else
            problem.go_back();
        return rho > 1e-4;
    }

    void accept(Found& best, Parameters point, const Local& next) {
        problem.keep();
        best.point = std::move(point);
        best.value = next.value;
        best.gradient = next.gradient;
        best.curvature = next.curvature;
    }
};

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
    // Nodes follow the axes of Sigma, so that quadrature stays in those that it has.
    for (const double vanished : {1e-2, 1e-4}) {
        Parameters fewer = best.point;
        if (criterion.nodes == 1 || !std::isfinite(best.value) ||
            !drop_columns(problem, fewer, vanished))
            continue;
        Found next = walker.first(std::move(fewer));
        if (!(next.value <= best.value + 1e-8)) continue;
        walker.descend(next);
        best = std::move(next);
    }
    // A steep slope is no valley: there the likelihood or its approximation has no maximum.
    constexpr double gentle = 1.0;
    if (!best.converged && std::isfinite(best.value) &&
        best.gradient.cwiseAbs().maxCoeff() < gentle)
        walker.polish(best);
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

}  // namespace partialpool::generalized
