#pragma once

#include "partialpool/columns.hpp"
#include "partialpool/covariance.hpp"

namespace partialpool {

/// Cross-products of one grouping factor with itself and with [X y].
struct Block {
    Index q = 0, k = 0;
    std::vector<double> A;  ///< (q, k, k): Z_l' Z_l
    std::vector<double> B;  ///< (q, k, p + 1): Z_l' [X y]

    ConstRowMap a(Index level) const { return {A.data() + level * k * k, k, k}; }
    ConstRowMap b(Index level, Index width) const {
        return {B.data() + level * k * width, k, width};
    }
};

/// Z_l' Z_j between the levels of two factors that occur together, by level of the first.
struct Pairs {
    std::vector<Index> ptr;           ///< (q_first + 1,)
    std::vector<std::int32_t> other;  ///< levels of the second factor, ascending within a row
    std::vector<double> values;       ///< (nnz, k_second, k_first)
};

/// All that a linear mixed model needs of its rows; sums over rows, in mapped coordinates.
struct CrossProducts {
    Index n = 0;  ///< rows with weight
    Index p = 0;
    RowMatrix C;  ///< (p + 1, p + 1): [X y]'[X y]
    std::vector<Block> blocks;
    std::vector<Pairs> pairs;  ///< for t < u at position pair_index(t, u)

    Index n_blocks() const { return static_cast<Index>(blocks.size()); }
    Index pair_index(Index t, Index u) const {
        return t * n_blocks() - t * (t + 1) / 2 + (u - t - 1);
    }
    const Pairs& pair(Index t, Index u) const {
        return pairs[static_cast<std::size_t>(pair_index(t, u))];
    }
};

/// Rows of one term as they come from the design.
struct TermRows {
    const double* basis;  ///< (n, k)
    Index k;
    Form form;
};

/// Rows of one grouping factor.
struct BlockRows {
    const std::int32_t* codes;  ///< (n,)
    Index q;
    std::vector<TermRows> terms;
};

struct Rows {
    Index n, p;
    const double* X;        ///< (n, p)
    const double* y;        ///< (n,)
    const double* weights;  ///< (n,) or null
    const double* offset;   ///< (n,) or null
    std::vector<BlockRows> blocks;
};

/// Where columns lie and how far they reach.
struct ColumnScales {
    Vector centre, scale;   ///< (p,)
    double constant = 0.0;  ///< value of the first column, if it is the intercept
    Index flat = -1;        ///< a column that never leaves its centre
};

/// What takes mapped results back to the user's units.
struct Scaling {
    ColumnScales columns;
    RowMapping x;
    std::vector<std::vector<RowMapping>> z;  ///< per block and term
    Vector beta0;                            ///< least squares coefficients of the kept columns
    Vector gamma;                            ///< the same in mapped columns, for y scaled by y_unit
    double y_centre = 0.0;
    double y_unit = 1.0;  ///< largest |y - y_centre|: keeps squares from overflowing
    Matrix aliases;       ///< (kept, aliased): each aliased column as a combination
    std::vector<Index> aliased;
    double y_scale = 1.0;  ///< mapped y times this is in the user's units
    double log_weights = 0.0;
    double residual_ratio = 1.0;  ///< |least squares residual| / |centred y|
    double y_deviation = 0.0;     ///< largest |y - mean|
    Index deficient_block = -1, deficient_term = -1, deficient_column = -1;

    bool solvable() const { return deficient_block < 0 && residual_ratio > 0.0; }
};

/// Where the columns of some rows lie.
struct RowSummary {
    double log_weights = 0.0;
    ColumnSummary x, y;
    std::vector<std::vector<ColumnSummary>> z;  ///< per block and term

    void add(const RowSummary& other);
};

/// Triangular factors of the columns of some rows, centred and scaled by a summary of all.
struct RowTriangles {
    Matrix xy;                           ///< of [X y]
    std::vector<std::vector<Matrix>> z;  ///< per block and term

    void add(const RowTriangles& other);
};

/// Triangle of [X y] as it is, weighted: as many rows as columns, with the cross-products of all.
Matrix plain_fixed(const RowSummary& summary, const RowTriangles& triangles);
/// The same of one random term.
Matrix plain_random(const Rows& rows, const RowSummary& summary, const RowTriangles& triangles,
                    std::size_t block, std::size_t term);

RowSummary summarise_rows(const Rows& rows);
RowTriangles factor_rows(const Rows& rows, const RowSummary& summary);

/// Find the maps that make the problem free of units: rank of X, least squares residuals,
/// centred and orthonormal X, whitened Z. Of `rows` only the structure is looked at.
Scaling find_scaling(const Rows& rows, const RowSummary& summary, const RowTriangles& triangles);
Scaling find_scaling(const Rows& rows);
/// The same for the same rows with another response; the whitening of Z is kept.
Scaling with_response(Scaling scaling, const Rows& rows);

/// One pass over the rows per block: cross-products in mapped coordinates.
CrossProducts accumulate(const Rows& rows, const Scaling& scaling, Index n_used);
/// Add the products of other rows of the same model.
void add(CrossProducts& products, const CrossProducts& other);
/// The same for the same rows with another response; only products with y are made again.
CrossProducts with_response(CrossProducts products, const Rows& rows, const Scaling& scaling);

namespace detail {

inline double root_weight(const Rows& rows, Index i) {
    return rows.weights ? std::sqrt(rows.weights[i]) : 1.0;
}

inline double response(const Rows& rows, Index i) {
    return rows.y[i] - (rows.offset ? rows.offset[i] : 0.0);
}

inline Index block_width(const BlockRows& block) {
    Index k = 0;
    for (const auto& term : block.terms) k += term.k;
    return k;
}

/// Row of Z of one block in mapped coordinates, times `factor`.
inline void map_z(const BlockRows& block, const std::vector<RowMapping>& maps, Index i,
                  double factor, double* out) {
    for (std::size_t t = 0; t < block.terms.size(); ++t) {
        const auto& term = block.terms[t];
        maps[t].apply(term.basis + i * term.k, factor, out);
        out += term.k;
    }
}

}  // namespace detail
}  // namespace partialpool
