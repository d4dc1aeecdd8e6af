#pragma once

#include "counts.hpp"

namespace partialpool::families {

/// A family of counts given that they are not zero.
template <class Counts>
struct Truncated {
    static constexpr int predictors = Counts::predictors;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return Counts::constant(row); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        if (!(row.y > 0.0)) return -std::numeric_limits<double>::infinity();
        return Counts::template log_density<T>(row, mean, others) -
               log_cloglog(Counts::template log_zero<T>(mean, others));
    }
};

/// A family of counts with more zeros. Last predictor: logit of the probability pi of those.
template <class Counts>
struct ZeroInflated {
    static constexpr int predictors = Counts::predictors + 1;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return Counts::constant(row); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        const Other& eta = others[predictors - 2];
        const T counted = Counts::template log_density<T>(row, mean, others);
        if (row.y > 0.0) return counted - softplus(eta);
        // Where f is nothing beside pi its derivatives are not worth their overflow.
        if (value_of(counted) < value_of(eta) - 200.0) return T(0.0) - softplus(-eta);
        // log(pi + (1 - pi) f), as the larger of pi and f says how it keeps its digits.
        if (value_of(counted) > value_of(eta))
            return counted + softplus(eta - counted) - softplus(eta);
        return softplus(counted - eta) - softplus(-eta);
    }
};

/// Zeros with a probability of their own, and counts given that they are not zero. Last
/// predictor: logit of the probability of zero.
template <class Counts>
struct Hurdle {
    static constexpr int predictors = Counts::predictors + 1;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return Counts::constant(row); }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        const Other& eta = others[predictors - 2];
        if (!(row.y > 0.0)) return T(0.0) - softplus(-eta);
        return Truncated<Counts>::template log_density<T>(row, mean, others) - softplus(eta);
    }
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Truncated<families::Poisson>);
extern PARTIALPOOL_FAMILY(Truncated<families::NegativeBinomial1>);
extern PARTIALPOOL_FAMILY(Truncated<families::NegativeBinomial2>);
extern PARTIALPOOL_FAMILY(ZeroInflated<families::Poisson>);
extern PARTIALPOOL_FAMILY(ZeroInflated<families::NegativeBinomial1>);
extern PARTIALPOOL_FAMILY(ZeroInflated<families::NegativeBinomial2>);
extern PARTIALPOOL_FAMILY(Hurdle<families::Poisson>);
extern PARTIALPOOL_FAMILY(Hurdle<families::NegativeBinomial1>);
extern PARTIALPOOL_FAMILY(Hurdle<families::NegativeBinomial2>);
}  // namespace partialpool
