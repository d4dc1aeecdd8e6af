#include "partialpool/crossed.hpp"

namespace partialpool {

using detail::times_levels;
using detail::zeros;

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

Sensitivity Crossed::sensitivity(const std::vector<Direction>& directions,
                                 bool with_products) const {
    const auto count = static_cast<Index>(directions.size());
    const Index p = cp_.p;
    Sensitivity out(count, p, with_products);
    // Column by column a round takes some 30 ns per pair of levels that meet; dense it is about
    // 0.7 ns per m^3 in all, as long as there is memory for it.
    constexpr double most_dense = 4000.0, pair_per_cube = 40.0;
    const Parts found = parts();
    const auto m = static_cast<double>(layout_.m);
    const double rounds = static_cast<double>(found.largest);
    const double pairs = static_cast<double>(contacts_.columns.size());
    if (m <= most_dense && m * m * m < pair_per_cube * rounds * pairs)
        add_dense_traces(directions, out);
    else
        add_traces(directions, found, out);
    const auto f = fixed_columns();
    // E_a [F g] in its block, zero elsewhere, direction by direction.
    auto x = zeros(cp_, count * (p + 1));
    for (Index a = 0; a < count; ++a) {
        const auto& direction = directions[static_cast<std::size_t>(a)];
        const auto t = static_cast<std::size_t>(direction.block);
        x[t].middleCols(a * (p + 1), p) = times_levels(direction, f[t]);
        x[t].col(a * (p + 1) + p) = times_levels(direction, g_[t]);
        const auto own = x[t].middleCols(a * (p + 1), p + 1);
        out.fixed[static_cast<std::size_t>(a)] = dense::multiply_transposed(f[t], own.leftCols(p));
        out.mixed.col(a) = dense::multiply_transposed(f[t], own.col(p));
        out.score(a) = g_[t].dot(own.col(p));
    }
    const auto nx = information_times(x);
    for (Index a = 0; a < count; ++a) {
        const auto t = static_cast<std::size_t>(directions[static_cast<std::size_t>(a)].block);
        const Matrix all = dense::multiply_transposed(x[t].middleCols(a * (p + 1), p + 1), nx[t]);
        for (Index b = 0; b < count; ++b) {
            out.scores(a, b) = all(p, b * (p + 1) + p);
            out.product_traces(a, b) = all.block(0, b * (p + 1), p, p).trace();
            if (with_products)
                out.products[static_cast<std::size_t>(a * count + b)] =
                    all.block(0, b * (p + 1), p, p);
        }
    }
    return out;
}

}  // namespace partialpool
