#pragma once

#include <cstdint>

#include "partialpool/matrix.hpp"

namespace partialpool::penalized {

/// Rows of one grouping factor, in the order of its levels. Rows without a level come nowhere.
class LevelOrder {
public:
    LevelOrder(const std::int32_t* codes, Index n, Index q);

    Index levels() const { return static_cast<Index>(start_.size()) - 1; }
    const Index* begin(Index level) const {
        return rows_.data() + start_[static_cast<std::size_t>(level)];
    }
    const Index* end(Index level) const {
        return rows_.data() + start_[static_cast<std::size_t>(level) + 1];
    }

private:
    std::vector<Index> start_, rows_;
};

/// A row-major matrix of the caller.
struct Table {
    const double* values;
    Index rows, columns;

    const double* row(Index i) const { return values + i * columns; }
};

/// sum over the rows of each level of w z x', (q, k, m); `weights` may be null, or negative.
void products(const LevelOrder& order, const Table& Z, const Table& X, const double* weights,
              double* out);

/// Z'a by level, (q, k).
void sums(const LevelOrder& order, const Table& Z, const double* a, double* out);

/// z_i'v of the level of each row, added to `out` (n,).
void add_values(const std::int32_t* codes, const Table& Z, const double* v, double* out) noexcept;

/// The levels of one factor, eliminated: M_j = scale A_j + P_j = L_j L_j' with
/// P_j = diag(d_j), and V_j = L_j^-1 (scale B_j).
struct Levels {
    Index q, k, m;
    const double* A;             ///< (q, k, k)
    const double* B;             ///< (q, k, m)
    const double* diag;          ///< (q, k)
    const std::int32_t* shared;  ///< (k,) border columns that are Z's own, or null
    const double* omega;         ///< (q,) with which the border's own columns are omega_j Z_j
    double scale;
};

/// Fill L (q, k, k) and V (q, k, m), and add sum V_j'V_j to S (m, m) where S is not null.
///
/// Rows and columns of S that are Z's own hold what is left of the border instead, the sum of
/// A_j - A_j M_j^-1 A_j and B_j - A_j M_j^-1 B_j, where A is scaled: as P_j M_j^-1 A_j, since the
/// difference has no digits left where a level's data outweigh its penalty by far.
/// False when some M_j is not positive definite.
bool factor(const Levels& levels, double* L, double* V, double* S);

/// x <- L^-1 x by level, and border (m,) <- sum V_j'x_j.
void forward(Index q, Index k, Index m, const double* L, const double* V, double* x,
             double* border);

/// x <- L^-T (x - V w) by level.
void backward(Index q, Index k, Index m, const double* L, const double* V, const double* w,
              double* x);

/// Leverages x̃'H^-1 x̃ of rows (x, z), with the Cholesky factor R (m, m) of the border.
void forms(const std::int32_t* codes, const Table& Z, const Table& X, const double* L,
           const double* V, const double* R, double* out);

}  // namespace partialpool::penalized
