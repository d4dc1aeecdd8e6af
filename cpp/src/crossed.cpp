#include "partialpool/crossed.hpp"

#include "partialpool/rest_dense.hpp"
#include "partialpool/rest_sparse.hpp"

namespace partialpool {

namespace {

Matrix dense_a22(const CrossProducts& cp, const RestLayout& layout) {
    Matrix a22 = Matrix::Zero(layout.m, layout.m);
    for (Index t = 0; t < layout.n_blocks(); ++t) {
        const auto& block = cp.blocks[static_cast<std::size_t>(t) + 1];
        const Index k = block.k, at = layout.offset[static_cast<std::size_t>(t)];
        for (Index l = 0; l < block.q; ++l) a22.block(at + l * k, at + l * k, k, k) = block.a(l);
        for (Index u = t + 1; u < layout.n_blocks(); ++u) {
            const auto& pairs = cp.pair(t + 1, u + 1);
            const Index ku = layout.k[static_cast<std::size_t>(u)];
            const Index to = layout.offset[static_cast<std::size_t>(u)];
            for (Index l = 0; l < block.q; ++l)
                for (Index e = pairs.ptr[static_cast<std::size_t>(l)];
                     e < pairs.ptr[static_cast<std::size_t>(l) + 1]; ++e)
                    a22.block(to + pairs.other[static_cast<std::size_t>(e)] * ku, at + l * k, ku,
                              k) = ConstRowMap(pairs.values.data() + e * ku * k, ku, k);
        }
    }
    return a22;
}

/// a'ba for small matrices; Eigen's blocked product would be compiled for every pair of types.
template <class A, class B>
Matrix sandwich(const A& a, const B& b) {
    const Matrix right = b.lazyProduct(a);
    return a.transpose().lazyProduct(right);
}

/// May one divide by this triangular Lambda? Near singularity the quotient would be noise.
bool well_conditioned(const Matrix& lambda) {
    const Vector sizes = principal_axes(lambda).sizes;
    const double low = sizes(lambda.rows() - 1);
    return low > 1e-4 * sizes(0) && low > 1e-7;
}

}  // namespace

Crossed::Crossed(const CrossProducts& cp) : cp_(cp), width_(cp.p + 1) {
    for (Index t = 1; t < cp.n_blocks(); ++t) {
        const auto& block = cp.blocks[static_cast<std::size_t>(t)];
        layout_.offset.push_back(layout_.m);
        layout_.k.push_back(block.k);
        layout_.q.push_back(block.q);
        layout_.m += block.q * block.k;
    }
    contacts_.k = k1();
    contacts_.ptr.push_back(0);
    for (Index j = 0; j < q1(); ++j) {
        for (Index t = 0; t < layout_.n_blocks(); ++t) {
            const auto& pairs = cp.pair(0, t + 1);
            const Index k = layout_.k[static_cast<std::size_t>(t)];
            for (Index e = pairs.ptr[static_cast<std::size_t>(j)];
                 e < pairs.ptr[static_cast<std::size_t>(j) + 1]; ++e)
                for (Index r = 0; r < k; ++r) {
                    contacts_.columns.push_back(static_cast<std::int32_t>(
                        layout_.offset[static_cast<std::size_t>(t)] +
                        pairs.other[static_cast<std::size_t>(e)] * k + r));
                    const double* v = pairs.values.data() + (e * k + r) * k1();
                    contacts_.a.insert(contacts_.a.end(), v, v + k1());
                }
        }
        contacts_.ptr.push_back(static_cast<Index>(contacts_.columns.size()));
    }
    contacts_.u.resize(contacts_.a.size());
    P_.resize(static_cast<std::size_t>(q1() * k1() * k1()));
    V_.resize(static_cast<std::size_t>(q1() * k1() * width_));
    const double density = static_cast<double>(contacts_.columns.size()) /
                           (static_cast<double>(q1()) * static_cast<double>(layout_.m));
    if (auto pattern = find_pattern(cp, layout_, contacts_)) {
        sparse_ = true;
        rest_ = std::make_unique<SparseRest>(layout_, std::move(*pattern), cp, contacts_);
    } else {
        rest_ = make_dense_rest(layout_, dense_a22(cp, layout_), density > 0.25);
    }
}

bool Crossed::eliminate(const Matrix& lambda, double& logdet) {
    const Index k = k1(), width = width_, n_chunks = (q1() + 255) / 256;
    std::vector<double> logs(static_cast<std::size_t>(n_chunks), 0.0);
    std::vector<char> ok(static_cast<std::size_t>(n_chunks), 1);
    for_chunks(n_chunks, [&](Index chunk) {
        LogProduct pivots;
        Matrix m(k, k);
        for (Index j = chunk * 256; j < std::min(q1(), (chunk + 1) * 256); ++j) {
            RowMap p(P_.data() + j * k * k, k, k), v(V_.data() + j * k * width, k, width);
            if (k == 1) {
                const double x =
                    lambda(0, 0) * lambda(0, 0) * cp_.blocks[0].A[static_cast<std::size_t>(j)] +
                    1.0;
                if (!(x > 0.0)) {
                    ok[static_cast<std::size_t>(chunk)] = 0;
                    return;
                }
                pivots.multiply(x);
                p(0, 0) = lambda(0, 0) / std::sqrt(x);
                v = p(0, 0) * cp_.blocks[0].b(j, width);
            } else {
                m = sandwich(lambda, cp_.blocks[0].a(j));
                m.diagonal().array() += 1.0;
                if (!cholesky_in_place(m)) {
                    ok[static_cast<std::size_t>(chunk)] = 0;
                    return;
                }
                for (Index r = 0; r < k; ++r) pivots.multiply(m(r, r) * m(r, r));
                p = solve_upper(m.transpose(), lambda.transpose(), true).transpose();
                v = p.transpose().lazyProduct(cp_.blocks[0].b(j, width));
            }
            RowMap u(contacts_.u.data() + contacts_.ptr[static_cast<std::size_t>(j)] * k,
                     contacts_.count(j), k);
            if (k == 1)
                u = contacts_.A(j) * p(0, 0);
            else
                u = contacts_.A(j).lazyProduct(p);
        }
        logs[static_cast<std::size_t>(chunk)] = pivots.value();
    });
    logdet = 0.0;
    for (std::size_t c = 0; c < logs.size(); ++c) {
        if (!ok[c]) return false;
        logdet += logs[c];
    }
    return true;
}

void Crossed::scale_rest(Matrix& b) const {
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const Index k = layout_.k[static_cast<std::size_t>(t)];
        const Matrix transposed = lambda_[static_cast<std::size_t>(t) + 1].transpose();
        for (Index c = 0; c < b.cols(); ++c)
            for (Index l = 0; l < layout_.q[static_cast<std::size_t>(t)]; ++l) {
                auto rows =
                    b.col(c).segment(layout_.offset[static_cast<std::size_t>(t)] + l * k, k);
                if (k == 1)
                    rows *= transposed(0, 0);
                else
                    rows = transposed.lazyProduct(rows).eval();
            }
    }
}

/// B of the rest blocks, one under the other.
RowMatrix Crossed::rest_b() const {
    RowMatrix b(layout_.m, width_);
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const auto& block = cp_.blocks[static_cast<std::size_t>(t) + 1];
        b.middleRows(layout_.offset[static_cast<std::size_t>(t)], block.q * block.k) =
            ConstRowMap(block.B.data(), block.q * block.k, width_);
    }
    return b;
}

bool Crossed::evaluate(const std::vector<Matrix>& lambda, const Likelihood& likelihood, Level level,
                       Pieces& out) {
    out.ok = false;
    inverted_ = false;
    lambda_ = lambda;
    double logdet = 0.0;
    if (!eliminate(lambda[0], logdet)) return false;
    RowMatrix kx = rest_b();
    c_star_ = cp_.C;
    for (Index j = 0; j < q1(); ++j) {
        const ConstRowMap v(V_.data() + j * k1() * width_, k1(), width_);
        const auto u = contacts_.U(j);
        const auto* cols = contacts_.cols(j);
        for (Index r = 0; r < k1(); ++r) {
            for (Index i = 0; i < contacts_.count(j); ++i) kx.row(cols[i]) -= u(i, r) * v.row(r);
            for (Index i = 0; i < width_; ++i) c_star_.row(i) -= v(r, i) * v.row(r);
        }
    }
    kx_ = kx;
    rest_->form(contacts_);
    if (!rest_->factor({lambda.begin() + 1, lambda.end()})) return false;
    R_ = kx_;
    scale_rest(R_);
    rest_->half_solve(R_);
    const RowMatrix border = c_star_ - dense::multiply_transposed(R_, R_);
    if (!finish_border(border, cp_, likelihood, out)) return false;
    root_ = out.root;
    out.logdet_v = logdet + rest_->log_determinant();
    out.ok = std::isfinite(out.logdet_v);
    if (!out.ok || level == Level::value) return out.ok;
    Vector beta_y(width_);
    beta_y.head(cp_.p) = -out.beta;
    beta_y(cp_.p) = 1.0;
    effects(beta_y);
    gradient(likelihood, out);
    return true;
}

void Crossed::effects(const Vector& beta_y) {
    Matrix u2 = dense::multiply(R_, beta_y);
    rest_->back_solve(u2);
    b_.assign(static_cast<std::size_t>(cp_.n_blocks()), Vector());
    g_.assign(static_cast<std::size_t>(cp_.n_blocks()), Vector());
    Vector b2(layout_.m);
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const Index k = layout_.k[static_cast<std::size_t>(t)],
                    at = layout_.offset[static_cast<std::size_t>(t)];
        for (Index l = 0; l < layout_.q[static_cast<std::size_t>(t)]; ++l)
            b2.segment(at + l * k, k) = lambda_[static_cast<std::size_t>(t) + 1].lazyProduct(
                u2.col(0).segment(at + l * k, k));
        b_[static_cast<std::size_t>(t) + 1] =
            b2.segment(at, layout_.q[static_cast<std::size_t>(t)] * k);
    }
    Vector& b1 = b_[0];
    b1.resize(q1() * k1());
    for (Index j = 0; j < q1(); ++j) {
        Vector rhs = cp_.blocks[0].b(j, width_).lazyProduct(beta_y);
        const auto a = contacts_.A(j);
        const auto* cols = contacts_.cols(j);
        for (Index i = 0; i < contacts_.count(j); ++i) rhs -= b2(cols[i]) * a.row(i).transpose();
        b1.segment(j * k1(), k1()) = P(j).lazyProduct(P(j).transpose().lazyProduct(rhs).eval());
    }
    std::vector<Matrix> b;
    for (const auto& x : b_) b.emplace_back(x);
    const auto zzb = multiply(b);
    for (Index t = 0; t < cp_.n_blocks(); ++t) {
        const auto& block = cp_.blocks[static_cast<std::size_t>(t)];
        g_[static_cast<std::size_t>(t)] =
            ConstRowMap(block.B.data(), block.q * block.k, width_).lazyProduct(beta_y) -
            zzb[static_cast<std::size_t>(t)].col(0);
    }
}

/// Z'Z b for columns in random-effect coordinates.
std::vector<Matrix> Crossed::multiply(const std::vector<Matrix>& b) const {
    const Index columns = b[0].cols();
    std::vector<Matrix> out;
    for (Index t = 0; t < cp_.n_blocks(); ++t) {
        const auto& block = cp_.blocks[static_cast<std::size_t>(t)];
        Matrix x(block.q * block.k, columns);
        for (Index l = 0; l < block.q; ++l)
            x.middleRows(l * block.k, block.k) = block.a(l).lazyProduct(
                b[static_cast<std::size_t>(t)].middleRows(l * block.k, block.k));
        out.push_back(std::move(x));
    }
    for (Index t = 0; t < cp_.n_blocks(); ++t)
        for (Index u = t + 1; u < cp_.n_blocks(); ++u) {
            const auto& pairs = cp_.pair(t, u);
            const Index kt = cp_.blocks[static_cast<std::size_t>(t)].k;
            const Index ku = cp_.blocks[static_cast<std::size_t>(u)].k;
            const auto& bt = b[static_cast<std::size_t>(t)];
            const auto& bu = b[static_cast<std::size_t>(u)];
            auto& ot = out[static_cast<std::size_t>(t)];
            auto& ou = out[static_cast<std::size_t>(u)];
            for (Index l = 0; l < cp_.blocks[static_cast<std::size_t>(t)].q; ++l)
                for (Index e = pairs.ptr[static_cast<std::size_t>(l)];
                     e < pairs.ptr[static_cast<std::size_t>(l) + 1]; ++e) {
                    const Index other = pairs.other[static_cast<std::size_t>(e)];
                    const double* v = pairs.values.data() + e * ku * kt;
                    for (Index c = 0; c < columns; ++c)
                        for (Index r = 0; r < ku; ++r)
                            for (Index s = 0; s < kt; ++s) {
                                ot(l * kt + s, c) += v[r * kt + s] * bu(other * ku + r, c);
                                ou(other * ku + r, c) += v[r * kt + s] * bt(l * kt + s, c);
                            }
                }
        }
    return out;
}

void Crossed::gradient(const Likelihood& likelihood, Pieces& out) {
    const Index p = cp_.p, k = k1();
    rest_->invert();
    inverted_ = true;
    out.information.clear();
    out.outer.clear();
    // W = S^-1 Lambda'K_x, F_2 = Z_2'V^-1 X = K_x - K Lambda W; times root.
    W_ = R_.leftCols(p);
    rest_->back_solve(W_);
    Matrix lw = W_;
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const Index kt = layout_.k[static_cast<std::size_t>(t)];
        for (Index c = 0; c < p; ++c)
            for (Index l = 0; l < layout_.q[static_cast<std::size_t>(t)]; ++l) {
                auto rows =
                    lw.col(c).segment(layout_.offset[static_cast<std::size_t>(t)] + l * kt, kt);
                rows = lambda_[static_cast<std::size_t>(t) + 1].lazyProduct(rows).eval();
            }
    }
    const Matrix f2 = p > 0 ? dense::multiply(kx_.leftCols(p) - rest_->multiply(lw), root_)
                            : Matrix(layout_.m, 0);

    // Lambda_2'a_j for every level of the first factor, then the forms a_j'Y a_j.
    std::vector<double> scaled(contacts_.a.size()), forms(static_cast<std::size_t>(q1() * k * k));
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const Index kt = layout_.k[static_cast<std::size_t>(t)];
        const Index low = layout_.offset[static_cast<std::size_t>(t)];
        const Index high = low + kt * layout_.q[static_cast<std::size_t>(t)];
        const Matrix transposed = lambda_[static_cast<std::size_t>(t) + 1].transpose();
        for (std::size_t e = 0; e < contacts_.columns.size();) {
            const Index column = contacts_.columns[e];
            if (column < low || column >= high) {
                ++e;
                continue;
            }
            const auto at = static_cast<Index>(e) * k;
            RowMap(scaled.data() + at, kt, k).noalias() =
                transposed.lazyProduct(ConstRowMap(contacts_.a.data() + at, kt, k));
            e += static_cast<std::size_t>(kt);
        }
    }
    rest_->contact_forms(contacts_, scaled, forms);
    Matrix n1 = Matrix::Zero(k, k), gg1 = Matrix::Zero(k, k), ff1 = Matrix::Zero(k, k);
    Matrix d(k, k), f(k, p);
    for (Index j = 0; j < q1(); ++j) {
        const auto a = cp_.blocks[0].a(j);
        d = -a.lazyProduct(P(j)).eval().lazyProduct(P(j).transpose());
        d.diagonal().array() += 1.0;
        n1 += d.lazyProduct(a);
        n1 -= sandwich(d.transpose(), ConstRowMap(forms.data() + j * k * k, k, k));
        const auto g = g_[0].segment(j * k, k);
        gg1 += g.lazyProduct(g.transpose());
        if (!likelihood.reml || p == 0) continue;
        f = cp_.blocks[0].b(j, width_).leftCols(p);
        const auto contacts = contacts_.A(j);
        const auto* cols = contacts_.cols(j);
        for (Index i = 0; i < contacts_.count(j); ++i)
            f -= contacts.row(i).transpose().lazyProduct(lw.row(cols[i]));
        const Matrix fd = d.lazyProduct(f).eval().lazyProduct(root_);
        ff1 += fd.lazyProduct(fd.transpose());
    }
    out.information.push_back(n1 - ff1);
    out.outer.push_back(std::move(gg1));
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const Index kt = layout_.k[static_cast<std::size_t>(t)];
        const Index at = layout_.offset[static_cast<std::size_t>(t)];
        const auto& lambda = lambda_[static_cast<std::size_t>(t) + 1];
        // [K Lambda S^-1]_ll = N Lambda, so N follows by division where Lambda allows it;
        // near singularity of a vector term that would be noise.
        Matrix n;
        if (well_conditioned(lambda)) {
            // n Lambda = mixed, by rows: Lambda'n' = mixed'.
            n = rest_->mixed_trace(t).transpose();
            n = solve_upper(lambda.transpose(), n);
        } else {
            n = rest_->exact_trace(t);
        }
        n = 0.5 * (n + n.transpose()).eval();
        Matrix gg = Matrix::Zero(kt, kt);
        for (Index l = 0; l < layout_.q[static_cast<std::size_t>(t)]; ++l) {
            const auto g = g_[static_cast<std::size_t>(t) + 1].segment(l * kt, kt);
            gg += g.lazyProduct(g.transpose());
            if (likelihood.reml && p > 0)
                n -= f2.middleRows(at + l * kt, kt)
                         .lazyProduct(f2.middleRows(at + l * kt, kt).transpose());
        }
        out.information.push_back(std::move(n));
        out.outer.push_back(std::move(gg));
    }
}

Crossed::HalfSolved Crossed::half_solve(const std::vector<Matrix>& z, const Matrix& x) const {
    const Index k = k1(), columns = z[0].cols();
    HalfSolved out;
    out.first.resize(q1() * k, columns);
    out.rest.resize(layout_.m, columns);
    for (Index t = 0; t < layout_.n_blocks(); ++t)
        out.rest.middleRows(layout_.offset[static_cast<std::size_t>(t)],
                            z[static_cast<std::size_t>(t) + 1].rows()) =
            z[static_cast<std::size_t>(t) + 1];
    out.border = x;
    for (Index j = 0; j < q1(); ++j) {
        auto w = out.first.middleRows(j * k, k);
        w = P(j).transpose().lazyProduct(z[0].middleRows(j * k, k));
        const auto u = contacts_.U(j);
        const auto* cols = contacts_.cols(j);
        for (Index i = 0; i < contacts_.count(j); ++i)
            out.rest.row(cols[i]) -= u.row(i).lazyProduct(w);
        const ConstRowMap v(V_.data() + j * k * width_, k, width_);
        out.border -= v.leftCols(cp_.p).transpose().lazyProduct(w);
    }
    scale_rest(out.rest);
    rest_->half_solve(out.rest);
    out.border = dense::multiply_transposed(
        root_, out.border - dense::multiply_transposed(R_.leftCols(cp_.p), out.rest));
    return out;
}

Curvature Crossed::curvature(const std::vector<Direction>& directions, const Likelihood& likelihood,
                             Level level) const {
    const auto m = static_cast<Index>(directions.size());
    std::vector<Matrix> x;
    for (Index t = 0; t < cp_.n_blocks(); ++t)
        x.push_back(Matrix::Zero(
            cp_.blocks[static_cast<std::size_t>(t)].q * cp_.blocks[static_cast<std::size_t>(t)].k,
            m));
    for (Index a = 0; a < m; ++a) {
        const auto& direction = directions[static_cast<std::size_t>(a)];
        const auto t = static_cast<std::size_t>(direction.block);
        const Index k = cp_.blocks[t].k;
        for (Index l = 0; l < cp_.blocks[t].q; ++l)
            x[t].col(a).segment(l * k, k) = direction.e.lazyProduct(g_[t].segment(l * k, k));
    }
    const auto r = multiply(x);
    Matrix xzx = Matrix::Zero(cp_.p, m);
    Curvature out{Matrix::Zero(m, m), Vector::Zero(m), Matrix()};
    for (Index t = 0; t < cp_.n_blocks(); ++t) {
        const auto at = static_cast<std::size_t>(t);
        const auto& block = cp_.blocks[at];
        xzx += dense::multiply_transposed(
            ConstRowMap(block.B.data(), block.q * block.k, width_).leftCols(cp_.p), x[at]);
        out.q += dense::multiply_transposed(x[at], r[at]);
        out.c += dense::multiply_transposed(x[at], g_[at]);
    }
    const auto w = half_solve(r, xzx);
    for (const Matrix* part : {&w.first, &w.rest, &w.border})
        out.q -= dense::multiply_transposed(*part, *part);
    out.q = 0.5 * (out.q + out.q.transpose()).eval();
    if (level == Level::exact) out.tau = traces(directions, likelihood);
    return out;
}

/// tr(P V_a P V_b) = tr(E_a N E_b N) with N = Z'PZ, or Z'V^-1 Z for ML, made column by column:
/// q solves and q^2 numbers, so that the search itself is content with average information.
Matrix Crossed::traces(const std::vector<Direction>& directions,
                       const Likelihood& likelihood) const {
    std::vector<Index> offset{0};
    for (const auto& block : cp_.blocks) offset.push_back(offset.back() + block.q * block.k);
    const Index q = offset.back();
    std::vector<Matrix> unit;
    Matrix xz = Matrix::Zero(cp_.p, q);
    for (Index t = 0; t < cp_.n_blocks(); ++t) {
        const auto at = static_cast<std::size_t>(t);
        const Index size = offset[at + 1] - offset[at];
        unit.push_back(Matrix::Zero(size, q));
        unit[at].middleCols(offset[at], size).setIdentity();
        xz.middleCols(offset[at], size) =
            ConstRowMap(cp_.blocks[at].B.data(), size, width_).leftCols(cp_.p).transpose();
    }
    const auto r = multiply(unit);
    const auto w = half_solve(r, xz);
    Matrix n(q, q);
    for (std::size_t t = 0; t < r.size(); ++t) n.middleRows(offset[t], r[t].rows()) = r[t];
    n -= dense::multiply_transposed(w.first, w.first);
    n -= dense::multiply_transposed(w.rest, w.rest);
    if (likelihood.reml) n -= dense::multiply_transposed(w.border, w.border);

    const auto m = static_cast<Index>(directions.size());
    std::vector<Matrix> en;  // rows of the direction's block of E_a N
    for (const auto& direction : directions) {
        const auto t = static_cast<std::size_t>(direction.block);
        const Index k = cp_.blocks[t].k;
        Matrix rows = n.middleRows(offset[t], r[t].rows());
        for (Index l = 0; l < cp_.blocks[t].q; ++l)
            rows.middleRows(l * k, k) = direction.e.lazyProduct(rows.middleRows(l * k, k)).eval();
        en.push_back(std::move(rows));
    }
    Matrix tau(m, m);
    for (Index a = 0; a < m; ++a)
        for (Index b = 0; b < m; ++b) {
            const auto ta = static_cast<std::size_t>(directions[static_cast<std::size_t>(a)].block);
            const auto tb = static_cast<std::size_t>(directions[static_cast<std::size_t>(b)].block);
            tau(a, b) = en[static_cast<std::size_t>(a)]
                            .middleCols(offset[tb], r[tb].rows())
                            .cwiseProduct(en[static_cast<std::size_t>(b)]
                                              .middleCols(offset[ta], r[ta].rows())
                                              .transpose())
                            .sum();
        }
    return tau;
}

std::vector<std::vector<double>> Crossed::conditional() const {
    const Index k = k1();
    std::vector<std::vector<double>> out;
    std::vector<double> scaled(contacts_.a.size()), forms(static_cast<std::size_t>(q1() * k * k));
    // U_j in the coordinates of S: Lambda_2'U_j, so that the forms are U'Lambda S^-1 Lambda'U.
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const Index kt = layout_.k[static_cast<std::size_t>(t)];
        const Index low = layout_.offset[static_cast<std::size_t>(t)];
        const Index high = low + kt * layout_.q[static_cast<std::size_t>(t)];
        for (std::size_t e = 0; e < contacts_.columns.size();) {
            if (contacts_.columns[e] < low || contacts_.columns[e] >= high) {
                ++e;
                continue;
            }
            const auto at = static_cast<Index>(e) * k;
            RowMap(scaled.data() + at, kt, k) =
                lambda_[static_cast<std::size_t>(t) + 1].transpose() *
                ConstRowMap(contacts_.u.data() + at, kt, k);
            e += static_cast<std::size_t>(kt);
        }
    }
    rest_->contact_forms(contacts_, scaled, forms);
    out.emplace_back(static_cast<std::size_t>(q1() * k * k));
    for (Index j = 0; j < q1(); ++j)
        RowMap(out[0].data() + j * k * k, k, k) =
            sandwich(P(j).transpose(),
                     Matrix(Matrix::Identity(k, k) + ConstRowMap(forms.data() + j * k * k, k, k)));
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const Index kt = layout_.k[static_cast<std::size_t>(t)],
                    q = layout_.q[static_cast<std::size_t>(t)];
        out.emplace_back(static_cast<std::size_t>(q * kt * kt));
        rest_->diagonal_blocks(t, out.back().data());
        const auto& lambda = lambda_[static_cast<std::size_t>(t) + 1];
        for (Index l = 0; l < q; ++l) {
            RowMap block(out.back().data() + l * kt * kt, kt, kt);
            block = sandwich(lambda.transpose(), block);
        }
    }
    return out;
}

void Crossed::quadratic_forms(const Rows& rows, Index begin, const Matrix& x,
                              const std::vector<Matrix>& z, std::span<double> out) const {
    const Index size = x.cols();
    Matrix rest = Matrix::Zero(layout_.m, size), border = x;
    for (Index i = 0; i < size; ++i) {
        double value = 0.0;
        for (Index t = 0; t < layout_.n_blocks(); ++t) {
            const auto at = static_cast<std::size_t>(t);
            const Index l = rows.blocks[at + 1].codes[begin + i];
            if (l >= 0)
                rest.col(i).segment(layout_.offset[at] + l * layout_.k[at], layout_.k[at]) =
                    z[at + 1].col(i);
        }
        const Index j = rows.blocks[0].codes[begin + i];
        if (j >= 0) {
            const Vector w = P(j).transpose().lazyProduct(z[0].col(i));
            value = w.squaredNorm();
            const auto u = contacts_.U(j);
            const auto* cols = contacts_.cols(j);
            for (Index h = 0; h < contacts_.count(j); ++h) rest(cols[h], i) -= u.row(h).dot(w);
            const ConstRowMap v(V_.data() + j * k1() * width_, k1(), width_);
            border.col(i) -= v.leftCols(cp_.p).transpose().lazyProduct(w);
        }
        out[static_cast<std::size_t>(i)] = value;
    }
    scale_rest(rest);
    rest_->half_solve(rest);
    border = dense::multiply_transposed(
        root_, border - dense::multiply_transposed(R_.leftCols(cp_.p), rest));
    for (Index i = 0; i < size; ++i)
        out[static_cast<std::size_t>(i)] += rest.col(i).squaredNorm() + border.col(i).squaredNorm();
}

}  // namespace partialpool
