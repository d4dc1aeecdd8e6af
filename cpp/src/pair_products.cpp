#include "level_rows.hpp"

namespace partialpool::detail {
namespace {

/// Z_u'Z_t between successive levels of block t and the levels of block u that they meet.
class PairProducts {
public:
    PairProducts(const Rows& rows, const Scaling& scaling, std::size_t t, std::size_t u)
        : rows_(rows),
          scaling_(scaling),
          t_(t),
          u_(u),
          slot_(static_cast<std::size_t>(rows.blocks[u_].q), -1),
          zt_(batch_rows, block_width(rows.blocks[t_])),
          zu_(batch_rows, block_width(rows.blocks[u_])) {}

    std::vector<Index> counts;        ///< levels met, one for each level added
    std::vector<std::int32_t> other;  ///< which they are, ascending
    std::vector<double> values;

    /// Add a level, the rows at positions [begin, end).
    void add(const Sorted& sorted, Index begin, Index end) {
        const Index base = find_met(sorted, begin, end), kt = zt_.cols(), ku = zu_.cols();
        values.resize(other.size() * static_cast<std::size_t>(ku * kt), 0.0);
        for (Index from = begin; from < end; from += batch_rows) {
            const Index size = std::min(batch_rows, end - from);
            map_z(rows_, scaling_, t_, sorted, from, zt_.topRows(size));
            map_z(rows_, scaling_, u_, sorted, from, zu_.topRows(size));
            weigh(rows_, sorted, from, zt_.topRows(size));
            weigh(rows_, sorted, from, zu_.topRows(size));
            for (Index i = 0; i < size; ++i) {
                const Index row = sorted.row(from + i);
                if (!used(row)) continue;
                double* v = values.data() + slot(row) * ku * kt;
                for (Index r = 0; r < ku; ++r)
                    for (Index s = 0; s < kt; ++s) v[r * kt + s] += zu_(i, r) * zt_(i, s);
            }
        }
        for (auto at = static_cast<std::size_t>(base); at < other.size(); ++at)
            slot_[static_cast<std::size_t>(other[at])] = -1;
    }

private:
    Index& slot(Index i) { return slot_[static_cast<std::size_t>(rows_.blocks[u_].codes[i])]; }

    bool used(Index i) const { return !rows_.weights || rows_.weights[i] > 0.0; }

    /// Append the levels met, ascending, and say where the first of them stands.
    Index find_met(const Sorted& sorted, Index begin, Index stop) {
        const auto base = static_cast<Index>(other.size());
        for (Index at = begin; at < stop; ++at) {
            const Index i = sorted.row(at);
            if (!used(i) || slot(i) >= 0) continue;
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
    Matrix zt_, zu_;
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

}  // namespace

std::vector<Pairs> accumulate_pairs(const Rows& rows, const Scaling& scaling, std::size_t block,
                                    const Sorted& sorted, const std::vector<Index>& chunks) {
    std::vector<std::vector<PairProducts>> parts(chunks.size() - 1);
    for_chunks(static_cast<Index>(parts.size()), [&](Index chunk) {
        const auto c = static_cast<std::size_t>(chunk);
        for (std::size_t u = block + 1; u < rows.blocks.size(); ++u)
            parts[c].emplace_back(rows, scaling, block, u);
        for (Index l = chunks[c]; l < chunks[c + 1]; ++l)
            for (auto& pair : parts[c])
                pair.add(sorted, sorted.ptr[static_cast<std::size_t>(l)],
                         sorted.ptr[static_cast<std::size_t>(l) + 1]);
    });
    std::vector<Pairs> out;
    for (std::size_t u = 0; u < rows.blocks.size() - block - 1; ++u) out.push_back(join(parts, u));
    return out;
}

}  // namespace partialpool::detail
