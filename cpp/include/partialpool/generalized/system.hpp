#pragma once

#include <memory>
#include <optional>

#include "partialpool/generalized/rows.hpp"
#include "partialpool/rest.hpp"

namespace partialpool::generalized {

/// A = Z'WZ and the factor of M = Lambda'A Lambda + I, for weights that change.
///
/// All results are in the coordinates of b = Lambda u, through K = Lambda M^-1 Lambda' and
/// D = I - A K, so that nothing is divided by Lambda. The largest factor is eliminated level
/// by level: M_j = L_j L_j', P_j = Lambda L_j^-T, U_j = a_j P_j; the other factors stay in
/// class Rest.
class PenalisedSystem {
public:
    explicit PenalisedSystem(const ModelRows& rows);

    /// Set the weights, packed by pair_of: minus second derivatives of the log-density.
    void fill(const std::array<std::vector<double>, 6>& weights) { rows_.fill(weights, cp_); }
    /// False when M is not positive definite.
    bool factor(const std::vector<Matrix>& lambda);
    double log_determinant() const { return logdet_; }

    /// K r.
    Matrix solve(const Matrix& r) const;
    /// A b.
    Matrix multiply(const Matrix& b) const;
    /// Prepare what `information` and `forms` need.
    void invert();
    /// sum_l [A - A K A]_ll for block t.
    Matrix information(Index t) const;
    /// [A - A K A]_ll for every level of block t; of other factors than the first it costs a
    /// solve for each of their effects.
    std::vector<Matrix> informations(Index t) const;
    /// h = z_a'K z_b for every row, packed by pair_of; only random predictors.
    void forms(std::array<std::vector<double>, 6>& h) const;
    /// z'Kz for rows given by positions among the effects and values.
    Vector quadratic_forms(const std::vector<std::vector<std::pair<Index, double>>>& z) const;
    /// K_ll for every level of block t, (q, k, k).
    std::vector<double> diagonal_blocks(Index t) const;

    ConstRowMap P(Index j) const { return {P_.data() + j * k1() * k1(), k1(), k1()}; }
    ConstRowMap A(Index t, Index l) const { return cp_.blocks[static_cast<std::size_t>(t)].a(l); }
    Index n_blocks() const { return cp_.n_blocks(); }

private:
    Index k1() const { return cp_.blocks[0].k; }
    Index q1() const { return cp_.blocks[0].q; }
    bool eliminate(const Matrix& lambda);
    /// Of one level: S^-1 at its contacts, S^-1 Lambda_2'U and I + U'Lambda_2 of that; of one
    /// row: w, the entries of Lambda_2'z_2 and where they stand among the contacts.
    struct LevelWork {
        Matrix inverse;
        RowMatrix su, t;
        Matrix w, y;
        std::vector<Index> where;
    };
    std::vector<double> information_forms() const;
    Matrix level_information(Index j, const std::vector<double>& forms) const;
    void level_forms(Index j, LevelWork& work, std::array<std::vector<double>, 6>& h) const;
    std::span<const Matrix> rest_lambda() const { return std::span(lambda_).subspan(1); }

    const ModelRows& rows_;
    CrossProducts cp_;
    RestLayout layout_;
    Contacts contacts_;
    std::unique_ptr<Rest> rest_;  ///< none with one grouping factor
    std::vector<Matrix> lambda_;
    std::vector<double> P_;
    std::vector<double> scaled_u_;  ///< Lambda_2'U
    double logdet_ = 0.0;
};

}  // namespace partialpool::generalized
