#include "partialpool/single_factor.hpp"

namespace partialpool {

template <int K>
void SingleFactor::eliminate(const double* lambda, Index chunk, Part& part) {
    const Index k = K ? K : k_, width = width_, kk = k * k;
    const Block& block = cp_.blocks[0];
    const Index end = std::min(block.q, (chunk + 1) * levels_per_chunk);
    std::vector<double> scratch(static_cast<std::size_t>(3 * kk + k * width));
    double* la = scratch.data();  // Lambda'A
    double* m = la + kk;          // Lambda'A Lambda + I, then its factor
    double* inv = m + kk;         // L^-1
    double* v = inv + kk;         // L^-1 Lambda'B
    part.c.setZero(width, width);
    LogProduct pivots;
    for (Index l = chunk * levels_per_chunk; l < end; ++l) {
        const double* a = block.A.data() + l * kk;
        const double* b = block.B.data() + l * k * width;
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s) {
                double sum = 0.0;
                for (Index t = r; t < k; ++t) sum += lambda[t * k + r] * a[t * k + s];
                la[r * k + s] = sum;
            }
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s <= r; ++s) {
                double sum = r == s ? 1.0 : 0.0;
                for (Index t = s; t < k; ++t) sum += la[r * k + t] * lambda[t * k + s];
                m[r * k + s] = sum;
            }
        for (Index j = 0; j < k; ++j) {
            double pivot = m[j * k + j];
            for (Index t = 0; t < j; ++t) pivot -= m[j * k + t] * m[j * k + t];
            // Not (pivot > 0): a NaN slips past pivot <= 0.
            if (!(pivot > 0.0)) {
                part.ok = false;
                return;
            }
            pivots.multiply(pivot);
            pivot = std::sqrt(pivot);
            m[j * k + j] = pivot;
            for (Index i = j + 1; i < k; ++i) {
                double x = m[i * k + j];
                for (Index t = 0; t < j; ++t) x -= m[i * k + t] * m[j * k + t];
                m[i * k + j] = x / pivot;
            }
        }
        for (Index c = 0; c < k; ++c)
            for (Index r = 0; r < k; ++r) {
                double x = r == c ? 1.0 : 0.0;
                for (Index t = c; t < r; ++t) x -= m[r * k + t] * inv[t * k + c];
                inv[r * k + c] = r < c ? 0.0 : x / m[r * k + r];
            }
        // P = Lambda L^-T, so that P P' = Lambda M^-1 Lambda' and V = P'B.
        double* p = P_.data() + l * kk;
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s) {
                double sum = 0.0;
                for (Index t = 0; t <= std::min(r, s); ++t)
                    sum += lambda[r * k + t] * inv[s * k + t];
                p[r * k + s] = sum;
            }
        for (Index r = 0; r < k; ++r)
            for (Index c = 0; c < width; ++c) {
                double sum = 0.0;
                for (Index t = 0; t < k; ++t) sum += p[t * k + r] * b[t * width + c];
                v[r * width + c] = sum;
            }
        for (Index r = 0; r < k; ++r)
            for (Index i = 0; i < width; ++i)
                for (Index j = 0; j <= i; ++j) part.c(i, j) += v[r * width + i] * v[r * width + j];
    }
    part.logdet = pivots.value();
}

template <int K>
void SingleFactor::differentiate(const Vector& beta_y, const double* root, bool reml, Level level,
                                 Index chunk, Part& part) {
    const Index k = K ? K : k_, width = width_, p = width - 1, kk = k * k;
    const Block& block = cp_.blocks[0];
    const Index end = std::min(block.q, (chunk + 1) * levels_per_chunk);
    const bool second = level >= Level::average, exact = level == Level::exact;
    part.n.setZero(k, k);
    part.gg.setZero(k, k);
    part.ff.setZero(k, k);
    if (second) {
        part.t2.assign(static_cast<std::size_t>(kk * kk), 0.0);
        part.phi.assign(static_cast<std::size_t>(p * kk), 0.0);
    }
    if (exact) {
        part.t1.assign(static_cast<std::size_t>(kk * kk), 0.0);
        if (reml) {
            part.r1.assign(static_cast<std::size_t>(kk * kk), 0.0);
            part.r2.assign(static_cast<std::size_t>(p * p * kk), 0.0);
        }
    }
    std::vector<double> scratch(static_cast<std::size_t>(4 * kk + 2 * k + 2 * k * p));
    double* d = scratch.data();
    double* n = d + kk;
    double* ff = n + kk;
    double* kj = ff + kk;
    double* by = kj + kk;
    double* g = by + k;
    double* fx = g + k;  // D B_X, then times root
    double* f = fx + k * p;
    for (Index l = chunk * levels_per_chunk; l < end; ++l) {
        const double* a = block.A.data() + l * kk;
        const double* b = block.B.data() + l * k * width;
        const double* pl = P_.data() + l * kk;
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s) {
                double sum = 0.0;
                for (Index t = 0; t < k; ++t) sum += pl[r * k + t] * pl[s * k + t];
                kj[r * k + s] = sum;
            }
        for (Index r = 0; r < k; ++r) {
            double sum = 0.0;
            for (Index c = 0; c < width; ++c) sum += b[r * width + c] * beta_y[c];
            by[r] = sum;
            for (Index s = 0; s < k; ++s) {
                double x = r == s ? 1.0 : 0.0;
                for (Index t = 0; t < k; ++t) x -= a[r * k + t] * kj[t * k + s];
                d[r * k + s] = x;
            }
        }
        for (Index r = 0; r < k; ++r) {
            double sum = 0.0;
            for (Index t = 0; t < k; ++t) sum += d[r * k + t] * by[t];
            g[r] = sum;
            for (Index s = 0; s < k; ++s) {
                double x = 0.0;
                for (Index t = 0; t < k; ++t) x += d[r * k + t] * a[t * k + s];
                n[r * k + s] = x;
            }
        }
        for (Index r = 0; r < k; ++r)
            for (Index c = 0; c < p; ++c) {
                double x = 0.0;
                for (Index t = 0; t < k; ++t) x += d[r * k + t] * b[t * width + c];
                fx[r * p + c] = x;
            }
        // root is upper triangular (row major): F = D B_X root, so F F' = D B_X C_x B_X'D'.
        for (Index r = 0; r < k; ++r)
            for (Index c = 0; c < p; ++c) {
                double x = 0.0;
                for (Index t = 0; t <= c; ++t) x += fx[r * p + t] * root[t * p + c];
                f[r * p + c] = x;
            }
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s) {
                double x = 0.0;
                if (reml)
                    for (Index c = 0; c < p; ++c) x += f[r * p + c] * f[s * p + c];
                ff[r * k + s] = x;
                part.n(r, s) += n[r * k + s];
                part.gg(r, s) += g[r] * g[s];
                part.ff(r, s) += x;
            }
        if (!second) continue;
        for (Index rs = 0; rs < kk; ++rs)
            for (Index c = 0; c < k; ++c)
                for (Index t = 0; t < k; ++t)
                    part.t2[static_cast<std::size_t>(rs * kk + c * k + t)] += n[rs] * g[c] * g[t];
        for (Index i = 0; i < p; ++i)
            for (Index r = 0; r < k; ++r)
                for (Index c = 0; c < k; ++c)
                    part.phi[static_cast<std::size_t>(i * kk + r * k + c)] += f[r * p + i] * g[c];
        if (!exact) continue;
        for (Index rs = 0; rs < kk; ++rs)
            for (Index ct = 0; ct < kk; ++ct)
                part.t1[static_cast<std::size_t>(rs * kk + ct)] += n[rs] * n[ct];
        if (!reml) continue;
        for (Index rs = 0; rs < kk; ++rs)
            for (Index ct = 0; ct < kk; ++ct)
                part.r1[static_cast<std::size_t>(rs * kk + ct)] += n[rs] * ff[ct];
        for (Index i = 0; i < p; ++i)
            for (Index j = 0; j < p; ++j)
                for (Index r = 0; r < k; ++r)
                    for (Index c = 0; c < k; ++c)
                        part.r2[static_cast<std::size_t>((i * p + j) * kk + r * k + c)] +=
                            f[r * p + i] * f[c * p + j];
    }
}

template <int K>
bool SingleFactor::evaluate_k(const Matrix& lambda, const Likelihood& likelihood, Level level,
                              Pieces& out) {
    const RowMatrix lambda_rows = lambda;
    for_chunks(n_chunks_, [&](Index chunk) {
        auto& part = parts_[static_cast<std::size_t>(chunk)];
        part.ok = true;
        eliminate<K>(lambda_rows.data(), chunk, part);
    });
    RowMatrix c_star = cp_.C;
    out.logdet_v = 0.0;
    out.ok = false;
    for (const auto& part : parts_) {
        if (!part.ok) return false;
        out.logdet_v += part.logdet;
        c_star -= RowMatrix(part.c.selfadjointView<Eigen::Lower>());
    }
    if (!finish_border(c_star, cp_, likelihood, out)) return false;
    out.ok = true;
    if (level == Level::value) return true;

    Vector beta_y(width_);
    beta_y.head(cp_.p) = -out.beta;
    beta_y(cp_.p) = 1.0;
    const RowMatrix root = out.root;
    for_chunks(n_chunks_, [&](Index chunk) {
        differentiate<K>(beta_y, root.data(), likelihood.reml, level, chunk,
                         parts_[static_cast<std::size_t>(chunk)]);
    });
    total_ = parts_[0];
    const auto add = [](std::vector<double>& sum, const std::vector<double>& x) {
        for (std::size_t i = 0; i < x.size(); ++i) sum[i] += x[i];
    };
    for (std::size_t i = 1; i < parts_.size(); ++i) {
        const auto& part = parts_[i];
        total_.n += part.n;
        total_.gg += part.gg;
        total_.ff += part.ff;
        if (level >= Level::average) {
            add(total_.t2, part.t2);
            add(total_.phi, part.phi);
        }
        if (level == Level::exact) {
            add(total_.t1, part.t1);
            add(total_.r1, part.r1);
            add(total_.r2, part.r2);
        }
    }
    out.information.assign(1, total_.n - total_.ff);
    out.outer.assign(1, total_.gg);
    return true;
}

bool SingleFactor::evaluate(const std::vector<Matrix>& lambda, const Likelihood& likelihood,
                            Level level, Pieces& out) {
    switch (k_) {
        case 1: return evaluate_k<1>(lambda[0], likelihood, level, out);
        case 2: return evaluate_k<2>(lambda[0], likelihood, level, out);
        case 3: return evaluate_k<3>(lambda[0], likelihood, level, out);
        case 4: return evaluate_k<4>(lambda[0], likelihood, level, out);
        default: return evaluate_k<0>(lambda[0], likelihood, level, out);
    }
}

Curvature SingleFactor::curvature(const std::vector<Direction>& directions,
                                  const Likelihood& likelihood, Level level) const {
    const auto m = static_cast<Index>(directions.size());
    const Index k = k_, kk = k * k, p = cp_.p;
    Curvature out{Matrix::Zero(m, m), Vector::Zero(m), Matrix()};
    // tensor[rs][ct] contracted with E_b over (s, t): a k x k matrix over (r, c).
    const auto contract = [&](const std::vector<double>& tensor, const Matrix& e) {
        Matrix x = Matrix::Zero(k, k);
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s)
                for (Index c = 0; c < k; ++c)
                    for (Index t = 0; t < k; ++t)
                        x(r, c) += tensor[static_cast<std::size_t>((r * k + s) * kk + c * k + t)] *
                                   e(s, t);
        return x;
    };
    const auto inner = [&](const std::vector<double>& tensor, Index row, const Matrix& e) {
        double x = 0.0;
        for (Index r = 0; r < k; ++r)
            for (Index c = 0; c < k; ++c)
                x += tensor[static_cast<std::size_t>(row * kk + r * k + c)] * e(r, c);
        return x;
    };
    Matrix phi(p, m);
    for (Index a = 0; a < m; ++a) {
        const Matrix& e = directions[static_cast<std::size_t>(a)].e;
        out.c(a) = e.cwiseProduct(total_.gg).sum();
        for (Index i = 0; i < p; ++i) phi(i, a) = inner(total_.phi, i, e);
    }
    const bool exact = level == Level::exact;
    if (exact) out.tau = Matrix::Zero(m, m);
    for (Index b = 0; b < m; ++b) {
        const Matrix& eb = directions[static_cast<std::size_t>(b)].e;
        const Matrix t2 = contract(total_.t2, eb);
        const Matrix t1 = exact ? contract(total_.t1, eb) : Matrix();
        const Matrix r1 = exact && likelihood.reml ? contract(total_.r1, eb) : Matrix();
        for (Index a = 0; a < m; ++a) {
            const Matrix& ea = directions[static_cast<std::size_t>(a)].e;
            out.q(a, b) = ea.cwiseProduct(t2).sum();
            if (!exact) continue;
            out.tau(a, b) += ea.cwiseProduct(t1).sum();
            if (!likelihood.reml) continue;
            // tr(N E_a R E_b) + tr(R E_a N E_b), the second by exchange of a and b.
            const double x = ea.cwiseProduct(r1).sum();
            out.tau(a, b) -= x;
            out.tau(b, a) -= x;
        }
    }
    out.q -= phi.transpose() * phi;
    if (exact && likelihood.reml) {
        Matrix x(p * p, m);
        for (Index a = 0; a < m; ++a)
            for (Index ij = 0; ij < p * p; ++ij)
                x(ij, a) = inner(total_.r2, ij, directions[static_cast<std::size_t>(a)].e);
        // X_a is symmetric, so tr(X_a X_b) is the product of the entries.
        out.tau += x.transpose() * x;
    }
    return out;
}

}  // namespace partialpool
