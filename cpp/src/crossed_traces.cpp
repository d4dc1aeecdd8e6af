#include <numeric>

#include "partialpool/crossed.hpp"

namespace partialpool {

using detail::times_levels;
using detail::zeros;

/// E at every level of one of the rest's blocks, times the rows of x.
Matrix Crossed::rest_times(const Direction& direction, const Matrix& x) const {
    const auto t = static_cast<std::size_t>(direction.block) - 1;
    Matrix out = Matrix::Zero(x.rows(), x.cols());
    const Index size = layout_.q[t] * layout_.k[t];
    out.middleRows(layout_.offset[t], size) =
        times_levels(direction, x.middleRows(layout_.offset[t], size));
    return out;
}

/// tr(E_a N) and tr(E_a N E_b N) through the rest's m columns held dense.
///
/// With c_j = Z_j'V_1^-1 Z_2 and B_j = Z_j'V_1^-1 Z_j of the first factor's levels, K of the rest
/// and Y = Lambda_2 S^-1 Lambda_2': N_jl = [j = l] B_j - c_j Y c_l', N_j2 = c_j (I - Y K) and
/// N_22 = K (I - Y K). Then sums over pairs of levels go through G_a = sum c_j'E_a c_j.
void Crossed::add_dense_traces(const std::vector<Direction>& directions, Sensitivity& out) const {
    const Index m = layout_.m, k = k1();
    Matrix y = Matrix::Identity(m, m);
    multiply_levels(layout_, rest_lambda(), true, y);
    rest_->half_solve(y);
    y = dense::multiply_transposed(y, y);
    const Matrix kk = rest_->multiply(Matrix::Identity(m, m));
    const Matrix left = Matrix::Identity(m, m) - dense::multiply(y, kk);
    const Matrix n22 = dense::multiply(kk, left);

    std::vector<std::size_t> first, rest;
    for (std::size_t a = 0; a < directions.size(); ++a)
        (directions[a].block == 0 ? first : rest).push_back(a);
    std::vector<Matrix> g(first.size(), Matrix::Zero(m, m));
    Matrix d(k, k), b(k, k);
    for (Index j = 0; j < q1(); ++j) {
        const auto a = cp_.blocks[0].a(j);
        const auto* cols = contacts_.cols(j);
        const Index count = contacts_.count(j);
        d = -a.lazyProduct(P(j)).eval().lazyProduct(P(j).transpose());
        d.diagonal().array() += 1.0;
        b = d.lazyProduct(a);
        const Matrix c = d.lazyProduct(contacts_.A(j).transpose());
        Matrix own(count, count);
        for (Index r = 0; r < count; ++r)
            for (Index s = 0; s < count; ++s) own(r, s) = y(cols[r], cols[s]);
        const Matrix cyc = c.lazyProduct(own.lazyProduct(c.transpose()).eval());
        for (std::size_t i = 0; i < first.size(); ++i) {
            const Matrix& ea = directions[first[i]].e;
            const auto at = static_cast<Index>(first[i]);
            const Matrix cec = c.transpose().lazyProduct(ea.lazyProduct(c).eval());
            for (Index s = 0; s < count; ++s)
                for (Index r = 0; r < count; ++r) g[i](cols[r], cols[s]) += cec(r, s);
            out.trace(at) += ea.cwiseProduct(b - cyc).sum();
            const Matrix eb = ea.lazyProduct(b), ec = ea.lazyProduct(cyc);
            for (std::size_t h : first) {
                const Matrix& eh = directions[h].e;
                out.traces(at, static_cast<Index>(h)) +=
                    eb.cwiseProduct(eh.lazyProduct(b).transpose()).sum() -
                    eb.cwiseProduct(eh.lazyProduct(cyc).transpose()).sum() -
                    ec.cwiseProduct(eh.lazyProduct(b).transpose()).sum();
            }
        }
    }
    std::vector<Matrix> gy;
    for (const auto& x : g) gy.push_back(dense::multiply(x, y));
    for (std::size_t i = 0; i < first.size(); ++i)
        for (std::size_t h = 0; h < first.size(); ++h)
            out.traces(static_cast<Index>(first[i]), static_cast<Index>(first[h])) +=
                gy[i].cwiseProduct(gy[h].transpose()).sum();
    std::vector<Matrix> en;
    for (std::size_t a : rest) {
        en.push_back(rest_times(directions[a], n22));
        out.trace(static_cast<Index>(a)) += en.back().trace();
    }
    for (std::size_t i = 0; i < rest.size(); ++i)
        for (std::size_t h = 0; h < rest.size(); ++h)
            out.traces(static_cast<Index>(rest[i]), static_cast<Index>(rest[h])) +=
                en[i].cwiseProduct(en[h].transpose()).sum();
    for (std::size_t i = 0; i < first.size(); ++i) {
        const Matrix around = dense::multiply_transposed(left, dense::multiply(g[i], left));
        for (std::size_t h : rest) {
            const double sum = rest_times(directions[h], around).trace();
            out.traces(static_cast<Index>(first[i]), static_cast<Index>(h)) += sum;
            out.traces(static_cast<Index>(h), static_cast<Index>(first[i])) += sum;
        }
    }
}

/// Levels that meet, directly or through others, by the parts of the data they make up.
///
/// V is block diagonal over such parts, as schools with their classes are.
Crossed::Parts Crossed::parts() const {
    std::vector<Index> start{0};
    for (const auto& block : cp_.blocks) start.push_back(start.back() + block.q);
    std::vector<Index> parent(static_cast<std::size_t>(start.back()));
    std::iota(parent.begin(), parent.end(), Index{0});
    const auto find = [&](Index i) {
        while (parent[static_cast<std::size_t>(i)] != i)
            i = parent[static_cast<std::size_t>(i)] =
                parent[static_cast<std::size_t>(parent[static_cast<std::size_t>(i)])];
        return i;
    };
    for (Index t = 0; t < cp_.n_blocks(); ++t)
        for (Index u = t + 1; u < cp_.n_blocks(); ++u) {
            const auto& pairs = cp_.pair(t, u);
            for (Index l = 0; l < cp_.blocks[static_cast<std::size_t>(t)].q; ++l)
                for (Index e = pairs.ptr[static_cast<std::size_t>(l)];
                     e < pairs.ptr[static_cast<std::size_t>(l) + 1]; ++e)
                    parent[static_cast<std::size_t>(
                        find(start[static_cast<std::size_t>(u)] +
                             pairs.other[static_cast<std::size_t>(e)]))] =
                        find(start[static_cast<std::size_t>(t)] + l);
        }
    Parts out;
    std::vector<Index> number(parent.size(), -1);
    for (Index t = 0; t < cp_.n_blocks(); ++t)
        for (Index l = 0; l < cp_.blocks[static_cast<std::size_t>(t)].q; ++l) {
            const Index i = start[static_cast<std::size_t>(t)] + l;
            Index& part = number[static_cast<std::size_t>(find(i))];
            if (part < 0) {
                part = static_cast<Index>(out.levels.size());
                out.levels.emplace_back();
            }
            out.of.push_back(part);
            out.levels[static_cast<std::size_t>(part)].emplace_back(t, l);
        }
    for (const auto& levels : out.levels)
        out.largest = std::max(out.largest, static_cast<Index>(levels.size()));
    return out;
}

/// tr(E_a N) and tr(E_a N E_b N) from columns of N, which is never held whole: in every round
/// those of one level from each part, which don't meet in any row.
void Crossed::add_traces(const std::vector<Direction>& directions, const Parts& parts,
                         Sensitivity& out) const {
    Index width = 1;
    for (const auto& block : cp_.blocks) width = std::max(width, block.k);
    for (Index round = 0; round < parts.largest; ++round) {
        std::vector<Index> block_of(parts.levels.size(), -1), level_of(block_of);
        auto unit = zeros(cp_, width);
        for (std::size_t part = 0; part < parts.levels.size(); ++part) {
            if (round >= static_cast<Index>(parts.levels[part].size())) continue;
            const auto [t, l] = parts.levels[part][static_cast<std::size_t>(round)];
            block_of[part] = t;
            const Index k = cp_.blocks[static_cast<std::size_t>(t)].k;
            unit[static_cast<std::size_t>(t)].block(l * k, 0, k, k).setIdentity();
            level_of[part] = l;
        }
        add_columns(directions, parts, block_of, level_of, information_times(unit), out);
    }
}

/// The share of one level of every part: N_l'l of all levels l', which meet E_b at l.
void Crossed::add_columns(const std::vector<Direction>& directions, const Parts& parts,
                          const std::vector<Index>& block_of, const std::vector<Index>& level_of,
                          const std::vector<Matrix>& n, Sensitivity& out) const {
    std::size_t at = 0;
    for (Index s = 0; s < cp_.n_blocks(); ++s) {
        const Index k = cp_.blocks[static_cast<std::size_t>(s)].k;
        for (Index l = 0; l < cp_.blocks[static_cast<std::size_t>(s)].q; ++l) {
            const auto part = static_cast<std::size_t>(parts.of[at++]);
            const Index t = block_of[part];
            if (t < 0) continue;
            const auto own = n[static_cast<std::size_t>(s)].block(
                l * k, 0, k, cp_.blocks[static_cast<std::size_t>(t)].k);
            for (std::size_t b = 0; b < directions.size(); ++b) {
                if (directions[b].block != t) continue;
                const Matrix right = own.lazyProduct(directions[b].e);
                if (s == t && l == level_of[part])
                    out.trace(static_cast<Index>(b)) += right.trace();
                for (std::size_t a = 0; a < directions.size(); ++a)
                    if (directions[a].block == s)
                        out.traces(static_cast<Index>(a), static_cast<Index>(b)) +=
                            directions[a].e.lazyProduct(own).cwiseProduct(right).sum();
            }
        }
    }
}

}  // namespace partialpool
