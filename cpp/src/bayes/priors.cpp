#include "partialpool/bayes/priors.hpp"

namespace partialpool::bayes {

Slope ScalePrior::at_log(double log_x) const {
    const double x = std::exp(log_x);
    switch (kind) {
        case Kind::half_normal: {
            const double z = x / a;
            return {log_x - 0.5 * z * z, 1.0 - z * z};
        }
        case Kind::half_student_t: {
            const double z = x / b, square = z * z / a;
            // For huge z the quotient is inf / inf, whose limit is one.
            const double part = std::isfinite(square) ? square / (1.0 + square) : 1.0;
            return {log_x - 0.5 * (a + 1.0) * std::log1p(square), 1.0 - (a + 1.0) * part};
        }
        case Kind::exponential: return {log_x - x / a, 1.0 - x / a};
        case Kind::gamma: return {a * log_x - b * x, a - b * x};
        case Kind::inverse_gamma: return {-a * log_x - b / x, -a + b / x};
        case Kind::log_normal: {
            const double z = (log_x - a) / b;
            return {-0.5 * z * z, -z / b};
        }
        default: return {log_x, 1.0};
    }
}

}  // namespace partialpool::bayes
