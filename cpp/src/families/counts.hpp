#pragma once

#include "family_density.hpp"

namespace partialpool::families {

// Counts. Besides its formula each has log_zero, the logarithm of -log f(0), from which the
// zero-truncated and the zero-inflated families are made (mixtures.hpp).

/// From here on terms such as y log mu and mu, which all but cancel, would leave no digits of
/// their difference: what is written down is the distance from mu = y, whose log-density is the
/// constant (Loader 2000, "Fast and accurate computation of binomial probabilities").
inline constexpr double large_count = 1000.0;

inline double count_constant(double y) {
    if (y < large_count) return -log_factorial(y);
    const double t = std::log(y);
    return -half_log_two_pi - 0.5 * t - at::stirling(t, 0)[0];
}

/// Negative binomial of a large count, less the constant. With s the size and p = y / (y + s),
/// y log(mu / y) - (y + s) log((mu + s) / (y + s)) is written as two terms of the size of the
/// overdispersion; the rest is what Stirling's formula leaves.
template <class T>
T large_negative_binomial(double y, const T& log_mu, const T& log_size) {
    const double log_y = std::log(y);
    const T distance = log_mu - log_y, log_share = -softplus(log_size - log_y);
    const T log_rest = -softplus(log_y - log_size);
    const T rest = log_rest * 0.5 + (stirling(log_size - log_rest) - stirling(log_size));
    // With a size beyond all digits it is the Poisson.
    if (value_of(log_share) < -200.0) return excess(-distance) * -y + rest;
    const T away = bounded_expm1(distance), part = saturated_exp(log_share) * away;
    const T other = saturated_exp(log_rest) * away * reciprocal(part + 1.0);
    return log1p_any(other) * y - log1p_any(part) * saturated_exp(log_size) + rest;
}

/// Poisson with any link. Predictor: mean.
struct Poisson {
    static constexpr int predictors = 1;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return count_constant(row.y); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other*) {
        if (row.y >= large_count) return excess(std::log(row.y) - mean.log_mu) * -row.y;
        return row.y == 0.0 ? -mean.mu : mean.log_mu * row.y - mean.mu;
    }
    template <class T, class Other>
    static T log_zero(const PositiveMean<T>& mean, const Other*) {
        return mean.log_mu;
    }

    template <class T>
    static Information information(Row, const PositiveMean<T>& mean, const double*) {
        const double d1 = mean.log_mu.first[0], d2 = mean.log_mu.second[0];
        return {mean.mu.value * d1 * d1, mean.mu.value * d1 * (d1 * d1 + 2.0 * d2)};
    }
};

/// Negative binomial of kind 2. Predictors: mean; log of the size, where the variance is
/// mu (1 + mu / size).
struct NegativeBinomial2 {
    static constexpr int predictors = 2;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return count_constant(row.y); }

    // The Poisson and what goes to zero with 1 / size: log-gammas would cancel there.
    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        if (row.y >= large_count)
            return large_negative_binomial<T>(row.y, mean.log_mu, T(others[0]));
        const T log_ratio = mean.log_mu - others[0];
        const T zero = mean.mu * log1p_ratio_exp(log_ratio);
        if (row.y == 0.0) return -zero;
        return (mean.log_mu - softplus(log_ratio)) * row.y - zero + rising(-others[0], row.y);
    }
    template <class T, class Other>
    static T log_zero(const PositiveMean<T>& mean, const Other* others) {
        return mean.log_mu + log_log1p_ratio_exp(mean.log_mu - others[0]);
    }

    template <class T>
    static Information information(Row, const PositiveMean<T>& mean, const double* others) {
        const double d1 = mean.log_mu.first[0], d2 = mean.log_mu.second[0];
        // mu size / (mu + size), whose slope in log mu is times size / (mu + size).
        const auto s = at::softplus(others[0] - mean.log_mu.value, 1);
        const double value = mean.mu.value * s[1];
        return {value * d1 * d1, value * d1 * (s[1] * d1 * d1 + 2.0 * d2)};
    }
};

/// Negative binomial of kind 1. Predictors: mean; log of phi, where the variance is mu (1 + phi).
struct NegativeBinomial1 {
    static constexpr int predictors = 2;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return count_constant(row.y); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        if (row.y >= large_count)
            return large_negative_binomial<T>(row.y, mean.log_mu, mean.log_mu - others[0]);
        const T zero = mean.mu * log1p_ratio_exp(others[0]);
        if (row.y == 0.0) return -zero;
        return (mean.log_mu - softplus(others[0])) * row.y - zero +
               rising(others[0] - mean.log_mu, row.y);
    }
    template <class T, class Other>
    static T log_zero(const PositiveMean<T>& mean, const Other* others) {
        return mean.log_mu + log_log1p_ratio_exp(others[0]);
    }
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Poisson);
extern PARTIALPOOL_FAMILY(NegativeBinomial1);
extern PARTIALPOOL_FAMILY(NegativeBinomial2);
}  // namespace partialpool
