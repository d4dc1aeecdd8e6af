#include "walker.hpp"

namespace partialpool::generalized {
namespace {

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
