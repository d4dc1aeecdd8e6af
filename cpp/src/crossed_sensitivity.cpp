#include "partialpool/crossed.hpp"

namespace partialpool {

namespace {

std::vector<Matrix> zeros(const CrossProducts& cp, Index columns) {
    std::vector<Matrix> out;
    for (const auto& block : cp.blocks) out.push_back(Matrix::Zero(block.q * block.k, columns));
    return out;
}

/// E x at every level of the direction's block.
Matrix times_levels(const Direction& direction, const Matrix& x) {
    const Index k = direction.e.rows();
    Matrix out(x.rows(), x.cols());
    for (Index first = 0; first < x.rows(); first += k)
        out.middleRows(first, k) = direction.e.lazyProduct(x.middleRows(first, k));
    return out;
}

}  // namespace

/// N z = Z'V^-1 Z z for columns in random-effect coordinates.
std::vector<Matrix> Crossed::information_times(const std::vector<Matrix>& z) const {
    auto out = multiply(z);
    auto half = half_solve(out, Matrix::Zero(cp_.p, z[0].cols()));
    rest_->back_solve(half.rest);
    multiply_levels(layout_, rest_lambda(), false, half.rest);
    std::vector<Matrix> b{Matrix(half.first.rows(), half.first.cols())};
    const Index k = k1();
    for (Index j = 0; j < q1(); ++j) {
        Matrix w = half.first.middleRows(j * k, k);
        const auto u = contacts_.U(j);
        const auto* cols = contacts_.cols(j);
        for (Index i = 0; i < contacts_.count(j); ++i)
            w -= u.row(i).transpose().lazyProduct(half.rest.row(cols[i]));
        b[0].middleRows(j * k, k) = P(j).lazyProduct(w);
    }
    for (std::size_t t = 0; t < layout_.k.size(); ++t)
        b.emplace_back(half.rest.middleRows(layout_.offset[t], layout_.q[t] * layout_.k[t]));
    const auto taken = multiply(b);
    for (std::size_t t = 0; t < out.size(); ++t) out[t] -= taken[t];
    return out;
}

/// F = Z'V^-1 X R, block by block: Z'X R less Z'Z b for the b that X R's columns would have.
std::vector<Matrix> Crossed::fixed_columns() const {
    const Index k = k1(), p = cp_.p;
    Matrix rest = R_.leftCols(p);
    rest_->back_solve(rest);
    multiply_levels(layout_, rest_lambda(), false, rest);
    std::vector<Matrix> b{Matrix(q1() * k, p)};
    for (Index j = 0; j < q1(); ++j) {
        Matrix x = cp_.blocks[0].b(j, width_).leftCols(p);
        const auto a = contacts_.A(j);
        const auto* cols = contacts_.cols(j);
        for (Index i = 0; i < contacts_.count(j); ++i)
            x -= a.row(i).transpose().lazyProduct(rest.row(cols[i]));
        b[0].middleRows(j * k, k) = P(j).lazyProduct(P(j).transpose().lazyProduct(x).eval());
    }
    for (std::size_t t = 0; t < layout_.k.size(); ++t)
        b.emplace_back(rest.middleRows(layout_.offset[t], layout_.q[t] * layout_.k[t]));
    auto out = multiply(b);
    for (std::size_t t = 0; t < out.size(); ++t) {
        const auto& block = cp_.blocks[t];
        out[t] = dense::multiply(
            ConstRowMap(block.B.data(), block.q * block.k, width_).leftCols(p) - out[t], root_);
    }
    return out;
}

/// tr(E_a N) and tr(E_a N E_b N) from batches of columns of N, which is never held whole.
void Crossed::add_traces(const std::vector<Direction>& directions, Sensitivity& out) const {
    constexpr Index batch = 128;
    for (Index t = 0; t < cp_.n_blocks(); ++t) {
        const Index k = cp_.blocks[static_cast<std::size_t>(t)].k;
        const Index size = cp_.blocks[static_cast<std::size_t>(t)].q * k, step = batch / k * k;
        for (Index begin = 0; begin < size; begin += std::max(step, k)) {
            const Index columns = std::min(std::max(step, k), size - begin);
            auto unit = zeros(cp_, columns);
            unit[static_cast<std::size_t>(t)].middleRows(begin, columns).setIdentity();
            add_columns(directions, information_times(unit), t, begin, out);
        }
    }
}

/// The share of some columns: N_ll' of levels l' of block t, which meet E_b there.
void Crossed::add_columns(const std::vector<Direction>& directions, const std::vector<Matrix>& n,
                          Index t, Index begin, Sensitivity& out) const {
    const Index columns = n[0].cols(), k = cp_.blocks[static_cast<std::size_t>(t)].k;
    for (std::size_t b = 0; b < directions.size(); ++b) {
        if (directions[b].block != t) continue;
        const Matrix& eb = directions[b].e;
        const Matrix& own = n[static_cast<std::size_t>(t)];
        for (Index c = 0; c < columns; c += k)
            out.trace(static_cast<Index>(b)) +=
                eb.cwiseProduct(own.block(begin + c, c, k, k)).sum();
        for (std::size_t a = 0; a < directions.size(); ++a) {
            const Matrix& rows = n[static_cast<std::size_t>(directions[a].block)];
            const Matrix left = times_levels(directions[a], rows);
            double sum = 0.0;
            for (Index c = 0; c < columns; c += k)
                sum += left.middleCols(c, k)
                           .cwiseProduct(rows.middleCols(c, k).lazyProduct(eb))
                           .sum();
            out.traces(static_cast<Index>(a), static_cast<Index>(b)) += sum;
        }
    }
}

Sensitivity Crossed::sensitivity(const std::vector<Direction>& directions,
                                 bool with_products) const {
    const auto m = static_cast<Index>(directions.size());
    const Index p = cp_.p;
    Sensitivity out(m, p, with_products);
    add_traces(directions, out);
    const auto f = fixed_columns();
    // E_a [F g] in its block, zero elsewhere, direction by direction.
    auto x = zeros(cp_, m * (p + 1));
    for (Index a = 0; a < m; ++a) {
        const auto& direction = directions[static_cast<std::size_t>(a)];
        const auto t = static_cast<std::size_t>(direction.block);
        x[t].middleCols(a * (p + 1), p) = times_levels(direction, f[t]);
        x[t].col(a * (p + 1) + p) = times_levels(direction, g_[t]);
        const auto own = x[t].middleCols(a * (p + 1), p + 1);
        out.fixed[static_cast<std::size_t>(a)] =
            dense::multiply_transposed(f[t], own.leftCols(p));
        out.mixed.col(a) = dense::multiply_transposed(f[t], own.col(p));
        out.score(a) = g_[t].dot(own.col(p));
    }
    const auto nx = information_times(x);
    for (Index a = 0; a < m; ++a) {
        const auto t = static_cast<std::size_t>(directions[static_cast<std::size_t>(a)].block);
        const Matrix all =
            dense::multiply_transposed(x[t].middleCols(a * (p + 1), p + 1), nx[t]);
        for (Index b = 0; b < m; ++b) {
            out.scores(a, b) = all(p, b * (p + 1) + p);
            if (with_products)
                out.products[static_cast<std::size_t>(a * m + b)] =
                    all.block(0, b * (p + 1), p, p);
        }
    }
    return out;
}

}  // namespace partialpool
