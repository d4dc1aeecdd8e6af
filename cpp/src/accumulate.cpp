#include "level_rows.hpp"

namespace partialpool {
namespace detail {
namespace {

/// [X y]'[X y]: what depends on the response, and the rest.
struct Border {
    Matrix xx;  ///< lower triangle
    Vector xy;  ///< [X y]'y

    explicit Border(Index p) : xx(Matrix::Zero(p, p)), xy(Vector::Zero(p + 1)) {}
};

/// The products of one block, summed on the way through its rows.
class BlockSums {
public:
    BlockSums(const Rows& rows, const Scaling& scaling, std::size_t t, Block& block)
        : rows_(rows),
          scaling_(scaling),
          t_(t),
          block_(block),
          width_(scaling.x.size() + 1),
          sorted_(sort_by_level(rows.blocks[t], rows.n)),
          chunks_(level_chunks(sorted_.ptr)) {}

    const Sorted& sorted() const { return sorted_; }
    const std::vector<Index>& chunks() const { return chunks_; }

    /// Z'y, and all that doesn't depend on y if `design` is set.
    Border read(bool design) {
        const auto n_chunks = static_cast<Index>(chunks_.size()) - 1;
        std::vector<Border> parts(static_cast<std::size_t>(n_chunks), Border(width_ - 1));
        for_chunks(n_chunks, [&](Index chunk) {
            const auto at = static_cast<std::size_t>(chunk);
            read_chunk(chunks_[at], chunks_[at + 1], design, parts[at]);
        });
        for (std::size_t c = 1; c < parts.size(); ++c) {
            parts[0].xx += parts[c].xx;
            parts[0].xy += parts[c].xy;
        }
        return parts[0];
    }

private:
    Index end_of(Index level) const { return sorted_.ptr[static_cast<std::size_t>(level) + 1]; }

    void read_chunk(Index level, Index last, bool design, Border& border) {
        MappedRows mapped(rows_, scaling_, t_, sorted_);
        const Index end = sorted_.ptr[static_cast<std::size_t>(last)];
        for (Index at = sorted_.ptr[static_cast<std::size_t>(level)]; at < end;) {
            mapped.read(at, std::min(at + batch_rows, end));
            // X'X and X'y are summed once, on the way through the first block.
            if (t_ == 0) {
                border.xy.head(width_ - 1) += mapped.x().transpose() * mapped.y();
                border.xy(width_ - 1) += mapped.y().squaredNorm();
                if (design)
                    border.xx.selfadjointView<Eigen::Lower>().rankUpdate(mapped.x().transpose());
            }
            while (at < mapped.end()) {
                const Index stop = std::min(mapped.end(), end_of(level));
                add_response(mapped, level, at - mapped.begin(), stop - at);
                if (design) add_design(mapped, level, at - mapped.begin(), stop - at);
                at = stop;
                if (at == end_of(level)) ++level;
            }
        }
    }

    void add_response(const MappedRows& rows, Index level, Index begin, Index count) {
        const auto y = rows.y().segment(begin, count);
        double* b = block_.B.data() + level * block_.k * width_ + width_ - 1;
        for (Index r = 0; r < block_.k; ++r)
            b[r * width_] += y.dot(rows.z().col(r).segment(begin, count));
    }

    void add_design(const MappedRows& rows, Index level, Index begin, Index count) {
        const Index k = block_.k;
        double* a = block_.A.data() + level * k * k;
        double* b = block_.B.data() + level * k * width_;
        for (Index r = 0; r < k; ++r) {
            const auto z = rows.z().col(r).segment(begin, count);
            for (Index s = 0; s <= r; ++s) {
                a[r * k + s] += z.dot(rows.z().col(s).segment(begin, count));
                a[s * k + r] = a[r * k + s];
            }
            for (Index c = 0; c < width_ - 1; ++c)
                b[r * width_ + c] += z.dot(rows.x().col(c).segment(begin, count));
        }
    }

    const Rows& rows_;
    const Scaling& scaling_;
    std::size_t t_;
    Block& block_;
    Index width_;
    Sorted sorted_;
    std::vector<Index> chunks_;
};

void set_response(CrossProducts& out, const Vector& xy) {
    out.C.col(out.p) = xy;
    out.C.row(out.p) = xy.transpose();
}

}  // namespace
}  // namespace detail

CrossProducts accumulate(const Rows& rows, const Scaling& scaling, Index n_used) {
    const Index m = scaling.x.size();
    CrossProducts out;
    out.n = n_used;
    out.p = m;
    out.C = RowMatrix::Identity(m + 1, m + 1);
    if (rows.blocks.empty())
        // Orthonormal X and residuals of norm sqrt(n), by construction.
        out.C(m, m) = scaling.residual_ratio > 0.0 ? static_cast<double>(n_used) : 0.0;
    // Pairs are appended in the order of CrossProducts::pair_index.
    for (std::size_t t = 0; t < rows.blocks.size(); ++t) {
        const Index q = rows.blocks[t].q, k = detail::block_width(rows.blocks[t]);
        out.blocks.push_back({q, k, std::vector<double>(static_cast<std::size_t>(q * k * k), 0.0),
                              std::vector<double>(static_cast<std::size_t>(q * k * (m + 1)), 0.0)});
        detail::BlockSums sums(rows, scaling, t, out.blocks[t]);
        const auto border = sums.read(true);
        if (t == 0) {
            out.C.topLeftCorner(m, m) = border.xx.selfadjointView<Eigen::Lower>();
            detail::set_response(out, border.xy);
        }
        for (auto& pairs : detail::accumulate_pairs(rows, scaling, t, sums.sorted(), sums.chunks()))
            out.pairs.push_back(std::move(pairs));
    }
    return out;
}

CrossProducts with_response(CrossProducts products, const Rows& rows, const Scaling& scaling) {
    const Index width = products.p + 1;
    for (std::size_t t = 0; t < rows.blocks.size(); ++t) {
        Block& block = products.blocks[t];
        for (Index at = width - 1; at < block.q * block.k * width; at += width)
            block.B[static_cast<std::size_t>(at)] = 0.0;
        const auto border = detail::BlockSums(rows, scaling, t, block).read(false);
        if (t == 0) detail::set_response(products, border.xy);
    }
    return products;
}

}  // namespace partialpool
