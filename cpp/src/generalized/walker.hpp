#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "partialpool/generalized/points.hpp"
#include "partialpool/generalized/search.hpp"

// A trust-region search over all parameters, or over those of a plane.

namespace partialpool::generalized {

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
inline constexpr double resolution = 1e-13;
/// Decreases of which the first is worth no further step, the second no further attempt.
inline constexpr double negligible = 1e-6, invisible = 1e-4;
/// Share of what a step promised that has to come true for it to be taken.
inline constexpr double worthwhile = 1e-4;

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
            resize(radius, rho, length);
            if (rho > worthwhile)
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
        resize(radius, rho, step.p.norm());
        if (rho > worthwhile)
            accept(best, std::move(trial), next);
        else
            problem.go_back();
        return rho > worthwhile;
    }

    /// Fit the radius to how much of what a step promised came true.
    static void resize(double& radius, double rho, double length) {
        if (rho < 0.25)
            radius = 0.25 * length;
        else if (rho > 0.75 && length > 0.8 * radius)
            radius = 2.0 * radius;
    }

    void accept(Found& best, Parameters point, const Local& next) {
        problem.keep();
        best.point = std::move(point);
        best.value = next.value;
        best.gradient = next.gradient;
        best.curvature = next.curvature;
    }
};

}  // namespace partialpool::generalized
