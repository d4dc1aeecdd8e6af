#include "partialpool/generalized/problem.hpp"

// From derivatives in Sigma (or Lambda) and beta to the parameters of the search.

namespace partialpool::generalized {
namespace {

/// So many numbers may be kept to predict the mode.
constexpr Index most_tangents = 4'000'000;

}  // namespace

/// d Sigma / d psi of one term, in the block's own axes.
std::vector<Matrix> GeneralizedProblem::directions(const Parameters& point,
                                                   std::size_t term) const {
    const Term& own = terms_[term];
    auto out = structure::directions(own.form, own.k, point.psi.data() + own.first);
    if (turned(point, term))
        for (Matrix& e : out) e = sandwich(point.axes[term].transpose(), e);
    return out;
}

Vector GeneralizedProblem::full_gradient(const Parameters& point, const Adjoint& adjoint) const {
    Vector out(n_psi() + n_parameters());
    out.tail(n_parameters()) = adjoint.beta + 2.0 * penalty_.lazyProduct(point.beta);
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const bool by_sigma = !adjoint.sigma.empty();
        const auto along = by_sigma ? directions(point, t)
                                    : structure::factor_directions(term.form, term.k,
                                                                   point.psi.data() + term.first);
        const auto& slopes = by_sigma ? adjoint.sigma : adjoint.lambda;
        const Matrix slope = detail::of_term(slopes[at(term.block)], term);
        for (std::size_t c = 0; c < along.size(); ++c)
            out(term.first + static_cast<Index>(c)) = slope.cwiseProduct(along[c]).sum();
    }
    return out;
}

/// Curvature of the working linear mixed model: average information for psi, the curvature
/// of the profile over the effects for beta, and what stands between them; with the chart's
/// own curvature. Leaves the tangent of the mode behind.
Matrix GeneralizedProblem::model_curvature(const Parameters& point, const Adjoint& adjoint) {
    const Index m = n_psi(), total = m + n_parameters();
    Matrix out = Matrix::Zero(total, total);
    out.bottomRightCorner(n_parameters(), n_parameters()) = 2.0 * schur_;
    by_psi_ = Matrix(rows_.n_effects(), m);
    if (m == 0) return out;
    const Vector g = rows_.effects_score(state_.first);
    Matrix x = Matrix::Zero(rows_.n_effects(), m);
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const auto& block = rows_.effects[at(term.block)];
        const auto along = directions(point, t);
        const auto count = static_cast<Index>(along.size());
        for (Index c = 0; c < count; ++c)
            for (Index l = 0; l < block.q; ++l) {
                const Index from = block.first + l * block.k + term.offset;
                x.col(term.first + c).segment(from, term.k) =
                    along[at(c)].lazyProduct(g.segment(from, term.k));
            }
        if (adjoint.sigma.empty()) continue;
        Matrix slope = detail::of_term(adjoint.sigma[at(term.block)], term);
        if (turned(point, t)) slope = sandwich(point.axes[t], slope);
        out.block(term.first, term.first, count, count) =
            structure::chart(term.form, term.k, point.psi.data() + term.first, slope);
    }
    const Matrix ax = system_->multiply(x);
    const Matrix kax = system_->solve(ax);
    by_psi_ = x - kax;
    const Matrix q = dense::multiply_transposed(x, ax) - dense::multiply_transposed(ax, kax);
    const Matrix between =
        2.0 * (dense::multiply_transposed(zx_, x) - dense::multiply_transposed(kzx_, ax));
    out.topLeftCorner(m, m) += 0.5 * (q + q.transpose());
    out.bottomLeftCorner(n_parameters(), m) = between;
    out.topRightCorner(m, n_parameters()) = between.transpose();
    // v = Z'r moves by -A db - Z'WX dbeta, where db = (x - K A x) dpsi - K Z'WX dbeta.
    auto tangent = std::make_shared<Tangent>(Tangent{point, mode_.v, Matrix()});
    if (x.rows() * total < most_tangents) {
        tangent->slope.resize(x.rows(), total);
        tangent->slope << system_->multiply(kax) - ax, system_->multiply(kzx_) - zx_;
    }
    tangent_ = std::move(tangent);
    return out;
}

Vector GeneralizedProblem::variances(const Matrix& x, const std::vector<SparseRow>& z,
                                     const Matrix& covariance) const {
    Matrix slope(n_psi() + n_parameters(), x.cols());
    slope.topRows(n_psi()).setZero();
    slope.bottomRows(n_parameters()) = x;
    for (Index i = 0; i < x.cols(); ++i)
        for (const auto& [effect, value] : z[at(i)]) {
            slope.col(i).head(n_psi()) += value * by_psi_.row(effect).transpose();
            slope.col(i).tail(n_parameters()) -= value * kzx_.row(effect).transpose();
        }
    const Matrix spread = dense::multiply(covariance, slope);
    Vector out = slope.cwiseProduct(spread).colwise().sum().transpose();
    if (system_) out += system_->quadratic_forms(z);
    return out;
}

/// Take out the coefficients that follow the others.
void GeneralizedProblem::profile_inner(Matrix& curvature) const {
    std::vector<Index> positions = inner_;
    for (Index& p : positions) p += n_psi();
    const Matrix others = curvature(positions, Eigen::all);
    Matrix own = others(Eigen::all, positions);
    if (cholesky_in_place(own)) {
        const Matrix half = solve_upper(own.transpose(), others, true);
        curvature -= dense::multiply_transposed(half, half);
    }
}

}  // namespace partialpool::generalized
