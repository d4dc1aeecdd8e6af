#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "partialpool/vector_math.hpp"

namespace partialpool {

/// Value of a function of D variables and its derivatives up to order O <= 3.
///
/// Arithmetic on jets carries the derivatives along, so a log-density is written once, as the
/// formula of its value. Second and third derivatives are packed as pair_of and triple_of say.
template <int D, int O>
struct Jet {
    static constexpr int variables = D;
    static constexpr int order = O;

    double value = 0.0;
    std::array<double, O >= 1 ? D : 0> first{};
    std::array<double, O >= 2 ? D * (D + 1) / 2 : 0> second{};
    std::array<double, O >= 3 ? D * (D + 1) * (D + 2) / 6 : 0> third{};

    Jet() = default;
    Jet(double constant) : value(constant) {}  // NOLINT: constants are jets without derivatives

    /// The variable of that number.
    static Jet variable(double at, std::size_t number) {
        Jet x(at);
        if constexpr (O >= 1) x.first[number] = 1.0;
        return x;
    }
};

/// A function's value and its first three derivatives at a point.
using Derivatives = std::array<double, 4>;

template <class T>
inline constexpr int order_of = 0;
template <int D, int O>
inline constexpr int order_of<Jet<D, O>> = O;

inline double value_of(double x) { return x; }
template <int D, int O>
double value_of(const Jet<D, O>& x) {
    return x.value;
}

/// Call visit(position, a, b) for every pair a <= b, visit(position, a, b, c) for every triple.
template <int D, class Visit>
inline void for_pairs(Visit&& visit) {
    std::size_t at = 0;
    for (std::size_t b = 0; b < D; ++b)
        for (std::size_t a = 0; a <= b; ++a) visit(at++, a, b);
}
template <int D, class Visit>
inline void for_triples(Visit&& visit) {
    std::size_t at = 0;
    for (std::size_t c = 0; c < D; ++c)
        for (std::size_t b = 0; b <= c; ++b)
            for (std::size_t a = 0; a <= b; ++a) visit(at++, a, b, c);
}
constexpr std::size_t packed(std::size_t a, std::size_t b) { return b * (b + 1) / 2 + a; }
constexpr std::size_t packed(std::size_t a, std::size_t b, std::size_t c) {
    return c * (c + 1) * (c + 2) / 6 + packed(a, b);
}

/// f(x) by the chain rule (Faa di Bruno), from f and its derivatives at the value of x.
inline double chain(double, const Derivatives& f) { return f[0]; }
template <int D, int O>
Jet<D, O> chain(const Jet<D, O>& x, const Derivatives& f) {
    Jet<D, O> out(f[0]);
    if constexpr (O >= 1)
        for (std::size_t a = 0; a < D; ++a) out.first[a] = f[1] * x.first[a];
    if constexpr (O >= 2)
        for_pairs<D>([&](std::size_t i, std::size_t a, std::size_t b) {
            out.second[i] = f[1] * x.second[i] + f[2] * (x.first[a] * x.first[b]);
        });
    if constexpr (O >= 3)
        for_triples<D>([&](std::size_t i, std::size_t a, std::size_t b, std::size_t c) {
            const double mixed = x.first[a] * x.second[packed(b, c)] +
                                 x.first[b] * x.second[packed(a, c)] +
                                 x.first[c] * x.second[packed(a, b)];
            out.third[i] =
                f[1] * x.third[i] + f[2] * mixed + f[3] * (x.first[a] * x.first[b] * x.first[c]);
        });
    return out;
}

template <int D, int O>
Jet<D, O> operator+(Jet<D, O> x, const Jet<D, O>& y) {
    x.value += y.value;
    for (std::size_t i = 0; i < x.first.size(); ++i) x.first[i] += y.first[i];
    for (std::size_t i = 0; i < x.second.size(); ++i) x.second[i] += y.second[i];
    for (std::size_t i = 0; i < x.third.size(); ++i) x.third[i] += y.third[i];
    return x;
}

template <int D, int O>
Jet<D, O> operator*(Jet<D, O> x, double factor) {
    x.value *= factor;
    for (double& d : x.first) d *= factor;
    for (double& d : x.second) d *= factor;
    for (double& d : x.third) d *= factor;
    return x;
}

template <int D, int O>
Jet<D, O> operator*(const Jet<D, O>& x, const Jet<D, O>& y) {
    Jet<D, O> out(x.value * y.value);
    if constexpr (O >= 1)
        for (std::size_t a = 0; a < D; ++a)
            out.first[a] = x.value * y.first[a] + y.value * x.first[a];
    if constexpr (O >= 2)
        for_pairs<D>([&](std::size_t i, std::size_t a, std::size_t b) {
            out.second[i] = x.value * y.second[i] + y.value * x.second[i] +
                            x.first[a] * y.first[b] + x.first[b] * y.first[a];
        });
    if constexpr (O >= 3)
        for_triples<D>([&](std::size_t i, std::size_t a, std::size_t b, std::size_t c) {
            out.third[i] =
                x.value * y.third[i] + y.value * x.third[i] + x.first[a] * y.second[packed(b, c)] +
                y.first[a] * x.second[packed(b, c)] + x.first[b] * y.second[packed(a, c)] +
                y.first[b] * x.second[packed(a, c)] + x.first[c] * y.second[packed(a, b)] +
                y.first[c] * x.second[packed(a, b)];
        });
    return out;
}

template <int D, int O>
Jet<D, O> operator-(const Jet<D, O>& x) {
    return x * -1.0;
}
/// Not as x + -y: what has just been written to memory piece by piece is slow to read in pairs.
template <int D, int O>
Jet<D, O> operator-(Jet<D, O> x, const Jet<D, O>& y) {
    x.value -= y.value;
    for (std::size_t i = 0; i < x.first.size(); ++i) x.first[i] -= y.first[i];
    for (std::size_t i = 0; i < x.second.size(); ++i) x.second[i] -= y.second[i];
    for (std::size_t i = 0; i < x.third.size(); ++i) x.third[i] -= y.third[i];
    return x;
}
template <int D, int O>
Jet<D, O> operator+(Jet<D, O> x, double y) {
    x.value += y;
    return x;
}
template <int D, int O>
Jet<D, O> operator-(Jet<D, O> x, double y) {
    return x + -y;
}
template <int D, int O>
Jet<D, O> operator+(double x, const Jet<D, O>& y) {
    return y + x;
}
template <int D, int O>
Jet<D, O> operator-(double x, const Jet<D, O>& y) {
    return y * -1.0 + x;
}
template <int D, int O>
Jet<D, O> operator*(double x, const Jet<D, O>& y) {
    return y * x;
}

/// exp(x); its growth ends at |x| = limit, so that far-off predictors give finite numbers.
template <class T>
T saturated_exp(const T& x, double limit = vector_math::exp_limit) {
    const double at = value_of(x);
    const double e = vector_math::exp(at > limit ? limit : (at < -limit ? -limit : at));
    return chain(x, {e, e, e, e});
}

/// log(x) for x > 0, NaN elsewhere: predictors outside the domain of their link.
inline double log_positive(double x) {
    return x > 0.0 ? std::log(x) : std::numeric_limits<double>::quiet_NaN();
}
template <int D, int O>
Jet<D, O> log_positive(const Jet<D, O>& x) {
    // In ratios x' / x: 1 / x^3 would overflow long before the result does.
    Jet<D, O> r = x * (1.0 / x.value), out(log_positive(x.value));
    if (!(x.value > 0.0)) r = r * out.value;
    if constexpr (O >= 1) out.first = r.first;
    if constexpr (O >= 2)
        for_pairs<D>([&](std::size_t i, std::size_t a, std::size_t b) {
            out.second[i] = r.second[i] - r.first[a] * r.first[b];
        });
    if constexpr (O >= 3)
        for_triples<D>([&](std::size_t i, std::size_t a, std::size_t b, std::size_t c) {
            out.third[i] = r.third[i] - r.first[a] * r.second[packed(b, c)] -
                           r.first[b] * r.second[packed(a, c)] -
                           r.first[c] * r.second[packed(a, b)] +
                           2.0 * (r.first[a] * r.first[b] * r.first[c]);
        });
    return out;
}

template <class T>
T reciprocal(const T& x) {
    const double r = 1.0 / value_of(x);
    return chain(x, {r, -r * r, 2.0 * r * r * r, -6.0 * r * r * r * r});
}

/// log(1 + x) for x > -1.
template <class T>
T log1p_any(const T& x) {
    const double slope = 1.0 / (1.0 + value_of(x));
    return chain(x, {std::log1p(value_of(x)), slope, -slope * slope, 2.0 * slope * slope * slope});
}

}  // namespace partialpool
