#pragma once

#include <functional>

#include "partialpool/rest.hpp"
#include "partialpool/sensitivity.hpp"

namespace partialpool {

/// Several grouping factors. The largest is eliminated level by level; the others stay in
/// the Schur complement S (class Rest), X and y in a border around it.
///
/// M_j = Lambda_1'A_j Lambda_1 + I = L_j L_j', P_j = Lambda_1 L_j^-T, U_j = a_j P_j,
/// V_j = P_j'B_j; K = A_22 - sum U_j U_j', K_x = B_2 - sum U_j V_j, C* = C - sum V_j'V_j.
class Crossed {
public:
    explicit Crossed(const CrossProducts& cp);

    bool evaluate(const std::vector<Matrix>& lambda, const Likelihood& likelihood, Level level,
                  Pieces& out);
    Curvature curvature(const std::vector<Direction>& directions, const Likelihood& likelihood,
                        Level level, double scale) const;

    /// Quadratic forms (x, z)'[joint precision]^-1 (x, z) for a batch of rows; `z` holds
    /// the rows' mapped columns per block, zero where the level takes no part.
    void quadratic_forms(const Rows& rows, Index begin, const Matrix& x,
                         const std::vector<Matrix>& z, std::span<double> out) const;

    /// How the estimates hang on the covariance; needs evaluate with at least the gradient.
    Sensitivity sensitivity(const std::vector<Direction>& directions, bool with_products) const;

    /// b_t for every block, (q k,) each; needs evaluate with at least the gradient.
    const std::vector<Vector>& effects() const { return b_; }
    /// Conditional covariance of b over sigma^2 (given beta), per block (q, k, k).
    std::vector<std::vector<double>> conditional() const;
    /// A draw of b given beta, of every block; sd is the residual standard deviation.
    std::vector<Vector> draw(const Vector& beta, double sd,
                             const std::function<double()>& normal) const;
    bool is_sparse() const { return sparse_; }

private:
    /// L^-1 Lambda'z for columns z in random-effect coordinates, x in the border.
    struct HalfSolved {
        Matrix first, rest, border;
    };

    /// Parts of the data that share no level of any factor.
    struct Parts {
        std::vector<Index> of;                                     ///< per level, block after block
        std::vector<std::vector<std::pair<Index, Index>>> levels;  ///< block and level
        Index largest = 0;
    };

    Index q1() const { return cp_.blocks[0].q; }
    Index k1() const { return cp_.blocks[0].k; }
    ConstRowMap P(Index j) const { return {P_.data() + j * k1() * k1(), k1(), k1()}; }
    bool eliminate(const Matrix& lambda, double& logdet);
    void effects(const Vector& beta_y);
    void gradient(const Likelihood& likelihood, Pieces& out);
    std::vector<Matrix> multiply(const std::vector<Matrix>& b) const;
    /// Lambda of the rest's blocks.
    std::span<const Matrix> rest_lambda() const { return std::span(lambda_).subspan(1); }
    Matrix traces(const std::vector<Direction>& directions, const Likelihood& likelihood) const;
    HalfSolved half_solve(const std::vector<Matrix>& z, const Matrix& x) const;
    RowMatrix rest_b() const;
    std::vector<Matrix> information_times(const std::vector<Matrix>& z) const;
    std::vector<Matrix> fixed_columns() const;
    Matrix rest_times(const Direction& direction, const Matrix& x) const;
    void add_dense_traces(const std::vector<Direction>& directions, Sensitivity& out) const;
    Parts parts() const;
    void add_traces(const std::vector<Direction>& directions, const Parts& parts,
                    Sensitivity& out) const;
    void add_columns(const std::vector<Direction>& directions, const Parts& parts,
                     const std::vector<Index>& block_of, const std::vector<Index>& level_of,
                     const std::vector<Matrix>& n, Sensitivity& out) const;

    const CrossProducts& cp_;
    Index width_;
    RestLayout layout_;
    Contacts contacts_;
    bool sparse_ = false;
    std::unique_ptr<Rest> rest_;
    std::vector<double> P_, V_;
    std::vector<Matrix> lambda_;
    RowMatrix c_star_;
    Matrix kx_, R_, W_;
    Matrix root_;
    std::vector<Vector> b_, g_;
};

}  // namespace partialpool
