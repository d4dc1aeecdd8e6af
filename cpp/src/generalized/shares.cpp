#include "partialpool/generalized/problem.hpp"

// The gradient by rows and levels: scores of clusters that share no random effect are sums of
// these.

namespace partialpool::generalized {

/// As `sigma_slopes`, before the sum over levels.
std::vector<std::vector<Matrix>> GeneralizedProblem::level_slopes(const PenalisedSystem& system,
                                                                  const Vector& t) {
    const Vector g = rows_.effects_score(state_.first);
    std::vector<std::vector<Matrix>> out;
    for (std::size_t b = 0; b < rows_.effects.size(); ++b) {
        const auto& block = rows_.effects[b];
        out.push_back(system.informations(static_cast<Index>(b)));
        for (Index l = 0; l < block.q; ++l) {
            const Vector gl = g.segment(block.first + l * block.k, block.k);
            const Vector other = 0.5 * (t.segment(block.first + l * block.k, block.k) - gl);
            out.back()[at(l)] += gl.lazyProduct(other.transpose());
            out.back()[at(l)] += other.lazyProduct(gl.transpose());
        }
    }
    return out;
}

GeneralizedProblem::Shares GeneralizedProblem::shares(Parameters point,
                                                      const Criterion& criterion) {
    Shares out;
    if (!std::isfinite(evaluate(point, criterion, Level::gradient).value)) return out;
    Adjoint adjoint;
    if (criterion.nodes > 1) {
        quadrature(lambda(point), criterion.nodes, true, adjoint);
    } else {
        adjoint = laplace_adjoint(criterion);
        if (system_)
            adjoint.levels =
                level_slopes(criterion.expected ? *expected_ : *system_, sweep_tangent(criterion));
    }
    out.rows = Matrix::Zero(rows_.n, n_parameters());
    for (const auto& part : rows_.fixed)
        for (Index i = 0; i < rows_.n; ++i)
            for (Index c = 0; c < part.p(); ++c)
                out.rows(i, part.parameters[at(c)]) +=
                    adjoint.rows[at(part.predictor)][at(i)] * part.row(i)[c];
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const auto along =
            adjoint.sigma.empty()
                ? structure::factor_directions(term.form, term.k, point.psi.data() + term.first)
                : directions(point, t);
        const auto& levels = adjoint.levels[at(term.block)];
        Matrix own(static_cast<Index>(levels.size()), static_cast<Index>(along.size()));
        for (Index l = 0; l < own.rows(); ++l)
            for (Index c = 0; c < own.cols(); ++c)
                own(l, c) = detail::of_term(levels[at(l)], term).cwiseProduct(along[at(c)]).sum();
        out.levels.push_back(std::move(own));
    }
    return out;
}

}  // namespace partialpool::generalized
