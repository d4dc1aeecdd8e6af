#pragma once

#include "family_density.hpp"

namespace partialpool::families {

/// Cumulative model of ordered categories y = 0, ..., K - 1, with K in `trials`. Predictors: the
/// mean eta and the thresholds above and below the category: log(F(upper - eta) - F(lower - eta)).
/// The first category has no lower, the last no upper threshold: what is given is not read.
struct Ordinal {
    static constexpr int predictors = 3;
    template <class T>
    using Mean = Raw<T>;

    static double constant(Row) { return 0.0; }

    template <class T, class Other>
    static T log_density(Row row, const Raw<T>& mean, const Other* others) {
        if (row.y == 0.0) return log_below<T>(mean.link, others[0] - mean.eta);
        if (row.y == row.trials - 1.0) return log_above<T>(mean.link, others[1] - mean.eta);
        const T upper = others[0] - mean.eta, lower = others[1] - mean.eta;
        const Other width = others[0] - others[1];
        switch (mean.link) {
            // F(a) - F(b) = F(a) (1 - F(b)) (1 - exp(b - a))
            case Link::logit:
                return log_below<T>(mean.link, upper) + log_above<T>(mean.link, lower) +
                       log1mexp(width);
            case Link::probit: return between(upper, lower);
            // exp(-exp(b)) (1 - exp(-(exp(a) - exp(b))))
            default: return log_cloglog(lower + width + log1mexp(width)) - saturated_exp(lower);
        }
    }

private:
    /// log F(x) and log(1 - F(x)).
    template <class T>
    static T log_below(Link link, const T& x) {
        if (link == Link::logit) return -softplus(-x);
        return link == Link::probit ? log_ndtr(x) : log_cloglog(x);
    }
    template <class T>
    static T log_above(Link link, const T& x) {
        if (link == Link::logit) return -softplus(x);
        return link == Link::probit ? log_ndtr(-x) : -saturated_exp(x);
    }

    /// Between two limits of the normal distribution, in the tail where both are small.
    template <class T>
    static T between(const T& upper, const T& lower) {
        if (value_of(upper) + value_of(lower) > 0.0) return between<T>(-lower, -upper);
        const T larger = log_ndtr(upper);
        return larger + log1mexp(larger - log_ndtr(lower));
    }
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Ordinal);
}  // namespace partialpool
