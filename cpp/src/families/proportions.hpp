#pragma once

#include "family_density.hpp"

namespace partialpool::families {

/// Binomial with any link; y successes, possibly fractional. Predictor: mean.
struct Binomial {
    static constexpr int predictors = 1;
    template <class T>
    using Mean = Probability<T>;

    static double constant(Row row) { return log_choose(row.trials, row.y); }

    template <class T, class Other>
    static T log_density(Row row, const Probability<T>& mean, const Other*) {
        // 0 log 0 = 0.
        T l = 0.0;
        if (row.y != 0.0) l = mean.log_p * row.y;
        if (row.trials != row.y) l = l + mean.log_q * (row.trials - row.y);
        return l;
    }

    template <class T>
    static Information information(Row row, const Probability<T>& mean, const double*) {
        // p'^2 / (p q) as a product of logarithmic slopes: no 0 / 0 in the tails.
        const auto &p = mean.log_p, &q = mean.log_q;
        return {-row.trials * p.first[0] * q.first[0],
                -row.trials * (p.second[0] * q.first[0] + p.first[0] * q.second[0])};
    }
};

/// Beta. Predictors: mean; log of the precision phi, where the variance is mu (1 - mu) / (1 + phi).
struct Beta {
    static constexpr int predictors = 2;
    template <class T>
    using Mean = Probability<T>;

    static double constant(Row row) {
        return -std::log(row.y) - std::log1p(-row.y) - half_log_two_pi;
    }

    template <class T, class Other>
    static T log_density(Row row, const Probability<T>& mean, const Other* others) {
        // Stirling's leading terms by hand: phi times a divergence that is small when phi is
        // large, where the three log-gammas would cancel.
        const T &p = mean.log_p, &q = mean.log_q;
        const T divergence = divergence_term(p, row.y) + divergence_term(q, 1.0 - row.y);
        return divergence * -saturated_exp(others[0]) + (p + q + others[0]) * 0.5 +
               stirling(others[0]) - stirling(p + others[0]) - stirling(q + others[0]);
    }

private:
    /// p log(p / y) - p + y.
    template <class T>
    static T divergence_term(const T& log_p, double y) {
        const T p = saturated_exp(log_p), log_ratio = log_p - log_positive(y);
        // Around y the terms cancel; far from it exp(-log_ratio) would overflow.
        if (std::abs(value_of(log_ratio)) < 0.5) return p * excess(log_ratio);
        return p * log_ratio - p + y;
    }
};

/// Betabinomial. Predictors: mean; log of phi, where a = mu phi and b = (1 - mu) phi.
struct BetaBinomial {
    static constexpr int predictors = 2;
    template <class T>
    using Mean = Probability<T>;

    static double constant(Row row) { return log_choose(row.trials, row.y); }

    template <class T, class Other>
    static T log_density(Row row, const Probability<T>& mean, const Other* others) {
        // The binomial and what goes to zero with 1 / phi.
        const T &p = mean.log_p, &q = mean.log_q;
        const double failures = row.trials - row.y;
        T l = -rising(-others[0], row.trials);
        if (row.y != 0.0) l = l + p * row.y + rising(-p - others[0], row.y);
        if (failures != 0.0) l = l + q * failures + rising(-q - others[0], failures);
        return l;
    }
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Binomial);
extern PARTIALPOOL_FAMILY(Beta);
extern PARTIALPOOL_FAMILY(BetaBinomial);
}  // namespace partialpool
