#include "partialpool/generalized/problem.hpp"

namespace partialpool::generalized {
namespace {

constexpr double log_two_pi = 1.8378770664093454835606594728112;

}  // namespace

GeneralizedProblem::GeneralizedProblem(ModelRows rows, std::shared_ptr<const Density> density,
                                       std::vector<Term> terms, std::vector<Index> inner,
                                       double log_map, Matrix penalty, double constant)
    : rows_(std::move(rows)),
      density_(std::move(density)),
      terms_(std::move(terms)),
      inner_(std::move(inner)),
      penalty_(std::move(penalty)),
      log_map_(log_map),
      constant_(constant),
      state_(rows_.make_state()) {
    if (rows_.effects.empty()) return;
    rows_.find_slots(rows_.pattern());
    system_.emplace(rows_);
}

Index GeneralizedProblem::n_psi() const {
    if (terms_.empty()) return 0;
    return terms_.back().first + structure::n_params(terms_.back().form, terms_.back().k);
}

std::vector<Index> GeneralizedProblem::outer(const Criterion& criterion) const {
    std::vector<Index> out;
    for (Index a = 0; a < n_psi(); ++a) out.push_back(a);
    for (Index p = 0; p < n_parameters(); ++p)
        if (!criterion.joint || std::find(inner_.begin(), inner_.end(), p) == inner_.end())
            out.push_back(n_psi() + p);
    return out;
}

Matrix GeneralizedProblem::factor(const Parameters& point, std::size_t term) const {
    const Term& own = terms_[term];
    const Matrix lower = structure::factor(own.form, own.k, point.psi.data() + own.first);
    return turned(point, term) ? Matrix(point.axes[term].lazyProduct(lower)) : lower;
}

std::vector<Matrix> GeneralizedProblem::lambda(const Parameters& point) const {
    std::vector<Matrix> out;
    for (const auto& block : rows_.effects) out.push_back(Matrix::Zero(block.k, block.k));
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const Matrix own = factor(point, t);
        out[at(term.block)].block(term.offset, term.offset, term.k, term.k) =
            turned(point, t) ? lower_triangular(own) : own;
    }
    return out;
}

Local GeneralizedProblem::evaluate(Parameters& point, const Criterion& criterion, Level level) {
    Local out;
    const bool derivatives = level != Level::value;
    ++evaluations_;
    const auto factors = lambda(point);
    if (!criterion.joint) predict_mode(point);
    if (!find_mode(factors, point.beta, criterion)) return out;
    double value = mode_.penalised - 2.0 * constant_;
    Adjoint adjoint;
    if (criterion.joint || level >= Level::average) make_border();
    if (criterion.nodes > 1) {
        value = quadrature(factors, criterion.nodes, derivatives, adjoint) - 2.0 * constant_ +
                point.beta.dot(penalty_.lazyProduct(point.beta));
    } else {
        if (criterion.expected && !factor_expected(factors)) return out;
        if (system_) value += (criterion.expected ? *expected_ : *system_).log_determinant();
        if (criterion.restricted) {
            const auto p = static_cast<Index>(inner_.size());
            Matrix s = schur_(inner_, inner_);
            if (!cholesky_in_place(s)) return out;
            value += 2.0 * (s.diagonal().array().log().sum() - log_map_) -
                     static_cast<double>(p) * log_two_pi;
        }
        if (derivatives) adjoint = laplace_adjoint(criterion);
    }
    out.value = value;
    if (!derivatives || !std::isfinite(value)) return out;
    const auto kept = outer(criterion);
    out.gradient = full_gradient(point, adjoint)(kept);
    if (level >= Level::average) {
        Matrix curvature = model_curvature(point, adjoint);
        if (criterion.joint) profile_inner(curvature);
        out.curvature = curvature(kept, kept);
    }
    return out;
}

std::vector<std::vector<double>> GeneralizedProblem::conditional() {
    std::vector<std::vector<double>> out;
    if (!system_) return out;
    system_->invert();
    for (Index t = 0; t < system_->n_blocks(); ++t) out.push_back(system_->diagonal_blocks(t));
    return out;
}

}  // namespace partialpool::generalized
