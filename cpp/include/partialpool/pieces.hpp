#pragma once

#include "partialpool/cross_products.hpp"

namespace partialpool {

/// Which likelihood: REML or not, and the residual variance if it is known.
struct Likelihood {
    bool reml = true;
    double fixed_variance = 0.0;  ///< in mapped units; 0 when it is estimated

    bool profiled() const { return !(fixed_variance > 0.0); }
};

/// How much to compute.
enum class Level : int { value, gradient, average, exact };

/// What one evaluation at given Lambda yields, in mapped coordinates.
///
/// With P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1 and s = y'Py.
struct Pieces {
    bool ok = false;
    double logdet_v = 0.0, logdet_x = 0.0, s = 0.0;
    double scale = 0.0;  ///< nu / s, or 1 / sigma^2 when that is known
    Vector beta;
    Matrix root;  ///< (X'V^-1 X)^-1 = root root'
    /// sum_l Z_l'PZ_l (REML) or Z_l'V^-1 Z_l (ML), per block: what the data could tell.
    std::vector<Matrix> information;
    std::vector<Matrix> outer;  ///< sum_l g_l g_l' with g = Z'Py, per block

    /// d objective / d Sigma of a block.
    Matrix G(std::size_t block) const { return information[block] - scale * outer[block]; }
};

inline double degrees(const CrossProducts& cp, const Likelihood& likelihood) {
    return static_cast<double>(cp.n - (likelihood.reml ? cp.p : 0));
}

/// Solve the bordered system C* = [X y]'V^-1[X y] for beta, s and (X'V^-1 X)^-1.
bool finish_border(const RowMatrix& c_star, const CrossProducts& cp, const Likelihood& likelihood,
                   Pieces& out);

/// Minus twice the log-likelihood, or the REML criterion, in mapped units.
double objective_value(const CrossProducts& cp, const Likelihood& likelihood, const Pieces& pieces);

/// One direction dSigma / dpsi_a: a k x k matrix in one block.
struct Direction {
    Index block;
    Matrix e;
};

/// Second-order pieces over all directions: with q(a, b) = y'P V_a P V_b P y and tau(a, b) =
/// tr(P V_a P V_b), or with V^-1 for ML.
struct Curvature {
    Matrix h;  ///< scale q, or exact 2 scale q - tau
    Vector c;  ///< y'P V_a P y
};

/// Sum of logarithms of positive numbers with one log at the end of each run.
class LogProduct {
public:
    void multiply(double x) {
        product_ *= x;
        if (product_ > 1e100 || product_ < 1e-100) {
            sum_ += std::log(product_);
            product_ = 1.0;
        }
    }
    double value() const { return sum_ + std::log(product_); }

private:
    double product_ = 1.0, sum_ = 0.0;
};

}  // namespace partialpool
