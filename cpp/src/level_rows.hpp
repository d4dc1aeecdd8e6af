#pragma once

#include "partialpool/cross_products.hpp"

namespace partialpool::detail {

/// Positions of the rows by level: rows of level l are order[ptr[l] .. ptr[l + 1]).
struct Sorted {
    std::vector<Index> ptr;
    std::vector<std::int32_t> order;  ///< empty when the rows already stand in order

    Index row(Index position) const {
        return order.empty() ? position : order[static_cast<std::size_t>(position)];
    }
};

inline Sorted sort_by_level(const BlockRows& block, Index n) {
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

/// Levels per chunk so that a chunk has about chunk_rows rows; depends on the data only.
inline std::vector<Index> level_chunks(const std::vector<Index>& ptr) {
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

/// Rows of Z of one block in mapped coordinates, from a position of the sorted order on.
void map_z(const Rows& rows, const Scaling& scaling, std::size_t block, const Sorted& sorted,
           Index begin, Eigen::Ref<Matrix> out);

/// Multiply rows by the roots of their weights.
void weigh(const Rows& rows, const Sorted& sorted, Index begin, Eigen::Ref<Matrix> out);

/// Some rows of [X y] and of one block's Z in mapped coordinates, times the roots of their
/// weights.
class MappedRows {
public:
    MappedRows(const Rows& rows, const Scaling& scaling, std::size_t block, const Sorted& sorted)
        : rows_(rows),
          scaling_(scaling),
          block_(block),
          sorted_(sorted),
          room_(batch_rows, scaling.x.size() + 1 + block_width(rows.blocks[block])),
          xy_(room_.rows().leftCols(scaling.x.size() + 1)),
          z_(room_.rows().rightCols(block_width(rows.blocks[block]))) {}

    /// Read the rows at positions [begin, end), at most batch_rows.
    void read(Index begin, Index end);

    Index begin() const { return begin_; }
    Index end() const { return begin_ + size_; }
    auto z() const { return z_.topRows(size_); }
    auto x() const { return xy_.topLeftCorner(size_, xy_.cols() - 1); }
    auto y() const { return xy_.col(xy_.cols() - 1).head(size_); }

private:
    const Rows& rows_;
    const Scaling& scaling_;
    std::size_t block_;
    const Sorted& sorted_;
    Index begin_ = 0, size_ = 0;
    Batch room_;
    Eigen::Ref<Matrix> xy_, z_;
};

/// Products of one block with the later ones.
std::vector<Pairs> accumulate_pairs(const Rows& rows, const Scaling& scaling, std::size_t block,
                                    const Sorted& sorted, const std::vector<Index>& chunks);

}  // namespace partialpool::detail
