#pragma once

#include "family_density.hpp"

namespace partialpool::families {

/// Tweedie with a power between 1 and 2. Predictors: mean; log of phi, where the variance is
/// phi mu^power; logit of power - 1.
///
/// A Poisson number of gamma variables: log f(y) = (y theta - kappa) / phi + log W - log y, where
/// W is a sum over that number (Dunn and Smyth 2005, Statistics and Computing 15, eq. 8).
struct Tweedie {
    static constexpr int predictors = 3;
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return row.y > 0.0 ? -std::log(row.y) : 0.0; }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        const Other &log_phi = others[0], &shape = others[1];
        const Other log_power_1 = -softplus(-shape), log_2_power = -softplus(shape);
        const T zero =
            -saturated_exp(mean.log_mu * saturated_exp(log_2_power) - log_phi - log_2_power);
        if (row.y == 0.0) return zero;
        const T linear = saturated_exp(
            log_positive(row.y) - mean.log_mu * saturated_exp(log_power_1) - log_phi - log_power_1);
        return zero - linear + log_sum(row.y, log_phi, shape);
    }

private:
    static double log_sum(double y, double log_phi, double shape) {
        return sum_terms(y, log_phi, shape);
    }
    /// The mean doesn't enter the sum: with jets of the two others, then put in their places.
    template <int O>
    static Jet<3, O> log_sum(double y, const Jet<3, O>& log_phi, const Jet<3, O>& shape) {
        const auto sum = sum_terms(y, Jet<2, O>::variable(log_phi.value, 0),
                                   Jet<2, O>::variable(shape.value, 1));
        Jet<3, O> out(sum.value);
        if constexpr (O >= 1)
            for (std::size_t a = 0; a < 2; ++a) out.first[a + 1] = sum.first[a];
        if constexpr (O >= 2)
            for_pairs<2>([&](std::size_t i, std::size_t a, std::size_t b) {
                out.second[packed(a + 1, b + 1)] = sum.second[i];
            });
        if constexpr (O >= 3)
            for_triples<2>([&](std::size_t i, std::size_t a, std::size_t b, std::size_t c) {
                out.third[packed(a + 1, b + 1, c + 1)] = sum.third[i];
            });
        return out;
    }

    /// One term's logarithm: j log z - log j! - log Gamma(j a) with a = (2 - power) / (power - 1).
    template <class T>
    static T term(double j, const T& log_z, const T& log_a) {
        return log_z * j - log_gamma_exp(log_a + std::log(j)) - log_factorial(j);
    }

    /// Where the terms are largest: close to (log z - a log a) / (1 + a) on the log scale.
    template <class T>
    static T log_centre(double y, const T& log_phi, const T& shape) {
        const T log_2_power = -softplus(shape);
        return saturated_exp(log_2_power) * std::log(y) - log_phi - log_2_power;
    }

    template <class T>
    static T sum_terms(double y, const T& log_phi, const T& shape) {
        const T a = saturated_exp(-shape), log_centre_j = log_centre(y, log_phi, shape);
        const double j = std::exp(value_of(log_centre_j));
        constexpr double many = 3e4;
        if (j > many && j * value_of(a) > many) return integral(log_centre_j, a, shape);
        const T log_z = a * (std::log(y) + softplus(-shape) - log_phi) - log_phi + softplus(shape);
        return sum_around(std::max(1.0, std::floor(j)), log_z, shape);
    }

    /// The sum as an integral by Laplace's method, error O(1 / j^2): its terms' logarithms are
    /// so large by then that their sum has no more digits. (The saddlepoint approximation.)
    template <class T>
    static T integral(const T& log_j, const T& a, const T& shape) {
        const T log_1_a = softplus(-shape), per_j = saturated_exp(-log_j);
        const T correction =
            saturated_exp(log_1_a + shape) * (1.0 / 12.0) + saturated_exp(-log_1_a) * (1.0 / 24.0);
        return saturated_exp(log_j) * (a + 1.0) + (log_j - shape - log_1_a) * 0.5 -
               half_log_two_pi - per_j * correction;
    }

    template <class T>
    static T sum_around(double centre, const T& log_z, const T& shape) {
        const T log_a = -shape;
        for (int moves = 0; moves < 8; ++moves) {
            const double z = value_of(log_z), here = term(centre, z, value_of(log_a));
            if (!(term(centre + 1.0, z, value_of(log_a)) > here)) break;
            centre += 1.0;
        }
        const double width = std::sqrt(centre / (1.0 + vector_math::exp(value_of(log_a))));
        // The terms follow a bell curve of this width. Every h-th of them, times h, is the
        // trapezoidal rule: with h <= width / 2 its error is exp(-8 pi^2), but the curve has to
        // be far from its end at j = 0.
        const double step = centre > 100.0 ? std::max(1.0, std::floor(0.5 * width)) : 1.0;
        const T top = term(centre, log_z, log_a);
        T sum = 1.0;
        const auto add = [&](double j) {
            const T difference = term(j, log_z, log_a) - top;
            if (!(value_of(difference) > -40.0)) return false;
            sum = sum + saturated_exp(difference);
            return true;
        };
        // Some 40 terms on either side; the bound is for dispersions beyond all digits.
        constexpr int most = 1000;
        for (int k = 1; k < most && add(centre + k * step);) ++k;
        for (int k = 1; k < most && centre - k * step >= 1.0 && add(centre - k * step);) ++k;
        // Relative to the top, so that derivatives of many like terms keep their digits.
        return top + log_positive(sum) + std::log(step);
    }
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Tweedie);
}  // namespace partialpool
