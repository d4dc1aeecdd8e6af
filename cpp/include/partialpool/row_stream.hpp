#pragma once

#include "partialpool/cross_products.hpp"

namespace partialpool {

/// A model whose rows come in batches: each is read three times, and none is kept.
///
/// The sums of a batch are added to those so far, so that the result is that of all rows at once
/// but for rounding. All batches have the same columns and levels.
class RowStream {
public:
    void summarise(const Rows& rows);   ///< first pass
    void factor(const Rows& rows);      ///< second pass
    void find_scaling();                ///< after the second
    void accumulate(const Rows& rows);  ///< third pass

    Index used() const { return static_cast<Index>(summary_.y.count); }
    const RowSummary& summary() const { return summary_; }
    const RowTriangles& triangles() const { return triangles_; }
    const Scaling& scaling() const { return scaling_; }
    /// The rows' structure: a batch without its numbers.
    const Rows& structure() const { return structure_; }
    CrossProducts take() { return std::move(products_); }

    /// What the passes have found, of a saved model; throws std::invalid_argument if it doesn't
    /// fit the structure.
    void restore(const Rows& structure, RowSummary summary, RowTriangles triangles,
                 CrossProducts products);

private:
    bool summarised_ = false, factored_ = false, accumulated_ = false;
    Rows structure_{};
    RowSummary summary_;
    RowTriangles triangles_;
    Scaling scaling_;
    CrossProducts products_;
};

}  // namespace partialpool
