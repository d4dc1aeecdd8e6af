#pragma once

#include <optional>

#include "partialpool/rest.hpp"

namespace partialpool {

/// Which levels of the rest meet, in an order that keeps the factor sparse.
///
/// Nodes are levels of the rest; node order is the order of elimination. A factor on this
/// pattern stores, for scalar column c of node J with k columns, the rows c .. k - 1 of its own
/// node and then all rows of every node below, so that whole blocks stand together.
struct SparsePattern {
    std::vector<Index> start;  ///< (nodes + 1,) first scalar row of a node, in elimination order
    std::vector<Index> block;  ///< (nodes,) which block of the layout
    std::vector<Index> level;  ///< (nodes,) which level of it
    std::vector<Index> ptr;    ///< (nodes + 1,) into `below`
    std::vector<std::int32_t> below;  ///< nodes below, ascending
    std::vector<Index> column;        ///< (m + 1,) into the values
    std::vector<std::int32_t> row;    ///< (values,) scalar rows
    std::vector<Index> position;      ///< (m,) layout column -> scalar row in elimination order

    Index nodes() const { return static_cast<Index>(block.size()); }
    Index size(Index node) const {
        return start[static_cast<std::size_t>(node) + 1] - start[static_cast<std::size_t>(node)];
    }
    Index n_values() const { return column.back(); }
    /// Position of the entry (row, column), which has to be part of the pattern.
    Index find(Index row_index, Index column_index) const;
};

/// The pattern, or nothing when a dense factor is the better choice.
std::optional<SparsePattern> find_pattern(const CrossProducts& cp, const RestLayout& layout,
                                          const Contacts& contacts);

/// The rest as a sparse matrix: nested factors, employers and employees.
class SparseRest final : public Rest {
public:
    SparseRest(RestLayout layout, SparsePattern pattern, const CrossProducts& cp,
               const Contacts& contacts);

    void refill(const CrossProducts& cp) override;
    void form(const Contacts& contacts) override;
    bool factor(const std::vector<Matrix>& lambda) override;
    double log_determinant() const override;
    void half_solve(Matrix& b) const override;
    void back_solve(Matrix& b) const override;
    Matrix multiply(const Matrix& b) const override;
    void invert() override;
    Matrix mixed_trace(Index t) const override;
    Matrix exact_trace(Index t) const override;
    void contact_forms(const Contacts& contacts, const std::vector<double>& scaled,
                       std::vector<double>& forms) const override;
    void gather(const Contacts& contacts, Index j, double* out) const override;
    void diagonal_blocks(Index t, double* out) const override;

private:
    const Matrix& lambda_of(Index node) const {
        return lambda_[static_cast<std::size_t>(pattern_.block[static_cast<std::size_t>(node)])];
    }
    /// Visit every value of the rest's cross-products with its row and column.
    template <class Visit>
    void visit_values(const CrossProducts& cp, Visit&& visit) const;
    /// Block (row node, column node) of values on the pattern; `entry` counts the nodes below.
    Matrix block_below(const std::vector<double>& values, Index node, Index entry) const;
    Matrix block_diagonal(const std::vector<double>& values, Index node) const;
    template <class Visit>
    void visit_below(Index node, Visit&& visit) const;

    RestLayout layout_;
    SparsePattern pattern_;
    std::vector<double> a22_, K_, factor_, inverse_;
    std::vector<Index> places_;      ///< position of every value of the cross-products
    std::vector<Index> slots_;       ///< position of every pair of contacts, level by level
    std::vector<Index> slot_start_;  ///< (levels + 1,)
    std::vector<Matrix> lambda_;
};

}  // namespace partialpool
