#include "partialpool/generalized/problem.hpp"

// The exact gradient of Laplace's approximation by implicit differentiation of the mode.

namespace partialpool::generalized {

/// The mean's columns, where they are found or integrated out with the effects: K Z'WX, Z'WX,
/// the inverse of their Schur complement, and R with that inverse = R R' if they are integrated.
struct GeneralizedProblem::Bordered {
    Index p;
    Matrix kzx, zx, inverse, root;
};

GeneralizedProblem::Bordered GeneralizedProblem::bordered(const Criterion& criterion) const {
    const auto p = criterion.joint ? static_cast<Index>(inner_.size()) : 0;
    Bordered out{p, Matrix(kzx_.rows(), p), Matrix(kzx_.rows(), p), Matrix(p, p), Matrix()};
    if (p == 0) return out;
    out.kzx = kzx_(Eigen::all, inner_);
    out.zx = zx_(Eigen::all, inner_);
    Matrix block = schur_(inner_, inner_);
    cholesky_in_place(block);
    out.inverse = solve_upper(block.transpose(),
                              solve_upper(block.transpose(), Matrix::Identity(p, p), true));
    if (criterion.restricted) {
        out.root = out.inverse;
        cholesky_in_place(out.root);
    }
    return out;
}

/// s = d log|M| / d eta, of the columns that are integrated out as well.
PerPredictor GeneralizedProblem::determinant_slopes(const PenalisedSystem& system,
                                                    const Bordered& inner,
                                                    const Criterion& criterion) const {
    std::array<std::vector<double>, 6> h;
    system.forms(h);
    if (criterion.restricted) rows_.add_forms(inner.kzx, inner.root, inner_, h);
    PerPredictor s;
    for (std::size_t c = 0; c < at(rows_.predictors); ++c) s[c].assign(at(rows_.n), 0.0);
    if (criterion.expected)
        expected_slopes(h[0], s);
    else
        observed_slopes(h, s);
    return s;
}

/// Right-hand side and solution of the adjoint system: t = D rhs, a = K rhs; s as above.
struct GeneralizedProblem::Sweep {
    Bordered inner;
    PerPredictor s;
    Vector a, t, step;
};

GeneralizedProblem::Sweep GeneralizedProblem::sweep(const Criterion& criterion) {
    PenalisedSystem& system = criterion.expected ? *expected_ : *system_;
    system.invert();
    Sweep out{bordered(criterion), {}, {}, {}, Vector::Zero(n_parameters())};
    out.s = determinant_slopes(system, out.inner, criterion);
    Vector rhs = rows_.effects_score(out.s);
    if (out.inner.p > 0) {
        const Vector left = rows_.fixed_score(out.s)(inner_) -
                            out.inner.zx.transpose().lazyProduct(system_->solve(rhs).col(0));
        const Vector own = out.inner.inverse.lazyProduct(left);
        out.step(inner_) = own;
        rhs -= out.inner.zx * own;
    }
    out.a = system_->solve(rhs);
    out.t = rhs - system_->multiply(out.a);
    return out;
}

Vector GeneralizedProblem::sweep_tangent(const Criterion& criterion) { return sweep(criterion).t; }

/// Explicit and implicit derivatives of Laplace's approximation: one adjoint sweep through
/// the mode. With s = d log|M| / d eta, a = K Z's and t = D Z's:
/// dF/dSigma = sum_l N_l - g_l g_l' + (t_l g_l' + g_l t_l') / 2,
/// dF/dbeta = X'(-2 r + s - W Z a).
GeneralizedProblem::Adjoint GeneralizedProblem::laplace_adjoint(const Criterion& criterion) {
    Adjoint out;
    out.rows = state_.first;
    for (auto& own : out.rows)
        for (double& x : own) x *= -2.0;
    if (system_) {
        const Sweep back = sweep(criterion);
        for (std::size_t c = 0; c < at(rows_.predictors); ++c)
            for (std::size_t i = 0; i < at(rows_.n); ++i) out.rows[c][i] += back.s[c][i];
        subtract_response(back.a, out.rows);
        out.sigma = sigma_slopes(criterion.expected ? *expected_ : *system_, back.inner, back.t);
        out.beta = rows_.fixed_score(out.rows);
        if (back.inner.p > 0) out.beta -= xx_.lazyProduct(back.step);
        return out;
    }
    out.beta = rows_.fixed_score(out.rows);
    return out;
}

/// dF/dSigma of every block.
std::vector<Matrix> GeneralizedProblem::sigma_slopes(PenalisedSystem& system, const Bordered& inner,
                                                     const Vector& t) {
    const Vector g = rows_.effects_score(state_.first);
    Matrix f(inner.kzx.rows(), 0);
    if (inner.root.size() > 0)
        f = dense::multiply(inner.zx - system_->multiply(inner.kzx), inner.root);
    std::vector<Matrix> out;
    for (std::size_t b = 0; b < rows_.effects.size(); ++b) {
        const auto& block = rows_.effects[b];
        const Index k = block.k;
        Matrix sum = system.information(static_cast<Index>(b));
        for (Index l = 0; l < block.q; ++l) {
            const Index from = block.first + l * k;
            const auto gl = g.segment(from, k), tl = t.segment(from, k);
            if (k == 1) {
                sum(0, 0) += gl(0) * (tl(0) - gl(0));
            } else {
                const Vector other = 0.5 * tl - 0.5 * gl;
                sum += gl.lazyProduct(other.transpose());
                sum += other.lazyProduct(gl.transpose());
            }
            if (f.cols() > 0)
                sum -= f.middleRows(from, k).lazyProduct(f.middleRows(from, k).transpose());
        }
        out.push_back(std::move(sum));
    }
    return out;
}

/// rows - W Z a.
void GeneralizedProblem::subtract_response(const Vector& a, PerPredictor& rows) {
    PerPredictor za = state_.random;
    rows_.add_random(a.data(), za);
    for (int c = 0; c < rows_.predictors; ++c)
        for (const int b : rows_.random) {
            const auto& w = weights_[at(pair_of(std::min(b, c), std::max(b, c)))];
            for (std::size_t i = 0; i < w.size(); ++i) rows[at(c)][i] -= w[i] * za[at(b)][i];
        }
}

/// s = d log|M| / d eta from h = z'Kz and the third derivatives.
void GeneralizedProblem::observed_slopes(const std::array<std::vector<double>, 6>& h,
                                         PerPredictor& s) const {
    for (const int a : rows_.random)
        for (const int b : rows_.random) {
            if (a > b) continue;
            const double count = a == b ? 1.0 : 2.0;
            const auto& form = h[static_cast<std::size_t>(pair_of(a, b))];
            for (int c = 0; c < rows_.predictors; ++c) {
                int i[3] = {a, b, c};
                std::sort(i, i + 3);
                const auto& third =
                    state_.third[static_cast<std::size_t>(triple_of(i[0], i[1], i[2]))];
                auto& to = s[at(c)];
                for (std::size_t row = 0; row < form.size(); ++row)
                    to[row] -= count * form[row] * third[row];
            }
        }
}

bool GeneralizedProblem::expected_weights(const PerPredictor& eta, std::vector<double>& weights,
                                          std::vector<double>& slope) const {
    weights.resize(at(rows_.n));
    slope.resize(at(rows_.n));
    std::array<const double*, max_predictors> from{};
    for (std::size_t a = 0; a < at(rows_.predictors); ++a) from[a] = eta[a].data();
    return density_->expected(0, rows_.n, from.data(), weights.data(), slope.data());
}

bool GeneralizedProblem::factor_expected(const std::vector<Matrix>& lambda) {
    if (!system_) return true;
    if (!rows_.mean_only()) return false;
    if (!expected_) expected_.emplace(rows_);
    std::array<std::vector<double>, 6> weights;
    std::vector<double> slope;
    if (!expected_weights(state_.eta, weights[0], slope)) return false;
    expected_->fill(weights);
    return expected_->factor(lambda);
}

/// As `observed_slopes` for expected information. What it owes to the other predictors has
/// no closed form in class Density; it is there for comparison, so differences will do.
void GeneralizedProblem::expected_slopes(const std::vector<double>& h, PerPredictor& s) const {
    std::vector<double> up, down, slope;
    expected_weights(state_.eta, up, slope);
    for (std::size_t i = 0; i < slope.size(); ++i) s[0][i] = h[i] * slope[i];
    PerPredictor eta = state_.eta;
    constexpr double width = 1e-5;
    for (std::size_t c = 1; c < at(rows_.predictors); ++c) {
        for (double& x : eta[c]) x += width;
        expected_weights(eta, up, slope);
        for (double& x : eta[c]) x -= 2.0 * width;
        expected_weights(eta, down, slope);
        eta[c] = state_.eta[c];
        for (std::size_t i = 0; i < up.size(); ++i)
            s[c][i] = h[i] * (up[i] - down[i]) / (2.0 * width);
    }
}

}  // namespace partialpool::generalized
