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
        Matrix m(k, k), half(k, k);
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
                half = lambda.transpose();
                for (Index c = 0; c < k; ++c) solve_lower(m, half.col(c));
                p = half.transpose();
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
    lambda_.clear();
    // Triangular, because the traces of the rest divide by it.
    for (const auto& factor : lambda) lambda_.push_back(lower_triangular(factor));
    double logdet = 0.0;
    if (!eliminate(lambda_[0], logdet)) return false;
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
    if (!rest_->factor({lambda_.begin() + 1, lambda_.end()})) return false;
    R_ = kx_;
    multiply_levels(layout_, rest_lambda(), true, R_);
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
    multiply_levels(layout_, rest_lambda(), false, u2);
    const Vector b2 = u2.col(0);
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const auto at = static_cast<std::size_t>(t);
        b_[at + 1] = b2.segment(layout_.offset[at], layout_.q[at] * layout_.k[at]);
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

std::vector<double> Crossed::scale_contacts(const std::vector<double>& values) const {
    const Index k = k1();
    std::vector<double> out(values.size());
    std::size_t e = 0;
    for (Index j = 0; j < q1(); ++j) {
        // A level's contacts are ascending: block by block, whole levels of each.
        Index t = 0;
        while (e < static_cast<std::size_t>(contacts_.ptr[static_cast<std::size_t>(j) + 1])) {
            while (t + 1 < layout_.n_blocks() &&
                   contacts_.columns[e] >= layout_.offset[static_cast<std::size_t>(t) + 1])
                ++t;
            const Index kt = layout_.k[static_cast<std::size_t>(t)];
            const auto at = static_cast<Index>(e) * k;
            RowMap(out.data() + at, kt, k) =
                lambda_[static_cast<std::size_t>(t) + 1].transpose().lazyProduct(
                    ConstRowMap(values.data() + at, kt, k));
            e += static_cast<std::size_t>(kt);
        }
    }
    return out;
}

void Crossed::gradient(const Likelihood& likelihood, Pieces& out) {
    const Index p = cp_.p, k = k1();
    rest_->invert();
    out.information.clear();
    out.outer.clear();
    // W = S^-1 Lambda'K_x, F_2 = Z_2'V^-1 X = K_x - K Lambda W; times root.
    W_ = R_.leftCols(p);
    rest_->back_solve(W_);
    Matrix lw = W_;
    multiply_levels(layout_, rest_lambda(), false, lw);
    const Matrix f2 = p > 0 ? dense::multiply(kx_.leftCols(p) - rest_->multiply(lw), root_)
                            : Matrix(layout_.m, 0);

    // Lambda_2'a_j for every level of the first factor, then the forms a_j'Y a_j.
    std::vector<double> forms(static_cast<std::size_t>(q1() * k * k));
    rest_->contact_forms(contacts_, scale_contacts(contacts_.a), forms);
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

}  // namespace partialpool
