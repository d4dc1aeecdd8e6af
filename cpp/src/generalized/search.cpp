#include "partialpool/starts.hpp"
#include "walker.hpp"

namespace partialpool::generalized {

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
            structure::start(term.form, term.k, scale, from.psi.data() + term.first);
        Found found = search(problem, std::move(from), criterion, options);
        evaluations += found.evaluations;
        // One that ended at no optimum may have run to where the approximation is nonsense.
        if (found.converged || found.value < best.value) best = std::move(found);
        if (best.converged) break;
    }
    const auto& terms = problem.terms();
    if (std::any_of(terms.begin(), terms.end(), [](const Term& term) {
            return structure::often_has_other_minima(term.form.kind);
        }))
        for (const double share : {0.8, -0.8}) {
            Parameters from{Vector(problem.n_psi()), beta, {}};
            for (const auto& term : terms) {
                double* psi = from.psi.data() + term.first;
                structure::start(term.form, term.k, 0.5, psi);
                structure::correlate(term.form, term.k, share, psi);
            }
            Found found = search(problem, std::move(from), criterion, options);
            evaluations += found.evaluations;
            if (found.converged && (!best.converged || found.value < best.value - 1e-8))
                best = std::move(found);
        }
    best.evaluations = evaluations;
    return best;
}

}  // namespace partialpool::generalized
