#pragma once

#include <memory>

#include "partialpool/dense.hpp"
#include "partialpool/pieces.hpp"

namespace partialpool {

/// Levels of the first factor and the columns of the other factors that each one meets.
///
/// "Columns" are scalar columns of the rest: level l of block t has columns
/// offset(t) + l k_t ... For level j they are columns[ptr[j]] .. columns[ptr[j + 1]],
/// ascending; `a` holds Z_rest'Z_j and `u` holds a P_j, row by row (k_1 numbers each).
struct Contacts {
    Index k = 0;  ///< columns of the first factor
    std::vector<Index> ptr;
    std::vector<std::int32_t> columns;
    std::vector<double> a, u;

    Index n_levels() const { return static_cast<Index>(ptr.size()) - 1; }
    Index count(Index j) const {
        return ptr[static_cast<std::size_t>(j) + 1] - ptr[static_cast<std::size_t>(j)];
    }
    const std::int32_t* cols(Index j) const {
        return columns.data() + ptr[static_cast<std::size_t>(j)];
    }
    ConstRowMap A(Index j) const {
        return {a.data() + ptr[static_cast<std::size_t>(j)] * k, count(j), k};
    }
    ConstRowMap U(Index j) const {
        return {u.data() + ptr[static_cast<std::size_t>(j)] * k, count(j), k};
    }
};

/// Where the blocks of the rest stand among its columns.
struct RestLayout {
    std::vector<Index> offset, k, q;
    Index m = 0;

    Index n_blocks() const { return static_cast<Index>(k.size()); }
};

/// Blocks after the first, one under the other.
RestLayout make_layout(const CrossProducts& cp);
/// Who meets whom, and Z_rest'Z_j there.
Contacts make_contacts(const CrossProducts& cp, const RestLayout& layout);
/// Take new values of the same pattern.
void refill(const CrossProducts& cp, const RestLayout& layout, Contacts& contacts);

/// Lambda_2' times rows that stand like the contacts.
std::vector<double> scale_contacts(const Contacts& contacts, const RestLayout& layout,
                                   std::span<const Matrix> lambda,
                                   const std::vector<double>& values);

/// May one divide by this triangular Lambda? Near singularity the quotient would be noise.
bool well_conditioned(const Matrix& lambda);

/// a'ba for small matrices; Eigen's blocked product would be compiled for every pair of types.
template <class A, class B>
Matrix sandwich(const A& a, const B& b) {
    const Matrix right = b.lazyProduct(a);
    return a.transpose().lazyProduct(right);
}

/// Lambda, or its transpose, times the rows of every level of the rest.
void multiply_levels(const RestLayout& layout, std::span<const Matrix> lambda, bool transposed,
                     Matrix& rows);

/// What is left after the first factor has been eliminated: K = Z_2'V_1^-1 Z_2 and the
/// factor of S = Lambda'K Lambda + I. The symbols are those of class Crossed.
class Rest {
public:
    virtual ~Rest() = default;
    /// Take new values of the same pattern.
    virtual void refill(const CrossProducts& cp) = 0;
    /// K = A_22 - sum_j U_j U_j'.
    virtual void form(const Contacts& contacts) = 0;
    /// Factor S; false when it is not positive definite.
    virtual bool factor(const std::vector<Matrix>& lambda) = 0;
    virtual double log_determinant() const = 0;
    /// b <- L^-1 b.
    virtual void half_solve(Matrix& b) const = 0;
    /// b <- L^-T b.
    virtual void back_solve(Matrix& b) const = 0;
    /// K b.
    virtual Matrix multiply(const Matrix& b) const = 0;
    /// Prepare S^-1 where it is needed.
    virtual void invert() = 0;
    /// sum_l [K Lambda S^-1]_ll of block t.
    virtual Matrix mixed_trace(Index t) const = 0;
    /// sum_l [K - K Lambda S^-1 Lambda'K]_ll of block t; dear, but free of division by Lambda.
    virtual Matrix exact_trace(Index t) const = 0;
    /// For every level j of the first factor: (Lambda'a_j)'S^-1(Lambda'a_j), k x k each.
    virtual void contact_forms(const Contacts& contacts, const std::vector<double>& scaled,
                               std::vector<double>& forms) const = 0;
    /// S^-1 at the contacts of level j, (count, count).
    virtual void gather(const Contacts& contacts, Index j, double* out) const = 0;
    /// [S^-1]_ll for every level of block t, (q, k, k).
    virtual void diagonal_blocks(Index t, double* out) const = 0;
};

/// sum_l [K - K Lambda S^-1 Lambda'K]_ll of block t by the cheaper way that is accurate.
Matrix information(const Rest& rest, Index t, const Matrix& lambda);

/// Dense or sparse, whatever is the better choice.
std::unique_ptr<Rest> make_rest(const CrossProducts& cp, const RestLayout& layout,
                                const Contacts& contacts, bool& sparse);

}  // namespace partialpool
