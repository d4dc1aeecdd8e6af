#include "partialpool/crossed.hpp"

namespace partialpool {

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
    multiply_levels(layout_, rest_lambda(), true, out.rest);
    rest_->half_solve(out.rest);
    out.border = dense::multiply_transposed(
        root_, out.border - dense::multiply_transposed(R_.leftCols(cp_.p), out.rest));
    return out;
}

Curvature Crossed::curvature(const std::vector<Direction>& directions, const Likelihood& likelihood,
                             Level level, double scale) const {
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
    Curvature out{Matrix::Zero(m, m), Vector::Zero(m)};
    for (Index t = 0; t < cp_.n_blocks(); ++t) {
        const auto at = static_cast<std::size_t>(t);
        const auto& block = cp_.blocks[at];
        xzx += dense::multiply_transposed(
            ConstRowMap(block.B.data(), block.q * block.k, width_).leftCols(cp_.p), x[at]);
        out.h += dense::multiply_transposed(x[at], r[at]);
        out.c += dense::multiply_transposed(x[at], g_[at]);
    }
    const auto w = half_solve(r, xzx);
    for (const Matrix* part : {&w.first, &w.rest, &w.border})
        out.h -= dense::multiply_transposed(*part, *part);
    const bool exact = level == Level::exact;
    out.h = (exact ? scale : 0.5 * scale) * (out.h + out.h.transpose()).eval();
    if (exact) out.h -= traces(directions, likelihood);
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
    std::vector<double> forms(static_cast<std::size_t>(q1() * k * k));
    // U_j in the coordinates of S: Lambda_2'U_j, so that the forms are U'Lambda S^-1 Lambda'U.
    rest_->contact_forms(contacts_, scale_contacts(contacts_, layout_, rest_lambda(), contacts_.u),
                         forms);
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
    multiply_levels(layout_, rest_lambda(), true, rest);
    rest_->half_solve(rest);
    border = dense::multiply_transposed(
        root_, border - dense::multiply_transposed(R_.leftCols(cp_.p), rest));
    for (Index i = 0; i < size; ++i)
        out[static_cast<std::size_t>(i)] += rest.col(i).squaredNorm() + border.col(i).squaredNorm();
}

}  // namespace partialpool
