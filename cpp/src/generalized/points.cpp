#include "partialpool/generalized/points.hpp"

namespace partialpool::generalized {

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

std::vector<Index> scale_positions(const Term& term) {
    std::vector<Index> out;
    if (structure::squared_scales(term.form.kind)) return out;
    const bool full = detail::full(term);
    const Index scales = full || term.form.kind == Structure::diagonal ? term.k : 1;
    for (Index c = 0, a = 0; c < scales; ++c) {
        out.push_back(term.first + a);
        a += full ? term.k - c : 1;
    }
    return out;
}

bool drop_columns(const GeneralizedProblem& problem, Parameters& point, double vanished) {
    bool dropped = false;
    const auto drop = [&](double& x) {
        dropped = dropped || x != 0.0;
        x = 0.0;
    };
    for (const auto& term : problem.terms()) {
        if (!detail::full(term)) {
            for (const Index a : scale_positions(term))
                if (std::abs(point.psi(a)) < vanished) drop(point.psi(a));
            continue;
        }
        for (Index c = 0, a = term.first; c < term.k; a += term.k - c, ++c) {
            auto column = point.psi.segment(a, term.k - c);
            if (column.cwiseAbs().maxCoeff() < vanished)
                for (double& x : column) drop(x);
        }
    }
    return dropped;
}

}  // namespace partialpool::generalized
