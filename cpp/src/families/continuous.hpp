#pragma once

#include "family_density.hpp"

namespace partialpool::families {

/// Information about a location with variance 1 / precision(location).
template <class T>
Information location_information(const T& location, const T& precision) {
    const double d1 = location.first[0], d2 = location.second[0];
    return {precision.value * d1 * d1,
            precision.first[0] * d1 * d1 + 2.0 * precision.value * d1 * d2};
}

/// Normal. Predictors: mean; log of the standard deviation.
///
/// The logarithm of the variance, as in glmmTMB before 1.1.6, is twice this one.
struct Gaussian {
    static constexpr int predictors = 2;
    template <class T>
    using Mean = RealMean<T>;

    static double constant(Row) { return -half_log_two_pi; }

    template <class T, class Other>
    static T log_density(Row row, const RealMean<T>& mean, const Other* others) {
        const T z = (row.y - mean.mu) * saturated_exp(-others[0], 170.0);
        return z * z * -0.5 - others[0];
    }

    template <class T>
    static Information information(Row, const RealMean<T>& mean, const double* others) {
        return location_information(mean.mu, T(saturated_exp(-2.0 * others[0])));
    }
};

/// Student's t. Predictors: mean; log of the scale; log of the degrees of freedom.
struct StudentT {
    static constexpr int predictors = 3;
    template <class T>
    using Mean = RealMean<T>;

    static double constant(Row) { return -half_log_two_pi; }

    template <class T, class Other>
    static T log_density(Row row, const RealMean<T>& mean, const Other* others) {
        const T z = (row.y - mean.mu) * saturated_exp(-others[0], 170.0);
        // (df + 1) log(1 + z^2 / df); the first form has the normal's z^2 as its limit.
        const T ratio = z * z * saturated_exp(-others[1]);
        const Other df = saturated_exp(others[1]);
        const T kernel = value_of(ratio) < 1.0
                             ? z * z * log1p_ratio(ratio) * (saturated_exp(-others[1]) + 1.0)
                             : softplus(log_square(z) - others[1]) * (df + 1.0);
        // log Gamma((df + 1) / 2) - log Gamma(df / 2) - log(df / 2) / 2
        const Other gammas = rising(std::log(2.0) - others[1], 0.5);
        return kernel * -0.5 - others[0] + gammas;
    }

private:
    template <class T>
    static T log_square(const T& z) {
        return log_positive(value_of(z) > 0.0 ? z : -z) * 2.0;
    }
};

/// Gamma. Predictors: mean; log of the shape (glmmTMB's sigma is 1 / sqrt(shape)).
struct Gamma {
    static constexpr int predictors = 2;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return -std::log(row.y) - half_log_two_pi; }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        const T distance = excess(mean.log_mu - log_positive(row.y));
        return distance * -saturated_exp(others[0]) + (others[0] * 0.5 - stirling(others[0]));
    }

    template <class T>
    static Information information(Row, const PositiveMean<T>& mean, const double* others) {
        return location_information(mean.log_mu, T(saturated_exp(others[0])));
    }
};

/// Inverse Gaussian. Predictors: mean; log of phi, where the variance is phi mu^3.
struct InverseGaussian {
    static constexpr int predictors = 2;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return -half_log_two_pi - 1.5 * std::log(row.y); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        const T distance = bounded_expm1(log_positive(row.y) - mean.log_mu);
        return distance * distance * (saturated_exp(-others[0], 340.0) * (-0.5 / row.y)) -
               others[0] * 0.5;
    }

    template <class T>
    static Information information(Row, const PositiveMean<T>& mean, const double* others) {
        return location_information(mean.log_mu, saturated_exp(-mean.log_mu - others[0]));
    }
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Gaussian);
extern PARTIALPOOL_FAMILY(StudentT);
extern PARTIALPOOL_FAMILY(Gamma);
extern PARTIALPOOL_FAMILY(InverseGaussian);
}  // namespace partialpool
