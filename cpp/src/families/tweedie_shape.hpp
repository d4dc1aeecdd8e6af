#pragma once

#include <type_traits>

#include "partialpool/special_functions.hpp"

namespace partialpool::families::tweedie {

/// Numbers with derivatives up to order O in the shape, logit of power - 1.
template <int O>
using InShape = std::conditional_t<O == 0, double, Jet<1, O>>;
/// In two variables, of which the second is the shape.
template <int O>
using InTwo = std::conditional_t<O == 0, double, Jet<2, O>>;

template <int O>
InShape<O> variable_shape(double shape) {
    if constexpr (O == 0)
        return shape;
    else
        return InShape<O>::variable(shape, 0);
}

/// f(s) + x g(s) at x = 0, where x is the first of two variables.
inline double linear(double f, double) { return f; }
template <int O>
Jet<2, O> linear(const Jet<1, O>& f, const Jet<1, O>& g) {
    Jet<2, O> out(f.value);
    out.first = {g.value, f.first[0]};
    if constexpr (O >= 2) out.second = {0.0, g.first[0], f.second[0]};
    if constexpr (O >= 3) out.third = {0.0, 0.0, g.second[0], f.third[0]};
    return out;
}

/// f(x) g(s), for the first variable x and the second s.
inline double product(double f, double g) { return f * g; }
template <int O>
Jet<1, O> product(const Jet<1, O>& f, double g) {
    return f * g;
}
template <int O>
Jet<2, O> product(const Jet<1, O>& f, const Jet<1, O>& g) {
    Jet<2, O> out(f.value * g.value);
    out.first = {f.first[0] * g.value, f.value * g.first[0]};
    if constexpr (O >= 2)
        out.second = {f.second[0] * g.value, f.first[0] * g.first[0], f.value * g.second[0]};
    if constexpr (O >= 3)
        out.third = {f.third[0] * g.value, f.second[0] * g.first[0], f.first[0] * g.second[0],
                     f.value * g.third[0]};
    return out;
}

/// g(x, s) with a function of the second variable for its first: x = x(v, s).
inline double substitute(double g, double) { return g; }
template <int O>
Jet<2, O> substitute(const Jet<2, O>& g, const Jet<2, O>& x) {
    Jet<2, O> out(g.value);
    const auto d = [](std::size_t a) { return a == 1 ? 1.0 : 0.0; };
    for (std::size_t a = 0; a < 2; ++a) out.first[a] = g.first[0] * x.first[a] + g.first[1] * d(a);
    if constexpr (O >= 2)
        for_pairs<2>([&](std::size_t i, std::size_t a, std::size_t b) {
            out.second[i] = g.first[0] * x.second[i] + g.second[0] * (x.first[a] * x.first[b]) +
                            g.second[1] * (x.first[a] * d(b) + x.first[b] * d(a)) +
                            g.second[2] * (d(a) * d(b));
        });
    if constexpr (O >= 3)
        for_triples<2>([&](std::size_t i, std::size_t a, std::size_t b, std::size_t c) {
            const double xa = x.first[a], xb = x.first[b], xc = x.first[c];
            const double ab = x.second[packed(a, b)], ac = x.second[packed(a, c)],
                         bc = x.second[packed(b, c)];
            out.third[i] = g.first[0] * x.third[i] + g.second[0] * (xa * bc + xb * ac + xc * ab) +
                           g.second[1] * (d(a) * bc + d(b) * ac + d(c) * ab) +
                           g.third[0] * (xa * xb * xc) +
                           g.third[1] * (xa * xb * d(c) + xa * d(b) * xc + d(a) * xb * xc) +
                           g.third[2] * (xa * d(b) * d(c) + d(a) * xb * d(c) + d(a) * d(b) * xc) +
                           g.third[3] * (d(a) * d(b) * d(c));
        });
    return out;
}

/// What depends on the shape alone: the same in all rows.
template <int O>
struct Shape {
    using S = InShape<O>;

    double at = std::numeric_limits<double>::quiet_NaN(), a = at;
    /// The shape; softplus of it and of its negative; 2 - p; p - 1; 1 + a.
    S shape, more, less, two_power, power_1, one_a;

    Shape() = default;
    explicit Shape(double here)
        : at(here),
          a(std::exp(-here)),
          shape(variable_shape<O>(here)),
          more(softplus(shape)),
          less(softplus(-shape)),
          two_power(saturated_exp(-more)),
          power_1(saturated_exp(-less)),
          one_a(saturated_exp(less)) {}
};

/// log J and log J a of a response above zero, and what they have in common.
template <int O>
struct Counts {
    InShape<O> common, log_j, log_ja;

    Counts(const Shape<O>& shape, double log_y, double log_phi)
        : common(shape.two_power * log_y - log_phi),
          log_j(common + shape.more),
          log_ja(common + shape.less) {}
};

}  // namespace partialpool::families::tweedie
