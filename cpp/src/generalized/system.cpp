#include "partialpool/generalized/system.hpp"

namespace partialpool::generalized {
namespace {

/// to += x from, for m numbers.
inline void add(double x, const double* from, double* to, Index m) {
    for (Index c = 0; c < m; ++c) to[c] += x * from[c];
}

/// out += [0 V'; V 0] in for scalar effects and one column: the inner loop of every step.
void add_scalar_pairs(const Pairs& pairs, Index q, const double* in_left, const double* in_right,
                      double* out_left, double* out_right) {
    for (Index l = 0; l < q; ++l) {
        const double own = in_left[l];
        double sum = 0.0;
        for (Index i = pairs.ptr[at(l)]; i < pairs.ptr[at(l) + 1]; ++i) {
            const auto other = pairs.other[at(i)];
            sum += pairs.values[at(i)] * in_right[other];
            out_right[other] += pairs.values[at(i)] * own;
        }
        out_left[l] += sum;
    }
}

}  // namespace

PenalisedSystem::PenalisedSystem(const ModelRows& rows)
    : rows_(rows),
      cp_(rows.pattern()),
      layout_(make_layout(cp_)),
      contacts_(make_contacts(cp_, layout_)),
      P_(at(q1() * k1() * k1())) {
    if (cp_.n_blocks() == 1) return;
    bool sparse = false;
    rest_ = make_rest(cp_, layout_, contacts_, sparse);
}

bool PenalisedSystem::eliminate(const Matrix& lambda) {
    const Index k = k1();
    LogProduct pivots;
    Matrix m(k, k);
    for (Index j = 0; j < q1(); ++j) {
        RowMap p(P_.data() + j * k * k, k, k);
        if (k == 1) {
            const double l = lambda(0, 0), x = l * l * cp_.blocks[0].A[at(j)] + 1.0;
            if (!(x > 0.0)) return false;
            pivots.multiply(x);
            p(0, 0) = l / std::sqrt(x);
        } else {
            m = sandwich(lambda, cp_.blocks[0].a(j));
            m.diagonal().array() += 1.0;
            if (!cholesky_in_place(m)) return false;
            for (Index r = 0; r < k; ++r) pivots.multiply(m(r, r) * m(r, r));
            // P = Lambda L^-T, row by row: L p' = lambda'.
            for (Index r = 0; r < k; ++r)
                for (Index c = 0; c < k; ++c) {
                    double sum = lambda(r, c);
                    for (Index s = 0; s < c; ++s) sum -= p(r, s) * m(c, s);
                    p(r, c) = sum / m(c, c);
                }
        }
        if (!rest_) continue;
        RowMap u(contacts_.u.data() + contacts_.ptr[at(j)] * k, contacts_.count(j), k);
        if (k == 1)
            u = contacts_.A(j) * p(0, 0);
        else
            u = contacts_.A(j).lazyProduct(p);
    }
    logdet_ = pivots.value();
    return true;
}

bool PenalisedSystem::factor(const std::vector<Matrix>& lambda) {
    lambda_ = lambda;
    if (rest_) refill(cp_, layout_, contacts_);
    if (!eliminate(lambda[0])) return false;
    if (rest_) {
        rest_->refill(cp_);
        rest_->form(contacts_);
        if (!rest_->factor({lambda.begin() + 1, lambda.end()})) return false;
        logdet_ += rest_->log_determinant();
    }
    return std::isfinite(logdet_);
}

// Several right-hand sides stand side by side in a row: what is done to one row of a level is
// then one run over memory.

Matrix PenalisedSystem::solve(const Matrix& r) const {
    const Index k = k1(), m = r.cols();
    RowMatrix out = r;
    std::vector<double> w(at(k * m));
    for (Index j = 0; j < q1(); ++j) {
        // w = P_j'r_j, kept in `out` until the rest is known.
        const auto p = P(j);
        double* own = out.data() + j * k * m;
        std::fill(w.begin(), w.end(), 0.0);
        for (Index i = 0; i < k; ++i)
            for (Index s = 0; s < k; ++s) add(p(i, s), own + i * m, w.data() + s * m, m);
        std::copy(w.begin(), w.end(), own);
        if (!rest_) continue;
        const double* u = contacts_.u.data() + contacts_.ptr[at(j)] * k;
        const auto* cols = contacts_.cols(j);
        double* others = out.data() + q1() * k * m;
        if (k == 1 && m == 1) {
            for (Index i = 0; i < contacts_.count(j); ++i) others[cols[i]] -= u[i] * own[0];
            continue;
        }
        for (Index i = 0; i < contacts_.count(j); ++i)
            for (Index s = 0; s < k; ++s) add(-u[i * k + s], own + s * m, others + cols[i] * m, m);
    }
    if (rest_) {
        Matrix rest = out.bottomRows(layout_.m);
        multiply_levels(layout_, rest_lambda(), true, rest);
        rest_->half_solve(rest);
        rest_->back_solve(rest);
        multiply_levels(layout_, rest_lambda(), false, rest);
        out.bottomRows(layout_.m) = rest;
    }
    for (Index j = 0; j < q1(); ++j) {
        const auto p = P(j);
        double* own = out.data() + j * k * m;
        std::copy(own, own + k * m, w.begin());
        if (rest_) {
            const double* u = contacts_.u.data() + contacts_.ptr[at(j)] * k;
            const auto* cols = contacts_.cols(j);
            const double* others = out.data() + q1() * k * m;
            if (k == 1 && m == 1)
                for (Index i = 0; i < contacts_.count(j); ++i) w[0] -= u[i] * others[cols[i]];
            else
                for (Index i = 0; i < contacts_.count(j); ++i)
                    for (Index s = 0; s < k; ++s)
                        add(-u[i * k + s], others + cols[i] * m, w.data() + s * m, m);
        }
        std::fill(own, own + k * m, 0.0);
        for (Index i = 0; i < k; ++i)
            for (Index s = 0; s < k; ++s) add(p(i, s), w.data() + s * m, own + i * m, m);
    }
    return out;
}

Matrix PenalisedSystem::multiply(const Matrix& b) const {
    const Index m = b.cols();
    const RowMatrix in = b;
    RowMatrix out = RowMatrix::Zero(b.rows(), m);
    for (std::size_t t = 0; t < rows_.effects.size(); ++t) {
        const auto& block = rows_.effects[t];
        const Index k = block.k;
        for (Index l = 0; l < block.q; ++l) {
            const double* a = cp_.blocks[t].A.data() + l * k * k;
            const Index first = (block.first + l * k) * m;
            for (Index r = 0; r < k; ++r)
                for (Index s = 0; s < k; ++s)
                    add(a[r * k + s], in.data() + first + s * m, out.data() + first + r * m, m);
        }
    }
    for (std::size_t t = 0, e = 0; t < rows_.effects.size(); ++t)
        for (std::size_t u = t + 1; u < rows_.effects.size(); ++u, ++e) {
            const auto &left = rows_.effects[t], &right = rows_.effects[u];
            const auto& pairs = cp_.pairs[e];
            const Index kl = left.k, kr = right.k;
            if (kl == 1 && kr == 1 && m == 1) {
                add_scalar_pairs(pairs, left.q, in.data() + left.first, in.data() + right.first,
                                 out.data() + left.first, out.data() + right.first);
                continue;
            }
            for (Index l = 0; l < left.q; ++l)
                for (Index i = pairs.ptr[at(l)]; i < pairs.ptr[at(l) + 1]; ++i) {
                    const double* v = pairs.values.data() + i * kl * kr;
                    const Index to_left = (left.first + l * kl) * m;
                    const Index to_right = (right.first + pairs.other[at(i)] * kr) * m;
                    for (Index r = 0; r < kr; ++r)
                        for (Index s = 0; s < kl; ++s) {
                            const Index a = to_left + s * m, c = to_right + r * m;
                            add(v[r * kl + s], in.data() + c, out.data() + a, m);
                            add(v[r * kl + s], in.data() + a, out.data() + c, m);
                        }
                }
        }
    return out;
}

}  // namespace partialpool::generalized
