#include "partialpool/crossed.hpp"

namespace partialpool {

Crossed::Crossed(const CrossProducts& cp)
    : cp_(cp),
      width_(cp.p + 1),
      layout_(make_layout(cp)),
      contacts_(make_contacts(cp, layout_)),
      rest_(make_rest(cp, layout_, contacts_, sparse_)),
      P_(static_cast<std::size_t>(q1() * k1() * k1())),
      V_(static_cast<std::size_t>(q1() * k1() * width_)) {}

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
    rest_->contact_forms(contacts_, scale_contacts(contacts_, layout_, rest_lambda(), contacts_.a),
                         forms);
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
        Matrix n = information(*rest_, t, lambda);
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
