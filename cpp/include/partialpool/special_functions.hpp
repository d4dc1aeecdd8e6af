#pragma once

#include "partialpool/jet.hpp"

namespace partialpool {

/// Functions of one number with derivatives up to `order`; those beyond are zero.
///
/// They are the pieces of log-densities that lose their digits when written naively. Many take
/// a logarithm, x = exp(t), and differentiate in t: that scale neither over- nor underflows.
namespace at {

/// log(1 + exp(x)).
Derivatives softplus(double x, int order);
/// log(1 - exp(-exp(x))), the log-probability of the complementary log-log link.
Derivatives log_cloglog(double x, int order);
/// log(1 - exp(-x)) for x > 0.
Derivatives log1mexp(double x, int order);
/// x + exp(-x) - 1 >= 0, to full relative accuracy around its zero.
Derivatives excess(double x, int order);
/// exp(x) - 1, constant beyond |x| = 170 so that its square is finite.
Derivatives expm1(double x, int order);
/// log of the standard normal distribution function.
Derivatives log_ndtr(double x, int order);
/// log(1 + x) / x for x >= 0.
Derivatives log1p_ratio(double x, int order);
/// log(1 + exp(t)) / exp(t).
Derivatives log1p_ratio_exp(double t, int order);
/// log log(1 + exp(t)) - t.
Derivatives log_log1p_ratio_exp(double t, int order);
/// Stirling's correction: log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2 at x = exp(t).
Derivatives stirling(double t, int order);
/// log Gamma(x) at x = exp(t).
Derivatives log_gamma_exp(double t, int order);
/// log Gamma(s + y) - log Gamma(s) - y log s at s = exp(-a), for y >= 0: for a whole number y the
/// sum of log(1 + k exp(a)), k < y. Goes to zero with exp(a), and keeps its digits there.
Derivatives rising(double a, double y, int order);

}  // namespace at

#define PARTIALPOOL_ON_JETS(name)                            \
    template <class T>                                       \
    T name(const T& x) {                                     \
        return chain(x, at::name(value_of(x), order_of<T>)); \
    }
PARTIALPOOL_ON_JETS(softplus)
PARTIALPOOL_ON_JETS(log_cloglog)
PARTIALPOOL_ON_JETS(log1mexp)
PARTIALPOOL_ON_JETS(excess)
PARTIALPOOL_ON_JETS(log_ndtr)
PARTIALPOOL_ON_JETS(log1p_ratio)
PARTIALPOOL_ON_JETS(log1p_ratio_exp)
PARTIALPOOL_ON_JETS(log_log1p_ratio_exp)
PARTIALPOOL_ON_JETS(stirling)
PARTIALPOOL_ON_JETS(log_gamma_exp)
#undef PARTIALPOOL_ON_JETS

template <class T>
T bounded_expm1(const T& x) {
    return chain(x, at::expm1(value_of(x), order_of<T>));
}
template <class T>
T rising(const T& a, double y) {
    return chain(a, at::rising(value_of(a), y, order_of<T>));
}

/// log Gamma(x) for x > 0; std::lgamma writes to a global variable.
double log_gamma(double x);
/// log of y!.
double log_factorial(double y);
/// log of the binomial coefficient m over y.
double log_choose(double m, double y);

inline constexpr double half_log_two_pi = 0.91893853320467274178;

}  // namespace partialpool
