#include "partialpool/generalized/system.hpp"

namespace partialpool::generalized {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

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

Matrix PenalisedSystem::solve(const Matrix& r) const {
    const Index k = k1();
    Matrix out(r.rows(), r.cols());
    // w_j = P_j'r_j, kept in `out` until the rest is known.
    Matrix rest = r.bottomRows(layout_.m);
    for (Index j = 0; j < q1(); ++j) {
        const auto p = P(j);
        for (Index c = 0; c < r.cols(); ++c) {
            const double* from = r.data() + c * r.rows() + j * k;
            double* w = out.data() + c * r.rows() + j * k;
            for (Index s = 0; s < k; ++s) {
                w[s] = 0.0;
                for (Index i = 0; i < k; ++i) w[s] += p(i, s) * from[i];
            }
            if (!rest_) continue;
            const auto u = contacts_.U(j);
            const auto* cols = contacts_.cols(j);
            for (Index i = 0; i < contacts_.count(j); ++i)
                for (Index s = 0; s < k; ++s) rest(cols[i], c) -= u(i, s) * w[s];
        }
    }
    if (rest_) {
        multiply_levels(layout_, rest_lambda(), true, rest);
        rest_->half_solve(rest);
        rest_->back_solve(rest);
        multiply_levels(layout_, rest_lambda(), false, rest);
        out.bottomRows(layout_.m) = rest;
    }
    std::vector<double> w(at(k));
    for (Index j = 0; j < q1(); ++j) {
        const auto p = P(j);
        for (Index c = 0; c < r.cols(); ++c) {
            double* b = out.data() + c * r.rows() + j * k;
            std::copy(b, b + k, w.begin());
            if (rest_) {
                const auto u = contacts_.U(j);
                const auto* cols = contacts_.cols(j);
                for (Index i = 0; i < contacts_.count(j); ++i)
                    for (Index s = 0; s < k; ++s) w[at(s)] -= u(i, s) * rest(cols[i], c);
            }
            for (Index i = 0; i < k; ++i) {
                b[i] = 0.0;
                for (Index s = 0; s < k; ++s) b[i] += p(i, s) * w[at(s)];
            }
        }
    }
    return out;
}

Matrix PenalisedSystem::multiply(const Matrix& b) const {
    Matrix out(b.rows(), b.cols());
    for (std::size_t t = 0; t < rows_.effects.size(); ++t) {
        const auto& block = rows_.effects[t];
        const Index k = block.k;
        for (Index c = 0; c < b.cols(); ++c)
            for (Index l = 0; l < block.q; ++l) {
                const double* a = cp_.blocks[t].A.data() + l * k * k;
                const double* from = b.data() + c * b.rows() + block.first + l * k;
                double* to = out.data() + c * b.rows() + block.first + l * k;
                for (Index r = 0; r < k; ++r) {
                    to[r] = 0.0;
                    for (Index s = 0; s < k; ++s) to[r] += a[r * k + s] * from[s];
                }
            }
    }
    for (std::size_t t = 0, e = 0; t < rows_.effects.size(); ++t)
        for (std::size_t u = t + 1; u < rows_.effects.size(); ++u, ++e) {
            const auto &left = rows_.effects[t], &right = rows_.effects[u];
            const auto& pairs = cp_.pairs[e];
            const Index kl = left.k, kr = right.k;
            for (Index l = 0; l < left.q; ++l)
                for (Index i = pairs.ptr[at(l)]; i < pairs.ptr[at(l) + 1]; ++i) {
                    const double* v = pairs.values.data() + i * kl * kr;
                    const Index to_left = left.first + l * kl;
                    const Index to_right = right.first + pairs.other[at(i)] * kr;
                    for (Index c = 0; c < b.cols(); ++c)
                        for (Index r = 0; r < kr; ++r)
                            for (Index s = 0; s < kl; ++s) {
                                out(to_left + s, c) += v[r * kl + s] * b(to_right + r, c);
                                out(to_right + r, c) += v[r * kl + s] * b(to_left + s, c);
                            }
                }
        }
    return out;
}

void PenalisedSystem::invert() {
    if (!rest_) return;
    rest_->invert();
    scaled_u_ = scale_contacts(contacts_, layout_, rest_lambda(), contacts_.u);
}

Matrix PenalisedSystem::information(Index t) const {
    if (t > 0) return partialpool::information(*rest_, t - 1, lambda_[at(t)]);
    const Index k = k1();
    std::vector<double> forms;
    if (rest_) {
        forms.resize(at(q1() * k * k));
        rest_->contact_forms(contacts_,
                             scale_contacts(contacts_, layout_, rest_lambda(), contacts_.a), forms);
    }
    Matrix sum = Matrix::Zero(k, k), d(k, k);
    for (Index j = 0; j < q1(); ++j) {
        const auto a = cp_.blocks[0].a(j);
        if (k == 1) {
            const double p = P_[at(j)], x = 1.0 - a(0, 0) * p * p;
            sum(0, 0) += x * a(0, 0);
            if (rest_) sum(0, 0) -= x * x * forms[at(j)];
            continue;
        }
        d = -a.lazyProduct(P(j)).eval().lazyProduct(P(j).transpose());
        d.diagonal().array() += 1.0;
        sum += d.lazyProduct(a);
        if (rest_) sum -= sandwich(d.transpose(), ConstRowMap(forms.data() + j * k * k, k, k));
    }
    return 0.5 * (sum + sum.transpose());
}

void PenalisedSystem::forms(std::array<std::vector<double>, 6>& h) const {
    for (const int a : rows_.random)
        for (const int b : rows_.random)
            if (a <= b) h[static_cast<std::size_t>(pair_of(a, b))].assign(at(rows_.n), 0.0);
    if (!rest_ && rows_.mean_only()) {
        const auto& block = rows_.effects[0];
        const Index k = block.k;
        for (Index i = 0; i < rows_.n; ++i) {
            const double *z = block.row(i), *p = P_.data() + block.codes[at(i)] * k * k;
            double sum = 0.0;
            for (Index s = 0; s < k; ++s) {
                double w = 0.0;
                for (Index r = 0; r < k; ++r) w += p[r * k + s] * z[r];
                sum += w * w;
            }
            h[0][at(i)] = sum;
        }
        return;
    }
    for (Index j = 0; j < q1(); ++j) level_forms(j, h);
}

/// With w = P_j'z_1 and y = Lambda_2'z_2 - (Lambda_2'U_j) w, z'Kz = w'w + y'S^-1 y.
void PenalisedSystem::level_forms(Index j, std::array<std::vector<double>, 6>& h) const {
    const auto& first = rows_.effects[0];
    const Index k = k1(), count = rest_ ? contacts_.count(j) : 0;
    Matrix inverse(count, count);
    Matrix su(count, k), t = Matrix::Identity(k, k);
    if (rest_) {
        rest_->gather(contacts_, j, inverse.data());
        const ConstRowMap u(scaled_u_.data() + contacts_.ptr[at(j)] * k, count, k);
        su = inverse.lazyProduct(u);
        t += u.transpose().lazyProduct(su);
    }
    const auto& random = rows_.random;
    std::vector<Vector> w(random.size(), Vector(k));
    std::vector<std::vector<std::pair<Index, double>>> y(random.size());
    Vector z(k);
    for (Index i = rows_.level_start[at(j)]; i < rows_.level_start[at(j) + 1]; ++i) {
        for (std::size_t a = 0; a < random.size(); ++a) {
            for (Index c = 0; c < k; ++c) z(c) = first.in(c, random[a]) ? first.row(i)[c] : 0.0;
            w[a] = P(j).transpose().lazyProduct(z);
            y[a].clear();
            for (std::size_t b = 1; b < rows_.effects.size(); ++b) {
                const auto& block = rows_.effects[b];
                for (Index c = 0; c < block.k; ++c) {
                    double sum = 0.0;
                    for (Index r = 0; r < block.k; ++r)
                        if (block.in(r, random[a])) sum += lambda_[b](r, c) * block.row(i)[r];
                    if (sum != 0.0) y[a].emplace_back(rows_.contact(i, b - 1) + c, sum);
                }
            }
        }
        for (std::size_t a = 0; a < random.size(); ++a)
            for (std::size_t b = a; b < random.size(); ++b) {
                double sum = w[a].dot(t.lazyProduct(w[b]));
                for (const auto& [r, x] : y[a]) {
                    for (const auto& [s, v] : y[b]) sum += x * v * inverse(r, s);
                    sum -= x * su.row(r).dot(w[b]);
                }
                for (const auto& [s, v] : y[b]) sum -= v * su.row(s).dot(w[a]);
                h[static_cast<std::size_t>(pair_of(random[a], random[b]))][at(i)] = sum;
            }
    }
}

std::vector<double> PenalisedSystem::diagonal_blocks(Index t) const {
    const Index k = cp_.blocks[at(t)].k, q = cp_.blocks[at(t)].q;
    std::vector<double> out(at(q * k * k));
    if (t > 0) {
        rest_->diagonal_blocks(t - 1, out.data());
        for (Index l = 0; l < q; ++l) {
            RowMap c(out.data() + l * k * k, k, k);
            c = (lambda_[at(t)] * c * lambda_[at(t)].transpose()).eval();
        }
        return out;
    }
    std::vector<double> forms;
    if (rest_) {
        forms.resize(at(q * k * k));
        rest_->contact_forms(contacts_, scaled_u_, forms);
    }
    for (Index j = 0; j < q; ++j) {
        RowMap c(out.data() + j * k * k, k, k);
        Matrix middle = Matrix::Identity(k, k);
        if (rest_) middle += ConstRowMap(forms.data() + j * k * k, k, k);
        c = P(j) * middle * P(j).transpose();
    }
    return out;
}

}  // namespace partialpool::generalized
