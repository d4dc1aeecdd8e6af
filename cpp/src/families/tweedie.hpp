#pragma once

#include "family_density.hpp"
#include "tweedie_integral.hpp"
#include "tweedie_series.hpp"

namespace partialpool::families {

/// Tweedie with a power between 1 and 2. Predictors: mean; log of phi, where the variance is
/// phi mu^power; logit of power - 1.
///
/// A Poisson number of gamma amounts (Dunn and Smyth 2005, Statistics and Computing 15, eq. 8):
/// for y > 0 a sum over that number j. Its summand is largest near J = y^(2-p) / (phi (2 - p)).
/// With a = (2 - p) / (p - 1), S for Stirling's correction and j = J exp(v),
///
///     log f(y) = - log y - d(y, mu) / (2 phi) + log I,
///     I = sqrt(a) / (2 pi)  sum over j of  exp(-J (1 + a) h(v) - S(j) - S(j a)),
///     h(v) = v exp(v) - exp(v) + 1,
///
/// where d is the deviance and I knows nothing of the mean. Nothing large is left to cancel:
/// towards power 2, J grows without end, and this goes term by term to the gamma density.
struct Tweedie {
    static constexpr int predictors = 3;
    static constexpr bool slopes_alone = true;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return row.y > 0.0 ? -std::log(row.y) : 0.0; }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        const double log_phi = value_of(others[0]);
        auto& series = tweedie::series_of<order_of<Other>>(value_of(others[1]));
        const auto& shape = series.shape();
        const auto log_mu = of_predictor(mean.log_mu);
        using X = decltype(tweedie::product(log_mu, shape.two_power));
        if (row.y == 0.0)
            return with_dispersion(-saturated_exp(tweedie::product(log_mu, shape.two_power) +
                                                  of_shape<X>(shape.more - log_phi)));
        const double log_y = log_positive(row.y);
        const tweedie::Counts counts(shape, log_y, log_phi);
        const auto away = log_y - log_mu;
        const X half_deviance =
            scaled_excess(counts.log_j, tweedie::product(away, shape.two_power)) +
            scaled_excess(counts.log_ja, tweedie::product(away, -shape.power_1));
        return with_sum(with_dispersion(-half_deviance), log_sum(series, counts));
    }

private:
    /// log I, with derivatives in a shift of log J and in the shape. As an integral where the
    /// summand is wide beside the distance of 1 between terms: by Poisson's summation formula the
    /// two differ by exp(-2 pi^2 width^2).
    template <int O>
    static tweedie::InTwo<O> log_sum(tweedie::Series<O>& series, const tweedie::Counts<O>& counts) {
        constexpr double many = 40.0, wide = 2.5;
        const double j = std::exp(value_of(counts.log_j));
        if (j > many && j > wide * (1.0 + series.shape().a))
            return tweedie::Integral<O>(series.shape(), counts).log();
        return series.log_sum(counts.log_j);
    }

    /// exp(log_scale) excess(x), which may be small although the scale is large.
    template <class S, class X>
    static X scaled_excess(const S& log_scale, const X& x) {
        const X scale = of_shape<X>(saturated_exp(log_scale));
        if (std::abs(value_of(x)) < 1.0) return excess(x) * scale;
        return (x - 1.0) * scale + saturated_exp(of_shape<X>(log_scale) - x);
    }
    template <class X, class S>
    static X of_shape(const S& f) {
        if constexpr (order_of<S> == 0)
            return f;
        else
            return tweedie::linear(f, S(0.0));
    }

    // The deviance, as a function of the mean's predictor and the shape; the dispersion divides.
    static double of_predictor(double x) { return x; }
    template <int D, int O>
    static Jet<1, O> of_predictor(const Jet<D, O>& x) {
        Jet<1, O> out(x.value);
        if constexpr (O >= 1) out.first[0] = x.first[0];
        if constexpr (O >= 2) out.second[0] = x.second[0];
        if constexpr (O >= 3) out.third[0] = x.third[0];
        return out;
    }
    template <class X>
    static X with_dispersion(const X& x) {
        return x;
    }
    template <int O>
    static Jet<3, O> with_dispersion(const Jet<2, O>& x) {
        const auto &f = x.first, &s = x.second, &t = x.third;
        Jet<3, O> out(x.value);
        out.first = {f[0], -x.value, f[1]};
        if constexpr (O >= 2) out.second = {s[0], -f[0], x.value, s[1], -f[1], s[2]};
        if constexpr (O >= 3)
            out.third = {t[0], -s[0], f[0], -x.value, t[1], -s[1], f[1], t[2], -s[2], t[3]};
        return out;
    }

    // The mean doesn't enter the sum, and the dispersion only by log J.
    template <class T>
    static T with_sum(const T& x, double sum) {
        return x + sum;
    }
    template <int O>
    static Jet<3, O> with_sum(Jet<3, O> x, const Jet<2, O>& sum) {
        x.value += sum.value;
        x.first[1] -= sum.first[0];
        x.first[2] += sum.first[1];
        if constexpr (O >= 2) {
            x.second[packed(1, 1)] += sum.second[0];
            x.second[packed(1, 2)] -= sum.second[1];
            x.second[packed(2, 2)] += sum.second[2];
        }
        if constexpr (O >= 3) {
            x.third[packed(1, 1, 1)] -= sum.third[0];
            x.third[packed(1, 1, 2)] += sum.third[1];
            x.third[packed(1, 2, 2)] -= sum.third[2];
            x.third[packed(2, 2, 2)] += sum.third[3];
        }
        return x;
    }
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Tweedie);
}  // namespace partialpool
