#include "partialpool/generalized/problem.hpp"

// Adaptive Gauss-Hermite quadrature around the modes of one grouping factor, with the exact
// derivative of the approximation itself: nodes move with the mode and the curvature there.

namespace partialpool::generalized {
namespace {

/// Lower triangle with half the diagonal.
Matrix half_lower(const Matrix& a) {
    Matrix out = Matrix::Zero(a.rows(), a.cols());
    for (Index c = 0; c < a.cols(); ++c) {
        out(c, c) = 0.5 * a(c, c);
        for (Index r = c + 1; r < a.rows(); ++r) out(r, c) = a(r, c);
    }
    return out;
}

/// One level's rule: nodes u, and b = Lambda u.
struct LevelNodes {
    Index begin, size;  ///< rows
    Matrix inverse;     ///< L^-1, M = L L'
    double log_determinant;
    Matrix u, b;
};

LevelNodes place_nodes(const Matrix& lambda, const Matrix& A, const Vector& v,
                       const HermiteGrid& grid) {
    const Index k = lambda.rows();
    Matrix lower = sandwich(lambda, A);
    lower.diagonal().array() += 1.0;
    LevelNodes out{};
    // M is positive definite here: the mode has been found.
    cholesky_in_place(lower);
    out.log_determinant = 2.0 * lower.diagonal().array().log().sum();
    out.inverse = solve_upper(lower.transpose(), Matrix::Identity(k, k), true);
    const Vector mode = lambda.transpose().lazyProduct(v);
    out.u = (std::sqrt(2.0) * out.inverse.transpose().lazyProduct(grid.nodes)).colwise() + mode;
    out.b = lambda.lazyProduct(out.u);
    return out;
}

/// Log-densities of some levels' rows at every node, and their first derivatives.
struct NodeValues {
    Index begin = 0, size = 0;  ///< rows
    std::vector<double> value;
    PerPredictor first;

    const double* values(Index q, const LevelNodes& level) const {
        return value.data() + q * size + (level.begin - begin);
    }
    const double* scores(std::size_t a, Index q, const LevelNodes& level) const {
        return first[a].data() + q * size + (level.begin - begin);
    }
};

/// So many rows at nodes are evaluated together.
constexpr Index most_values = 1 << 16;

/// Sums over levels: the objective, and what its derivatives are made of.
struct Sums {
    double total = 0.0;
    std::vector<Matrix> by_lambda;  ///< d f_j / d Lambda at fixed M and mode
    std::vector<Matrix> by_m;       ///< d f_j / d M_j
    Vector by_u;                    ///< d f_j / d mode
    PerPredictor mean_score;        ///< sum_q p_q r_q
};

/// One pass over the levels of the factor, some of them at once.
class LevelIntegrals {
public:
    LevelIntegrals(const ModelRows& rows, const Density& density, const RowState& state,
                   const PenalisedSystem& system, const Vector& v, const Matrix& lambda,
                   const HermiteGrid& grid, bool derivatives)
        : rows_(rows),
          block_(rows.effects[0]),
          density_(density),
          state_(state),
          system_(system),
          v_(v),
          lambda_(lambda),
          grid_(grid),
          points_(grid.log_weights.size()),
          derivatives_(derivatives),
          log_terms_(points_) {
        const Index k = block_.k;
        sums_.by_lambda.assign(at(block_.q), Matrix::Zero(k, k));
        sums_.by_m.resize(at(block_.q));
        sums_.by_u = Vector::Zero(block_.q * k);
        for (std::size_t a = 0; a < predictors(); ++a) sums_.mean_score[a].assign(at(rows_.n), 0.0);
    }

    const Sums& sums() {
        for (Index first = 0; first < block_.q; first += static_cast<Index>(levels_.size())) {
            place(first);
            for (Index q = 0; q < points_; ++q) evaluate(q);
            for (std::size_t l = 0; l < levels_.size(); ++l)
                add(levels_[l], first + static_cast<Index>(l));
        }
        return sums_;
    }

private:
    std::size_t predictors() const { return at(rows_.predictors); }

    /// Nodes of as many levels from `first` on as are evaluated together.
    void place(Index first) {
        const Index k = block_.k;
        levels_.clear();
        values_.begin = rows_.level_start[at(first)];
        Index j = first, end = values_.begin;
        do {
            levels_.push_back(place_nodes(lambda_, system_.A(0, j), v_.segment(j * k, k), grid_));
            levels_.back().begin = end;
            end = rows_.level_start[at(++j)];
            levels_.back().size = end - levels_.back().begin;
        } while (j < block_.q &&
                 (rows_.level_start[at(j) + 1] - values_.begin) * points_ <= most_values);
        values_.size = end - values_.begin;
        values_.value.resize(at(values_.size * points_));
        for (std::size_t a = 0; a < predictors(); ++a) {
            values_.first[a].resize(values_.value.size());
            eta_[a].resize(at(values_.size));
        }
    }

    /// Log-densities of all rows of these levels at node q of each.
    void evaluate(Index q) {
        for (std::size_t a = 0; a < predictors(); ++a)
            std::copy_n(state_.fixed[a].begin() + values_.begin, values_.size, eta_[a].begin());
        for (const LevelNodes& level : levels_)
            for (Index c = 0; c < block_.k; ++c) {
                double* to =
                    eta_[at(block_.predictor[at(c)])].data() + (level.begin - values_.begin);
                for (Index i = 0; i < level.size; ++i)
                    to[i] += block_.row(level.begin + i)[c] * level.b(c, q);
            }
        const double* from[max_predictors]{};
        RowDerivatives to{};
        to.value = values_.value.data() + q * values_.size;
        for (std::size_t a = 0; a < predictors(); ++a) {
            from[a] = eta_[a].data();
            if (derivatives_) to.first[a] = values_.first[a].data() + q * values_.size;
        }
        density_.evaluate(values_.begin, values_.size, from, derivatives_ ? 1 : 0, true, to);
    }

    void add(const LevelNodes& level, Index j) {
        for (Index q = 0; q < points_; ++q) {
            const double* values = values_.values(q, level);
            double sum = 0.0;
            for (Index i = 0; i < level.size; ++i) sum += values[i];
            log_terms_(q) = sum - 0.5 * level.u.col(q).squaredNorm() + grid_.log_weights(q);
            // A node outside the range of the link has no density.
            if (!(log_terms_(q) < 1e300)) log_terms_(q) = -1e300;
        }
        const double top = log_terms_.maxCoeff();
        Vector p = (log_terms_.array() - top).exp();
        const double sum = p.sum();
        p /= sum;
        sums_.total += -2.0 * (top + std::log(sum)) + level.log_determinant +
                       static_cast<double>(block_.k) * std::log(std::acos(-1.0));
        if (derivatives_) add_derivatives(level, j, p);
    }

    /// With p the nodes' shares of the integral.
    void add_derivatives(const LevelNodes& level, Index j, const Vector& p) {
        const Index k = block_.k;
        Matrix moments = Matrix::Zero(k, k);
        Vector score(k), v(k);
        for (Index q = 0; q < points_; ++q) {
            if (p(q) < 1e-300) continue;
            score.setZero();
            for (Index c = 0; c < k; ++c) {
                const double* r = values_.scores(at(block_.predictor[at(c)]), q, level);
                for (Index i = 0; i < level.size; ++i)
                    score(c) += block_.row(level.begin + i)[c] * r[i];
            }
            for (std::size_t a = 0; a < predictors(); ++a) {
                const double* r = values_.scores(a, q, level);
                double* to = sums_.mean_score[a].data() + level.begin;
                for (Index i = 0; i < level.size; ++i) to[i] += p(q) * r[i];
            }
            const auto u = level.u.col(q);
            v = u - lambda_.transpose().lazyProduct(score);
            sums_.by_u.segment(j * k, k) += 2.0 * p(q) * v;
            moments += (2.0 * p(q)) * v.lazyProduct(grid_.nodes.col(q).transpose());
            sums_.by_lambda[at(j)] -= (2.0 * p(q)) * score.lazyProduct(u.transpose());
        }
        const Matrix low =
            half_lower(std::sqrt(2.0) * moments.transpose().lazyProduct(level.inverse.transpose()));
        sums_.by_m[at(j)] =
            sandwich(level.inverse, Matrix(Matrix::Identity(k, k) - 0.5 * (low + low.transpose())));
    }

    const ModelRows& rows_;
    const Effects& block_;
    const Density& density_;
    const RowState& state_;
    const PenalisedSystem& system_;
    const Vector& v_;
    const Matrix& lambda_;
    const HermiteGrid& grid_;
    Index points_;
    bool derivatives_;
    Vector log_terms_;
    Sums sums_;
    NodeValues values_;
    PerPredictor eta_;
    std::vector<LevelNodes> levels_;
};

/// s = d / d eta of what depends on it by M_j alone, the third derivatives of the density.
PerPredictor slopes(const ModelRows& rows, const RowState& state, const Matrix& lambda,
                    const std::vector<Matrix>& by_m) {
    const Effects& block = rows.effects[0];
    PerPredictor s;
    for (int a = 0; a < rows.predictors; ++a) s[at(a)].assign(at(rows.n), 0.0);
    for (Index i = 0; i < rows.n; ++i) {
        const Matrix inner = sandwich(lambda.transpose(), by_m[at(block.codes[at(i)])]);
        for (Index r = 0; r < block.k; ++r)
            for (Index c = 0; c < block.k; ++c) {
                const double form = block.row(i)[r] * inner(r, c) * block.row(i)[c];
                for (int a = 0; a < rows.predictors; ++a) {
                    int x[3] = {block.predictor[at(r)], block.predictor[at(c)], a};
                    std::sort(x, x + 3);
                    s[at(a)][at(i)] -= form * state.third[at(triple_of(x[0], x[1], x[2]))][at(i)];
                }
            }
    }
    return s;
}

}  // namespace

double GeneralizedProblem::quadrature(const std::vector<Matrix>& lambda, int nodes,
                                      bool derivatives, Adjoint& out) {
    const Index k = rows_.effects[0].k;
    if (grid_.nodes.rows() != k || grid_nodes_ != nodes) {
        grid_ = hermite_grid(nodes, k);
        grid_nodes_ = nodes;
    }
    LevelIntegrals levels(rows_, *density_, state_, *system_, mode_.v, lambda[0], grid_,
                          derivatives);
    Sums sums = levels.sums();
    if (!derivatives || !std::isfinite(sums.total)) return sums.total;
    // Modes and M_j follow the parameters: by implicit differentiation, level by level.
    const Matrix& l0 = lambda[0];
    const PerPredictor s = slopes(rows_, state_, l0, sums.by_m);
    const Vector zs = rows_.effects_score(s), g = rows_.effects_score(state_.first);
    Matrix whole = Matrix::Zero(k, k);
    Vector la(zs.size());
    for (Index j = 0; j < rows_.effects[0].q; ++j) {
        const auto own = [&](const Vector& all) { return all.segment(j * k, k); };
        const auto A = system_->A(0, j);
        Matrix m = sandwich(l0, A);
        m.diagonal().array() += 1.0;
        cholesky_in_place(m);
        const Vector rhs = l0.transpose().lazyProduct(own(zs)) + own(sums.by_u);
        const Vector a = solve_upper(m.transpose(), solve_upper(m.transpose(), rhs, true));
        const Vector mode = l0.transpose().lazyProduct(own(mode_.v));
        la.segment(j * k, k) = l0.lazyProduct(a);
        Matrix& by_lambda = sums.by_lambda[at(j)];
        by_lambda += 2.0 * A.lazyProduct(l0.lazyProduct(sums.by_m[at(j)]).eval());
        by_lambda += (own(zs) - A.lazyProduct(own(la))).lazyProduct(mode.transpose());
        by_lambda += own(g).lazyProduct(a.transpose());
        whole += by_lambda;
    }
    out.lambda.push_back(whole);
    out.levels = {std::move(sums.by_lambda)};
    out.rows = s;
    for (std::size_t c = 0; c < at(rows_.predictors); ++c)
        for (std::size_t i = 0; i < at(rows_.n); ++i) out.rows[c][i] -= 2.0 * sums.mean_score[c][i];
    subtract_response(la, out.rows);
    out.beta = rows_.fixed_score(out.rows);
    return sums.total;
}

}  // namespace partialpool::generalized
