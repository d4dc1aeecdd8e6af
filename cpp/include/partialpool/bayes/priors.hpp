#pragma once

#include "partialpool/matrix.hpp"

namespace partialpool::bayes {

/// A number and its derivative.
struct Slope {
    double value = 0.0, slope = 0.0;
};

/// Prior of a standard deviation, up to a constant.
struct ScalePrior {
    enum class Kind : int {
        flat,
        half_normal,     ///< scale
        half_student_t,  ///< degrees of freedom, scale
        exponential,     ///< mean
        gamma,           ///< shape, rate
        inverse_gamma,   ///< shape, scale
        log_normal,      ///< mean and standard deviation of the logarithm
        constant         ///< the value; for sigma alone
    };
    Kind kind = Kind::flat;
    double a = 0.0, b = 0.0;

    /// Log density of log x, Jacobian included, and its derivative in log x.
    Slope at_log(double log_x) const;
};

/// Normal priors of combinations of the fixed effects in mapped coordinates:
/// beta'Omega beta - 2 h'beta + c; zero where the prior is flat.
struct FixedPrior {
    Matrix omega;
    Vector h;
    double c = 0.0;
};

}  // namespace partialpool::bayes
