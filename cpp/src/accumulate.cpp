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

/// Rows of one level of a block: positions [begin, end) of the sorted order.
struct LevelRows {
    const Sorted& sorted;
    Index begin, end;
};

/// Z'Z and Z'[X y] of one level, and [X y]'[X y] if `c` is wanted.
class OwnProducts {
public:
    OwnProducts(const Rows& rows, const Scaling& scaling, Index t, Block& block, Index width)
        : rows_(rows),
          scaling_(scaling),
          t_(static_cast<std::size_t>(t)),
          block_(block),
          z_(block.k),
          xy_(width) {}

    void add(Index level, const LevelRows& of, RowMatrix* c) {
        const Index k = z_.size(), width = xy_.size();
        double* a = block_.A.data() + level * k * k;
        double* b = block_.B.data() + level * k * width;
        for (Index at = of.begin; at < of.end; ++at) {
            const Index i = of.sorted.row(at);
            const double w = root_weight(rows_, i);
            if (w == 0.0) continue;
            map_z(rows_.blocks[t_], scaling_.z[t_], i, w, z_.data());
            map_xy(rows_, scaling_, i, w, xy_.data());
            for (Index r = 0; r < k; ++r) {
                for (Index s = 0; s < k; ++s) a[r * k + s] += z_(r) * z_(s);
                for (Index s = 0; s < width; ++s) b[r * width + s] += z_(r) * xy_(s);
            }
            if (!c) continue;
            for (Index r = 0; r < width; ++r)
                for (Index s = 0; s < width; ++s) (*c)(r, s) += xy_(r) * xy_(s);
        }
    }

private:
    const Rows& rows_;
    const Scaling& scaling_;
    std::size_t t_;
    Block& block_;
    Vector z_, xy_;
};

/// Z_u'Z_t between successive levels of block t and the levels of block u that they meet.
class PairProducts {
public:
    PairProducts(const Rows& rows, const Scaling& scaling, Index t, Index u)
        : rows_(rows),
          scaling_(scaling),
          t_(static_cast<std::size_t>(t)),
          u_(static_cast<std::size_t>(u)),
          slot_(static_cast<std::size_t>(rows.blocks[u_].q), -1),
          zt_(block_width(rows.blocks[t_])),
          zu_(block_width(rows.blocks[u_])) {}

    std::vector<Index> counts;        ///< levels met, one for each level added
    std::vector<std::int32_t> other;  ///< which they are, ascending
    std::vector<double> values;

    void add(const LevelRows& of) {
        const Index base = find_met(of), kt = zt_.size(), ku = zu_.size();
        values.resize(other.size() * static_cast<std::size_t>(ku * kt), 0.0);
        for (Index at = of.begin; at < of.end; ++at) {
            const Index i = of.sorted.row(at);
            const double w = root_weight(rows_, i);
            if (w == 0.0) continue;
            map_z(rows_.blocks[t_], scaling_.z[t_], i, w, zt_.data());
            map_z(rows_.blocks[u_], scaling_.z[u_], i, w, zu_.data());
            double* v = values.data() + slot(i) * ku * kt;
            for (Index r = 0; r < ku; ++r)
                for (Index s = 0; s < kt; ++s) v[r * kt + s] += zu_(r) * zt_(s);
        }
        for (auto at = static_cast<std::size_t>(base); at < other.size(); ++at)
            slot_[static_cast<std::size_t>(other[at])] = -1;
    }

private:
    Index& slot(Index i) { return slot_[static_cast<std::size_t>(rows_.blocks[u_].codes[i])]; }

    /// Append the levels met, ascending, and say where the first of them stands.
    Index find_met(const LevelRows& of) {
        const auto base = static_cast<Index>(other.size());
        for (Index at = of.begin; at < of.end; ++at) {
            const Index i = of.sorted.row(at);
            if ((rows_.weights && rows_.weights[i] == 0.0) || slot(i) >= 0) continue;
            slot(i) = 0;
            other.push_back(rows_.blocks[u_].codes[i]);
        }
        std::sort(other.begin() + base, other.end());
        const auto end = static_cast<Index>(other.size());
        for (Index at = base; at < end; ++at)
            slot_[static_cast<std::size_t>(other[static_cast<std::size_t>(at)])] = at;
        counts.push_back(end - base);
        return base;
    }

    const Rows& rows_;
    const Scaling& scaling_;
    std::size_t t_, u_;
    std::vector<Index> slot_;  ///< position of a level of u among `other`, -1 for none
    Vector zt_, zu_;
};

/// Put the chunks of a pair of blocks together.
Pairs join(const std::vector<std::vector<PairProducts>>& chunks, std::size_t u) {
    Pairs out;
    out.ptr.push_back(0);
    for (const auto& chunk : chunks) {
        const auto& part = chunk[u];
        for (const Index count : part.counts) out.ptr.push_back(out.ptr.back() + count);
        out.other.insert(out.other.end(), part.other.begin(), part.other.end());
        out.values.insert(out.values.end(), part.values.begin(), part.values.end());
    }
    return out;
}

/// Products of one block with itself, with [X y] and with the later blocks.
void accumulate_block(const Rows& rows, const Scaling& scaling, Index t, CrossProducts& out) {
    const auto& source = rows.blocks[static_cast<std::size_t>(t)];
    const auto n_blocks = static_cast<Index>(rows.blocks.size());
    const Index width = out.p + 1;
    const auto sorted = sort_by_level(source, rows.n);
    Block block;
    block.q = source.q;
    block.k = block_width(source);
    block.A.assign(static_cast<std::size_t>(block.q * block.k * block.k), 0.0);
    block.B.assign(static_cast<std::size_t>(block.q * block.k * width), 0.0);
    const auto starts = level_chunks(sorted.ptr);
    const auto n_chunks = starts.size() - 1;
    std::vector<RowMatrix> c_parts(n_chunks);
    std::vector<std::vector<PairProducts>> pair_parts(n_chunks);
    for_chunks(static_cast<Index>(n_chunks), [&](Index chunk) {
        const auto at = static_cast<std::size_t>(chunk);
        // [X y]'[X y] is summed once, on the way through the first block.
        c_parts[at] = RowMatrix::Zero(t == 0 ? width : 0, t == 0 ? width : 0);
        OwnProducts own(rows, scaling, t, block, width);
        auto& pairs = pair_parts[at];
        for (Index u = t + 1; u < n_blocks; ++u) pairs.emplace_back(rows, scaling, t, u);
        for (Index l = starts[at]; l < starts[at + 1]; ++l) {
            const LevelRows of{sorted, sorted.ptr[static_cast<std::size_t>(l)],
                               sorted.ptr[static_cast<std::size_t>(l) + 1]};
            own.add(l, of, t == 0 ? &c_parts[at] : nullptr);
            for (auto& pair : pairs) pair.add(of);
        }
    });
    if (t == 0)
        for (const auto& c : c_parts) out.C += c;
    for (Index u = t + 1; u < n_blocks; ++u)
        out.pairs.push_back(join(pair_parts, static_cast<std::size_t>(u - t - 1)));
    out.blocks.push_back(std::move(block));
}

}  // namespace
}  // namespace detail

CrossProducts accumulate(const Rows& rows, const Scaling& scaling, Index n_used) {
    const Index m = scaling.x.size();
    CrossProducts out;
    out.n = n_used;
    out.p = m;
    out.C = RowMatrix::Zero(m + 1, m + 1);
    if (rows.blocks.empty()) {
        // Orthonormal X and residuals of norm sqrt(n), by construction.
        out.C.diagonal().head(m).setOnes();
        out.C(m, m) = scaling.residual_ratio > 0.0 ? static_cast<double>(n_used) : 0.0;
    }
    // Pairs are appended in the order of CrossProducts::pair_index.
    for (std::size_t t = 0; t < rows.blocks.size(); ++t)
        detail::accumulate_block(rows, scaling, static_cast<Index>(t), out);
    return out;
}

}  // namespace partialpool
