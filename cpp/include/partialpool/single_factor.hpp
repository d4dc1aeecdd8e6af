#pragma once

#include <functional>

#include "partialpool/lanes.hpp"
#include "partialpool/pieces.hpp"

namespace partialpool {

/// One grouping factor: every level is eliminated on its own, nothing else is left.
///
/// M_l = Lambda'A_l Lambda + I = L_l L_l', P_l = Lambda L_l^-T, so that
/// K_l = Lambda M_l^-1 Lambda' = P_l P_l'; V_l = P_l'B_l, C* = C - sum V_l'V_l. Then, with
/// D_l = I - A_l K_l and R the root of (X'V^-1 X)^-1, N_l = D_l A_l = Z_l'V^-1 Z_l,
/// F_l = D_l X_l R and g_l = D_l (y_l - X_l beta) = Z_l'Py.
class SingleFactor {
public:
    explicit SingleFactor(const CrossProducts& cp);
    /// Read Z'y again.
    void read_response();

    bool evaluate(const std::vector<Matrix>& lambda, const Likelihood& likelihood, Level level,
                  Pieces& out);

    /// Contract the tensor of the last evaluation with the directions.
    void curvature(const std::vector<Direction>& directions, const Likelihood& likelihood,
                   Level level, double scale, Curvature& out);

    /// b of all levels (q k,), for the fixed effects of the last evaluation.
    Vector effects(const Vector& beta) const;
    /// K_l of all levels (q, k, k), the conditional covariance of b over sigma^2.
    std::vector<double> conditional() const;
    Matrix P(Index level) const;
    /// Add sd P_l e with standard normal e to every level of b: a draw, where b holds the modes.
    void add_noise(double sd, const std::function<double()>& normal, Vector& b) const;

private:
    static constexpr Index groups_per_chunk = 256;

    /// Where the sums over levels stand, each a symmetric matrix as its lower triangle, row by
    /// row. A form of u and v is what gives u'E v by one product per entry with a symmetric E.
    struct Layout {
        Index information;  ///< N - F F' (REML) or N
        Index outer;        ///< form of g and g
        Index tensor;       ///< N (x) W, see `differentiate`
        Index mixed;        ///< forms of f_i and g, for p columns i
        Index fixed;        ///< forms of f_i and f_j, for i <= j
        Index size;         ///< of what is summed at this level of detail
    };
    /// Position of an entry in a packed lower triangle.
    static Index at(Index r, Index s) { return r >= s ? r * (r + 1) / 2 + s : s * (s + 1) / 2 + r; }
    /// Sums of one chunk of levels.
    struct Part {
        bool ok = true;
        double logdet = 0.0;
        std::vector<double> c;     ///< lower triangle of sum V_l'V_l
        std::vector<double> sums;  ///< as Layout says
        // Room that the next evaluation uses again.
        std::vector<Lanes> columns, lane_c, lane_sums;
    };

    Layout layout(const Likelihood& likelihood, Level level) const;
    template <int K>
    bool evaluate_k(const Matrix& lambda, const Likelihood& likelihood, Level level, Pieces& out);
    template <int K>
    void eliminate(const RowMatrix& lambda, Index chunk, Part& part);
    template <int K>
    void differentiate(const Pieces& pieces, const Likelihood& likelihood, Level level, Index chunk,
                       Part& part);

    const CrossProducts& cp_;
    Index q_, k_, width_, packed_, n_groups_, n_chunks_;
    std::vector<Lanes> A_;  ///< (groups, packed)
    std::vector<Lanes> B_;  ///< (groups, k, p + 1)
    std::vector<Lanes> P_;  ///< (groups, k, k)
    std::vector<Part> parts_;
    std::vector<double> total_;
    RowMatrix c_star_, border_;
    Matrix contracted_;  ///< of the tensor with one direction
    Vector forms_;       ///< one of the sums' forms in every direction
};

}  // namespace partialpool
