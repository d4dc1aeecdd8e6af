#pragma once

#include "family_density.hpp"

namespace partialpool::families {

// Counts. Besides its formula each has log_zero, the logarithm of -log f(0), from which the
// zero-truncated and the zero-inflated families are made (mixtures.hpp).

/// Poisson with any link. Predictor: mean.
struct Poisson {
    static constexpr int predictors = 1;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return -log_factorial(row.y); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other*) {
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

    static double constant(Row row) { return -log_factorial(row.y); }

    // The Poisson and what goes to zero with 1 / size: log-gammas would cancel there.
    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
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

    static double constant(Row row) { return -log_factorial(row.y); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
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
