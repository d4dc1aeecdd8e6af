#include "partialpool/generalized/hermite.hpp"
#include "partialpool/generalized/problem.hpp"

// Adaptive Gauss-Hermite quadrature around the modes of one grouping factor, with the exact
// derivative of the approximation itself: nodes move with the mode and the curvature there.

namespace partialpool::generalized {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

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
    Matrix out = a.triangularView<Eigen::Lower>();
    out.diagonal() *= 0.5;
    return out;
}

}  // namespace

double GeneralizedProblem::quadrature(const std::vector<Matrix>& lambda, int nodes,
                                      bool derivatives, Adjoint& out) {
    const auto& block = rows_.effects[0];
    const Index k = block.k, d = rows_.predictors;
    const Matrix& l0 = lambda[0];
    const HermiteGrid grid = hermite_grid(nodes, k);
    const Index points = grid.log_weights.size();
    const double log_pi = std::log(std::acos(-1.0)), root2 = std::sqrt(2.0);
    const Vector g = rows_.effects_score(state_.first);

    double total = 0.0;
    Matrix by_lambda = Matrix::Zero(k, k);
    std::vector<Matrix> by_m(at(block.q));    // d f_j / d M_j
    Vector by_u = Vector::Zero(block.q * k);  // d f_j / d mode
    PerPredictor mean_score;                  // sum_q p_q r_q
    for (Index a = 0; a < d; ++a) mean_score[at(a)].assign(at(rows_.n), 0.0);

    // Values and scores of a few levels at all nodes.
    std::vector<double> eta[max_predictors], value, first[max_predictors];
    for (Index j = 0; j < block.q; ++j) {
        const Index begin = rows_.level_start[at(j)];
        const Index size = rows_.level_start[at(j) + 1] - begin;
        Matrix m = sandwich(l0, system_->A(0, j));
        m.diagonal().array() += 1.0;
        Matrix lower = m;
        if (!cholesky_in_place(lower)) return std::numeric_limits<double>::infinity();
        const Matrix inverse = solve_upper(lower.transpose(), Matrix::Identity(k, k), true);
        const Vector mode = l0.transpose() * mode_.v.segment(j * k, k);
        const Matrix u = (root2 * inverse.transpose() * grid.nodes).colwise() + mode;
        const Matrix b = l0 * u;

        value.resize(at(size * points));
        for (Index a = 0; a < d; ++a) {
            eta[a].resize(at(size * points));
            first[a].resize(at(size * points));
        }
        Vector log_terms(points);
        for (Index q = 0; q < points; ++q) {
            for (Index a = 0; a < d; ++a)
                std::copy_n(state_.fixed[at(a)].begin() + begin, size, eta[a].begin() + q * size);
            for (Index i = 0; i < size; ++i)
                for (Index c = 0; c < k; ++c)
                    eta[block.predictor[at(c)]][at(q * size + i)] +=
                        block.row(begin + i)[c] * b(c, q);
            const double* at_node[max_predictors]{};
            RowDerivatives to{};
            to.value = value.data() + q * size;
            for (Index a = 0; a < d; ++a) {
                at_node[a] = eta[a].data() + q * size;
                to.first[at(a)] = derivatives ? first[a].data() + q * size : nullptr;
            }
            density_->evaluate(begin, size, at_node, derivatives ? 1 : 0, true, to);
            double sum = 0.0;
            for (Index i = 0; i < size; ++i) sum += to.value[i];
            log_terms(q) = sum - 0.5 * u.col(q).squaredNorm() + grid.log_weights(q);
        }
        const double top = log_terms.maxCoeff();
        Vector p = (log_terms.array() - top).exp();
        const double sum = p.sum();
        p /= sum;
        total += -2.0 * (top + std::log(sum)) + 2.0 * lower.diagonal().array().log().sum() +
                 static_cast<double>(k) * log_pi;
        if (!derivatives) continue;

        Matrix moments = Matrix::Zero(k, k);
        Vector slope = Vector::Zero(k);
        for (Index q = 0; q < points; ++q) {
            if (p(q) < 1e-300) continue;
            Vector score = Vector::Zero(k);
            for (Index i = 0; i < size; ++i) {
                for (Index c = 0; c < k; ++c)
                    score(c) +=
                        block.row(begin + i)[c] * first[block.predictor[at(c)]][at(q * size + i)];
                for (Index a = 0; a < d; ++a)
                    mean_score[at(a)][at(begin + i)] += p(q) * first[a][at(q * size + i)];
            }
            const Vector v = -2.0 * (l0.transpose() * score - u.col(q));
            slope += p(q) * v;
            moments += p(q) * v * grid.nodes.col(q).transpose();
            by_lambda -= 2.0 * p(q) * score * u.col(q).transpose();
        }
        const Matrix low = half_lower((root2 * inverse * moments).transpose());
        by_m[at(j)] = inverse.transpose() *
                      (Matrix::Identity(k, k) - 0.5 * (low + low.transpose())) * inverse;
        by_u.segment(j * k, k) = slope;
    }
    if (!derivatives || !std::isfinite(total)) return total;

    PerPredictor s;
    for (Index a = 0; a < d; ++a) s[at(a)].assign(at(rows_.n), 0.0);
    for (Index i = 0; i < rows_.n; ++i) {
        const Matrix inner = l0 * by_m[at(block.codes[at(i)])] * l0.transpose();
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
        const Vector rhs = l0.transpose() * zs.segment(j * k, k) + by_u.segment(j * k, k);
        const Vector a = solve_upper(m.transpose(), solve_upper(m.transpose(), rhs, true));
        const Vector mode = l0.transpose() * mode_.v.segment(j * k, k);
        la.segment(j * k, k) = l0 * a;
        by_lambda += 2.0 * A * l0 * by_m[at(j)] + zs.segment(j * k, k) * mode.transpose() +
                     g.segment(j * k, k) * a.transpose() -
                     A * la.segment(j * k, k) * mode.transpose();
    }
    out.lambda.push_back(by_lambda);
    out.beta = -2.0 * rows_.fixed_score(mean_score) + rows_.fixed_score(s) - fixed_response(la);
    return total;
}

}  // namespace partialpool::generalized
