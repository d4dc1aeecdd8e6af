#include "level_rows.hpp"

namespace partialpool::detail {
namespace {

void copy(const double* from, Index columns, const std::vector<Index>& kept, const Sorted& sorted,
          Index begin, Eigen::Ref<Matrix> to) {
    for (Index c = 0; c < to.cols(); ++c) {
        const double* column = from + kept[static_cast<std::size_t>(c)];
        for (Index i = 0; i < to.rows(); ++i) to(i, c) = column[sorted.row(begin + i) * columns];
    }
}

}  // namespace

void map_z(const Rows& rows, const Scaling& scaling, std::size_t block, const Sorted& sorted,
           Index begin, Eigen::Ref<Matrix> out) {
    Index first = 0;
    for (std::size_t t = 0; t < rows.blocks[block].terms.size(); ++t) {
        const auto& term = rows.blocks[block].terms[t];
        const auto& map = scaling.z[block][t];
        auto z = out.middleCols(first, term.k);
        copy(term.basis, term.k, map.kept, sorted, begin, z);
        map.apply(z);
        first += term.k;
    }
}

void weigh(const Rows& rows, const Sorted& sorted, Index begin, Eigen::Ref<Matrix> out) {
    if (!rows.weights) return;
    for (Index i = 0; i < out.rows(); ++i) {
        const double w = root_weight(rows, sorted.row(begin + i));
        // What doesn't count may be too large to be multiplied.
        if (w == 0.0)
            out.row(i).setZero();
        else
            out.row(i) *= w;
    }
}

void MappedRows::read(Index begin, Index end) {
    begin_ = begin;
    size_ = end - begin;
    const Index m = scaling_.x.size();
    auto x = xy_.topLeftCorner(size_, m);
    copy(rows_.X, rows_.p, scaling_.x.kept, sorted_, begin, x);
    scaling_.x.apply(x);
    auto y = xy_.col(m).head(size_);
    for (Index i = 0; i < size_; ++i) y(i) = response(rows_, sorted_.row(begin + i));
    y = (y.array() - scaling_.y_centre) / scaling_.y_unit;
    for (Index c = 0; c < m; ++c) y -= scaling_.gamma(c) * x.col(c);
    y *= scaling_.y_unit / scaling_.y_scale;
    weigh(rows_, sorted_, begin, xy_.topRows(size_));
    map_z(rows_, scaling_, block_, sorted_, begin, z_.topRows(size_));
    weigh(rows_, sorted_, begin, z_.topRows(size_));
}

}  // namespace partialpool::detail
