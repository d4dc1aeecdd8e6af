#include "partialpool/generalized/hermite.hpp"
#include "partialpool/generalized/problem.hpp"

// Adaptive Gauss-Hermite quadrature around the modes of one grouping factor, with the exact
// derivative of the approximation itself: nodes move with the mode and the curvature there.

namespace partialpool::generalized {
HermiteRule hermite_rule(int n) {
    Matrix jacobi = Matrix::Zero(n, n);
    for (int i = 1; i < n; ++i) jacobi(i, i - 1) = jacobi(i - 1, i) = std::sqrt(0.5 * i);
    HermiteRule out{eigen_symmetric(jacobi).values, Vector(n)};
    // Hermite functions psi_j: the weight times exp(x^2) is 1 / sum psi_j(x)^2, which neither
    // overflows nor loses digits at the outer nodes.
    for (int q = 0; q < n; ++q) {
        double& x = out.nodes(q);
        double sum = 0.0;
        for (int round = 0; round < 2; ++round) {
            double last = 0.0, psi = std::exp(-0.5 * x * x) / std::pow(std::acos(-1.0), 0.25);
            sum = 0.0;
            for (int j = 0; j < n; ++j) {
                sum += psi * psi;
                const double next =
                    x * std::sqrt(2.0 / (j + 1)) * psi - std::sqrt(j / (j + 1.0)) * last;
                last = psi;
                psi = next;
            }
            // One Newton step on psi_n, whose slope at a zero is sqrt(2 n) psi_{n-1}.
            if (round == 0 && last != 0.0) x -= psi / (std::sqrt(2.0 * n) * last);
        }
        out.log_weights(q) = -std::log(sum);
    }
    return out;
}

HermiteGrid hermite_grid(int n, Index k) {
    const HermiteRule rule = hermite_rule(n);
    Index points = 1;
    for (Index c = 0; c < k; ++c) points *= n;
    HermiteGrid out{Matrix(k, points), Vector::Zero(points)};
    for (Index q = 0; q < points; ++q) {
        Index rest = q;
        for (Index c = 0; c < k; ++c, rest /= n) {
            out.nodes(c, q) = rule.nodes(rest % n);
            out.log_weights(q) += rule.log_weights(rest % n);
        }
    }
    return out;
}

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

}  // namespace

double GeneralizedProblem::quadrature(const std::vector<Matrix>& lambda, int nodes,
                                      bool derivatives, Adjoint& out) {
    const auto& block = rows_.effects[0];
    const Index k = block.k, d = rows_.predictors;
    const Matrix& l0 = lambda[0];
    if (grid_.nodes.rows() != k || grid_nodes_ != nodes) {
        grid_ = hermite_grid(nodes, k);
        grid_nodes_ = nodes;
    }
    const Index points = grid_.log_weights.size();
    const double log_pi = std::log(std::acos(-1.0)), root2 = std::sqrt(2.0);
    const Vector g = rows_.effects_score(state_.first);

    double total = 0.0;
    Matrix by_lambda = Matrix::Zero(k, k);
    std::vector<Matrix> by_m(at(block.q));    // d f_j / d M_j
    Vector by_u = Vector::Zero(block.q * k);  // d f_j / d mode
    PerPredictor mean_score;                  // sum_q p_q r_q
    for (Index a = 0; a < d; ++a) mean_score[at(a)].assign(at(rows_.n), 0.0);

    NodeValues at_nodes;
    PerPredictor eta;
    std::vector<LevelNodes> levels;
    Vector log_terms(points), score(k), v(k);
    for (Index first = 0; first < block.q; first += static_cast<Index>(levels.size())) {
        levels.clear();
        at_nodes.begin = rows_.level_start[at(first)];
        Index j = first, end = at_nodes.begin;
        do {
            levels.push_back(place_nodes(l0, system_->A(0, j), mode_.v.segment(j * k, k), grid_));
            levels.back().begin = end;
            end = rows_.level_start[at(++j)];
            levels.back().size = end - levels.back().begin;
        } while (j < block.q &&
                 (rows_.level_start[at(j) + 1] - at_nodes.begin) * points <= most_values);
        at_nodes.size = end - at_nodes.begin;
        at_nodes.value.resize(at(at_nodes.size * points));
        for (std::size_t a = 0; a < at(d); ++a) {
            at_nodes.first[a].resize(at_nodes.value.size());
            eta[a].resize(at(at_nodes.size));
        }
        for (Index q = 0; q < points; ++q) {
            for (std::size_t a = 0; a < at(d); ++a)
                std::copy_n(state_.fixed[a].begin() + at_nodes.begin, at_nodes.size,
                            eta[a].begin());
            for (const LevelNodes& level : levels)
                for (Index c = 0; c < k; ++c) {
                    double* to =
                        eta[at(block.predictor[at(c)])].data() + (level.begin - at_nodes.begin);
                    for (Index i = 0; i < level.size; ++i)
                        to[i] += block.row(level.begin + i)[c] * level.b(c, q);
                }
            const double* from[max_predictors]{};
            RowDerivatives to{};
            to.value = at_nodes.value.data() + q * at_nodes.size;
            for (std::size_t a = 0; a < at(d); ++a) {
                from[a] = eta[a].data();
                if (derivatives) to.first[a] = at_nodes.first[a].data() + q * at_nodes.size;
            }
            density_->evaluate(at_nodes.begin, at_nodes.size, from, derivatives ? 1 : 0, true, to);
        }

        for (std::size_t l = 0; l < levels.size(); ++l) {
            const LevelNodes& level = levels[l];
            const Index own = (first + static_cast<Index>(l)) * k;
            for (Index q = 0; q < points; ++q) {
                const double* values = at_nodes.values(q, level);
                double sum = 0.0;
                for (Index i = 0; i < level.size; ++i) sum += values[i];
                log_terms(q) = sum - 0.5 * level.u.col(q).squaredNorm() + grid_.log_weights(q);
                // A node outside the range of the link has no density.
                if (!(log_terms(q) < 1e300)) log_terms(q) = -1e300;
            }
            const double top = log_terms.maxCoeff();
            Vector p = (log_terms.array() - top).exp();
            const double sum = p.sum();
            p /= sum;
            total += -2.0 * (top + std::log(sum)) + level.log_determinant +
                     static_cast<double>(k) * log_pi;
            if (!derivatives) continue;
            Matrix moments = Matrix::Zero(k, k);
            for (Index q = 0; q < points; ++q) {
                if (p(q) < 1e-300) continue;
                score.setZero();
                for (Index c = 0; c < k; ++c) {
                    const double* r = at_nodes.scores(at(block.predictor[at(c)]), q, level);
                    for (Index i = 0; i < level.size; ++i)
                        score(c) += block.row(level.begin + i)[c] * r[i];
                }
                for (std::size_t a = 0; a < at(d); ++a) {
                    const double* r = at_nodes.scores(a, q, level);
                    double* to = mean_score[a].data() + level.begin;
                    for (Index i = 0; i < level.size; ++i) to[i] += p(q) * r[i];
                }
                const auto u = level.u.col(q);
                v = u - l0.transpose().lazyProduct(score);
                by_u.segment(own, k) += 2.0 * p(q) * v;
                moments += (2.0 * p(q)) * v.lazyProduct(grid_.nodes.col(q).transpose());
                by_lambda -= (2.0 * p(q)) * score.lazyProduct(u.transpose());
            }
            const Matrix low =
                half_lower(root2 * moments.transpose().lazyProduct(level.inverse.transpose()));
            by_m[at(first) + l] = sandwich(
                level.inverse, Matrix(Matrix::Identity(k, k) - 0.5 * (low + low.transpose())));
        }
    }
    if (!derivatives || !std::isfinite(total)) return total;

    PerPredictor s;
    for (Index a = 0; a < d; ++a) s[at(a)].assign(at(rows_.n), 0.0);
    for (Index i = 0; i < rows_.n; ++i) {
        const Matrix inner = sandwich(l0.transpose(), by_m[at(block.codes[at(i)])]);
        for (Index r = 0; r < k; ++r)
            for (Index c = 0; c < k; ++c) {
                const double form = block.row(i)[r] * inner(r, c) * block.row(i)[c];
                for (Index a = 0; a < d; ++a) {
                    int x[3] = {block.predictor[at(r)], block.predictor[at(c)],
                                static_cast<int>(a)};
                    std::sort(x, x + 3);
                    s[at(a)][at(i)] -= form * state_.third[at(triple_of(x[0], x[1], x[2]))][at(i)];
                }
            }
    }
    const Vector zs = rows_.effects_score(s);
    Vector la(block.q * k);
    for (Index j = 0; j < block.q; ++j) {
        const auto A = system_->A(0, j);
        Matrix m = sandwich(l0, A);
        m.diagonal().array() += 1.0;
        cholesky_in_place(m);
        const Vector rhs =
            l0.transpose().lazyProduct(zs.segment(j * k, k)) + by_u.segment(j * k, k);
        const Vector a = solve_upper(m.transpose(), solve_upper(m.transpose(), rhs, true));
        const Vector mode = l0.transpose().lazyProduct(mode_.v.segment(j * k, k));
        la.segment(j * k, k) = l0.lazyProduct(a);
        const Matrix lm = l0.lazyProduct(by_m[at(j)]);
        const Vector al = A.lazyProduct(la.segment(j * k, k));
        by_lambda += 2.0 * A.lazyProduct(lm);
        by_lambda += (zs.segment(j * k, k) - al).lazyProduct(mode.transpose());
        by_lambda += g.segment(j * k, k).lazyProduct(a.transpose());
    }
    out.lambda.push_back(by_lambda);
    out.beta = -2.0 * rows_.fixed_score(mean_score) + rows_.fixed_score(s) - fixed_response(la);
    return total;
}

}  // namespace partialpool::generalized
