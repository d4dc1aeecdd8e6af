#include "partialpool/cross_products.hpp"

namespace partialpool {

namespace detail {
namespace {

/// Positions of the rows by level: rows of level l are order[ptr[l] .. ptr[l + 1]).
struct Sorted {
    std::vector<Index> ptr;
    std::vector<std::int32_t> order;  ///< empty when the rows already stand in order

    Index row(Index position) const {
        return order.empty() ? position : order[static_cast<std::size_t>(position)];
    }
};

Sorted sort_by_level(const BlockRows& block, Index n) {
    Sorted out;
    out.ptr.assign(static_cast<std::size_t>(block.q + 1), 0);
    bool sorted = true;
    for (Index i = 0; i < n; ++i) {
        ++out.ptr[static_cast<std::size_t>(block.codes[i]) + 1];
        sorted = sorted && (i == 0 || block.codes[i - 1] <= block.codes[i]);
    }
    for (Index l = 0; l < block.q; ++l)
        out.ptr[static_cast<std::size_t>(l) + 1] += out.ptr[static_cast<std::size_t>(l)];
    if (sorted) return out;
    out.order.resize(static_cast<std::size_t>(n));
    std::vector<Index> next(out.ptr.begin(), out.ptr.end() - 1);
    for (Index i = 0; i < n; ++i)
        out.order[static_cast<std::size_t>(next[static_cast<std::size_t>(block.codes[i])]++)] =
            static_cast<std::int32_t>(i);
    return out;
}

/// Row of [X y] in mapped coordinates, times `factor`.
void map_xy(const Rows& rows, const Scaling& scaling, Index i, double factor, double* out) {
    const Index m = scaling.x.size();
    scaling.x.apply(rows.X + i * rows.p, 1.0, out);
    double r = (response(rows, i) - scaling.y_centre) / scaling.y_unit;
    for (Index c = 0; c < m; ++c) r -= out[c] * scaling.gamma(c);
    out[m] = r * (scaling.y_unit / scaling.y_scale);
    for (Index c = 0; c <= m; ++c) out[c] *= factor;
}

/// Levels per chunk so that a chunk has about chunk_rows rows; depends on the data only.
std::vector<Index> level_chunks(const std::vector<Index>& ptr) {
    std::vector<Index> starts{0};
    const auto q = static_cast<Index>(ptr.size()) - 1;
    Index last = 0;
    for (Index l = 0; l < q; ++l)
        if (ptr[static_cast<std::size_t>(l) + 1] - last >= chunk_rows) {
            starts.push_back(l + 1);
            last = ptr[static_cast<std::size_t>(l) + 1];
        }
    if (starts.back() != q) starts.push_back(q);
    return starts;
}

/// Products of block t's levels with the levels of later blocks, for a range of levels.
struct PairChunk {
    std::vector<Index> counts;
    std::vector<std::int32_t> other;
    std::vector<double> values;
};

}  // namespace
}  // namespace detail

CrossProducts accumulate(const Rows& rows, const Scaling& scaling, Index n_used) {
    const Index m = scaling.x.size(), width = m + 1;
    const auto n_blocks = static_cast<Index>(rows.blocks.size());
    CrossProducts out;
    out.n = n_used;
    out.p = m;
    out.C = RowMatrix::Zero(width, width);
    out.pairs.resize(static_cast<std::size_t>(n_blocks * (n_blocks - 1) / 2));
    if (n_blocks == 0) {
        // Orthonormal X and residuals of norm sqrt(n), by construction.
        out.C.diagonal().head(m).setOnes();
        out.C(m, m) = scaling.residual_ratio > 0.0 ? static_cast<double>(n_used) : 0.0;
        return out;
    }
    for (Index t = 0; t < n_blocks; ++t) {
        const auto& source = rows.blocks[static_cast<std::size_t>(t)];
        const auto sorted = detail::sort_by_level(source, rows.n);
        Block block;
        block.q = source.q;
        block.k = detail::block_width(source);
        const Index k = block.k;
        block.A.assign(static_cast<std::size_t>(block.q * k * k), 0.0);
        block.B.assign(static_cast<std::size_t>(block.q * k * width), 0.0);
        const auto starts = detail::level_chunks(sorted.ptr);
        const auto n_chunks = static_cast<Index>(starts.size()) - 1;
        std::vector<RowMatrix> c_parts(static_cast<std::size_t>(n_chunks));
        std::vector<std::vector<detail::PairChunk>> pair_parts(static_cast<std::size_t>(n_chunks));
        for_chunks(n_chunks, [&](Index chunk) {
            RowMatrix c = RowMatrix::Zero(t == 0 ? width : 0, t == 0 ? width : 0);
            std::vector<double> z(static_cast<std::size_t>(k)), xy(static_cast<std::size_t>(width));
            const Index n_later = n_blocks - t - 1;
            auto& parts = pair_parts[static_cast<std::size_t>(chunk)];
            parts.resize(static_cast<std::size_t>(n_later));
            std::vector<std::vector<Index>> slot(static_cast<std::size_t>(n_later));
            std::vector<std::vector<double>> zu(static_cast<std::size_t>(n_later));
            for (Index u = 0; u < n_later; ++u) {
                const auto& later = rows.blocks[static_cast<std::size_t>(t + 1 + u)];
                slot[static_cast<std::size_t>(u)].assign(static_cast<std::size_t>(later.q), -1);
                zu[static_cast<std::size_t>(u)].resize(
                    static_cast<std::size_t>(detail::block_width(later)));
            }
            std::vector<std::int32_t> touched;
            for (Index l = starts[static_cast<std::size_t>(chunk)];
                 l < starts[static_cast<std::size_t>(chunk) + 1]; ++l) {
                double* a = block.A.data() + l * k * k;
                double* b = block.B.data() + l * k * width;
                const Index begin = sorted.ptr[static_cast<std::size_t>(l)];
                const Index end = sorted.ptr[static_cast<std::size_t>(l) + 1];
                for (Index at = begin; at < end; ++at) {
                    const Index i = sorted.row(at);
                    const double w = detail::root_weight(rows, i);
                    if (w == 0.0) continue;
                    detail::map_z(source, scaling.z[static_cast<std::size_t>(t)], i, w, z.data());
                    detail::map_xy(rows, scaling, i, w, xy.data());
                    for (Index r = 0; r < k; ++r) {
                        for (Index s = 0; s < k; ++s)
                            a[r * k + s] +=
                                z[static_cast<std::size_t>(r)] * z[static_cast<std::size_t>(s)];
                        for (Index s = 0; s < width; ++s)
                            b[r * width + s] +=
                                z[static_cast<std::size_t>(r)] * xy[static_cast<std::size_t>(s)];
                    }
                    if (t == 0)
                        for (Index r = 0; r < width; ++r)
                            for (Index s = 0; s < width; ++s)
                                c(r, s) += xy[static_cast<std::size_t>(r)] *
                                           xy[static_cast<std::size_t>(s)];
                }
                for (Index u = 0; u < n_later; ++u) {
                    const auto& later = rows.blocks[static_cast<std::size_t>(t + 1 + u)];
                    auto& part = parts[static_cast<std::size_t>(u)];
                    auto& slots = slot[static_cast<std::size_t>(u)];
                    auto& zl = zu[static_cast<std::size_t>(u)];
                    const auto ku = static_cast<Index>(zl.size());
                    touched.clear();
                    for (Index at = begin; at < end; ++at) {
                        const Index i = sorted.row(at);
                        if (rows.weights && rows.weights[i] == 0.0) continue;
                        auto& s = slots[static_cast<std::size_t>(later.codes[i])];
                        if (s < 0) {
                            s = 0;
                            touched.push_back(later.codes[i]);
                        }
                    }
                    std::sort(touched.begin(), touched.end());
                    const auto base = static_cast<Index>(part.other.size());
                    for (std::size_t j = 0; j < touched.size(); ++j)
                        slots[static_cast<std::size_t>(touched[j])] = base + static_cast<Index>(j);
                    part.other.insert(part.other.end(), touched.begin(), touched.end());
                    part.values.resize(part.other.size() * static_cast<std::size_t>(ku * k), 0.0);
                    part.counts.push_back(static_cast<Index>(touched.size()));
                    for (Index at = begin; at < end; ++at) {
                        const Index i = sorted.row(at);
                        const double w = detail::root_weight(rows, i);
                        if (w == 0.0) continue;
                        detail::map_z(source, scaling.z[static_cast<std::size_t>(t)], i, w,
                                      z.data());
                        detail::map_z(later, scaling.z[static_cast<std::size_t>(t + 1 + u)], i, w,
                                      zl.data());
                        double* v = part.values.data() +
                                    slots[static_cast<std::size_t>(later.codes[i])] * ku * k;
                        for (Index r = 0; r < ku; ++r)
                            for (Index s = 0; s < k; ++s)
                                v[r * k + s] += zl[static_cast<std::size_t>(r)] *
                                                z[static_cast<std::size_t>(s)];
                    }
                    for (const auto level : touched) slots[static_cast<std::size_t>(level)] = -1;
                }
            }
            c_parts[static_cast<std::size_t>(chunk)] = std::move(c);
        });
        if (t == 0)
            for (const auto& c : c_parts) out.C += c;
        for (Index u = t + 1; u < n_blocks; ++u) {
            const Index position = t * n_blocks - t * (t + 1) / 2 + (u - t - 1);
            auto& pairs = out.pairs[static_cast<std::size_t>(position)];
            pairs.ptr.push_back(0);
            for (auto& parts : pair_parts) {
                auto& part = parts[static_cast<std::size_t>(u - t - 1)];
                for (const Index count : part.counts) pairs.ptr.push_back(pairs.ptr.back() + count);
                pairs.other.insert(pairs.other.end(), part.other.begin(), part.other.end());
                pairs.values.insert(pairs.values.end(), part.values.begin(), part.values.end());
            }
        }
        out.blocks.push_back(std::move(block));
    }
    return out;
}

}  // namespace partialpool
