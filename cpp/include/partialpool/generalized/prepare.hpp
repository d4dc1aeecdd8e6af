#pragma once

#include "partialpool/generalized/rows.hpp"

namespace partialpool::generalized {

/// Columns of one linear predictor as they come from the design.
struct PartRows {
    int predictor;
    const double* X;  ///< (n, p)
    Index p;
    /// Parts of the same group share their coefficients (thresholds); their columns are
    /// taken as they are.
    Index group;
    bool shared;
};

struct EffectRows {
    BlockRows rows;
    std::vector<int> predictor;  ///< per term
};

struct RawRows {
    Index n;
    int predictors;
    /// Per predictor, what counts as a moderate difference: mapped parameters are in this unit.
    std::vector<double> units;
    std::vector<PartRows> parts;
    std::vector<const double*> offset;  ///< per predictor, null for none
    std::vector<EffectRows> blocks;
};

/// What takes mapped coefficients of one group back to the user's columns.
struct GroupMap {
    RowMapping map;
    std::vector<Index> aliased;
    Matrix aliases;
    Index first = 0;  ///< position among the parameters
};

struct Prepared {
    ModelRows rows;
    std::vector<GroupMap> groups;
    std::vector<std::vector<RowMapping>> z;  ///< per block and term
    std::vector<Index> order;  ///< given rows, those that became one standing together
    std::vector<Index> start;  ///< (rows.n,) first of them in `order`
    Index deficient_block = -1, deficient_term = -1, deficient_column = -1;
};

/// Map columns to coordinates without units (X'X / n = I, Z'Z / n = I as far as the structure
/// allows) and sort the rows by the levels of the first factor. With `merge`, rows that
/// differ in nothing but the response become one.
Prepared prepare(const RawRows& raw, bool merge);

}  // namespace partialpool::generalized
