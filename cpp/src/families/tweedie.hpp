#pragma once

#include "family_density.hpp"

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
    template <class T>
    using Mean = PositiveMean<T>;

    static double constant(Row row) { return row.y > 0.0 ? -std::log(row.y) : 0.0; }

    template <class T, class Other>
    static T log_density(Row row, const PositiveMean<T>& mean, const Other* others) {
        const Other &log_phi = others[0], &shape = others[1];
        const Other power_1 = saturated_exp(-softplus(-shape));
        const Other two_power = saturated_exp(-softplus(shape));
        if (row.y == 0.0)
            return -saturated_exp(mean.log_mu * two_power - log_phi + softplus(shape));
        const Count<Other> count(row.y, log_phi, shape);
        const T away = log_positive(row.y) - mean.log_mu;
        return log_sum(row.y, log_phi, shape) - scaled_excess(count.log_j, away * two_power) -
               scaled_excess(count.log_ja, away * -power_1);
    }

private:
    /// J and J a of a response above zero.
    template <class T>
    struct Count {
        T log_j, log_ja;

        Count(double y, const T& log_phi, const T& shape) {
            const T common = saturated_exp(-softplus(shape)) * std::log(y) - log_phi;
            log_j = common + softplus(shape);
            log_ja = common + softplus(-shape);
        }
    };

    /// exp(log_scale) excess(x), which may be small although the scale is large.
    template <class Other, class T>
    static T scaled_excess(const Other& log_scale, const T& x) {
        if (std::abs(value_of(x)) < 1.0) return excess(x) * saturated_exp(log_scale);
        return (x - 1.0) * saturated_exp(log_scale) + saturated_exp(log_scale - x);
    }

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

    /// log I. As an integral where the summand is wide beside the distance of 1 between terms:
    /// by Poisson's summation formula the two differ by exp(-2 pi^2 width^2).
    template <class T>
    static T sum_terms(double y, const T& log_phi, const T& shape) {
        constexpr double many = 40.0, wide = 2.5;
        const Count<T> count(y, log_phi, shape);
        const double j = std::exp(value_of(count.log_j)), a = std::exp(-value_of(shape));
        if (j > many && j > wide * (1.0 + a)) return integral(y, count, log_phi, shape);
        return sum(count, shape);
    }

    /// h(v) - v^2 / 2.
    template <class T>
    static T beyond_square(const T& x) {
        const double v = value_of(x), e = vector_math::exp(v);
        const double rest = excess_rest(v);
        return chain(x, {rest, v * std::expm1(v), std::expm1(v) + v * e, (2.0 + v) * e});
    }
    static double excess_rest(double v) {
        if (std::abs(v) > 0.5) return (v - 1.0) * std::exp(v) + 1.0 - 0.5 * v * v;
        // v^3 / 3 + v^4 / 8 + ... + v^k (k - 1) / k! + ...
        double series = 0.0;
        for (int k = 17; k >= 3; --k) series = series * v / (k + 1.0) + (k - 1.0);
        return series * v * v * v * (1.0 / 6.0);
    }

    /// By the trapezoidal rule in u = v sqrt(M), M = J (1 + a): its nodes move with the
    /// parameters, so that the summands depend on them as little as the sum does. Of a bell
    /// curve the error is exp(-2 pi^2 / step^2).
    template <class T>
    static T integral(double y, const Count<T>& count, const T& log_phi, const T& shape) {
        const T log_m = count.log_j + softplus(-shape), m = saturated_exp(log_m);
        const T width = saturated_exp(log_m * -0.5);
        const T top = stirling(count.log_j) + stirling(count.log_ja);
        T total = 1.0;
        const auto add = [&](double u) {
            const T v = width * u;
            const T rest = top + v - m * beyond_square(v) - stirling(count.log_j + v) -
                           stirling(count.log_ja + v);
            if (!(value_of(rest) - 0.5 * u * u > negligible)) return false;
            total = total + saturated_exp(rest - 0.5 * u * u);
            return true;
        };
        // The fewer terms, the less the summand is a bell curve.
        const double step = value_of(m) < 500.0 ? 0.5 : 2.0 / 3.0;
        constexpr int most = 100;
        for (int k = 1; k < most && add(k * step); ++k) {
        }
        for (int k = 1; k < most && add(-k * step); ++k) {
        }
        const T leading = (saturated_exp(-softplus(shape)) * std::log(y) - log_phi) * 0.5;
        return leading - top + log_positive(total) + (std::log(step) - 2.0 * half_log_two_pi);
    }

    /// Term by term, from the largest on.
    template <class T>
    static T sum(const Count<T>& count, const T& shape) {
        const T one_a = saturated_exp(softplus(-shape));
        const double centre = largest(value_of(count.log_j), value_of(shape));
        const double log_centre = std::log(centre);
        const T away = one_a * (log_centre - count.log_j);
        const T top = stirling_of_amount(centre, shape);
        const double top_count = stirling_of_count(centre);
        T total = 1.0;
        // Relative to the largest, so that derivatives of many like terms keep their digits.
        const auto add = [&](double j) {
            const double log_j = std::log(j), step = at::excess(log_j - log_centre, 0)[0];
            const T difference = top - stirling_of_amount(j, shape) - one_a * (j * step) -
                                 away * (j - centre) + (top_count - stirling_of_count(j));
            if (!(value_of(difference) > negligible)) return false;
            total = total + saturated_exp(difference);
            return true;
        };
        // The bound is for parameters beyond all digits.
        constexpr int most = 1000;
        for (int k = 1; k < most && add(centre + k); ++k) {
        }
        for (int k = 1; centre - k >= 1.0 && add(centre - k); ++k) {
        }
        const T at_centre = one_a * excess(log_centre - count.log_j) * -centre - top - top_count;
        return at_centre + log_positive(total) - shape * 0.5 - 2.0 * half_log_two_pi;
    }

    /// The number with the largest term, which is near J.
    static double largest(double log_j, double shape) {
        const double one_a = std::exp(at::softplus(-shape, 0)[0]);
        const auto term = [&](double j) {
            return -j * one_a * at::excess(std::log(j) - log_j, 0)[0] -
                   stirling_of_amount(j, shape) - stirling_of_count(j);
        };
        double centre = std::max(1.0, std::floor(std::exp(log_j))), here = term(centre);
        for (const double direction : {1.0, -1.0})
            for (int moves = 0; moves < 8 && centre + direction >= 1.0; ++moves) {
                const double next = term(centre + direction);
                if (!(next > here)) break;
                centre += direction;
                here = next;
            }
        return centre;
    }

    /// S(j a), which is the same in all rows: the shape is one number for all of them.
    template <class T>
    static T stirling_of_amount(double j, const T& shape) {
        struct Table {
            double shape = std::numeric_limits<double>::quiet_NaN();
            int order = 0;
            std::array<bool, small> known{};
            std::array<Derivatives, small> values{};
        };
        const double here = value_of(shape);
        if (!(j < small)) return stirling(std::log(j) - shape);
        thread_local Table table;
        if (here != table.shape || order_of<T> > table.order) {
            table.shape = here;
            table.order = order_of<T>;
            table.known.fill(false);
        }
        const auto k = static_cast<std::size_t>(j);
        if (!table.known[k]) {
            const auto f = at::stirling(std::log(j) - here, table.order);
            table.values[k] = {f[0], -f[1], f[2], -f[3]};
            table.known[k] = true;
        }
        return chain(shape, table.values[k]);
    }

    static double stirling_of_count(double j) {
        static const auto table = [] {
            std::array<double, small> out{};
            for (std::size_t k = 1; k < small; ++k)
                out[k] = at::stirling(std::log(static_cast<double>(k)), 0)[0];
            return out;
        }();
        return j < small ? table[static_cast<std::size_t>(j)] : at::stirling(std::log(j), 0)[0];
    }

    /// Logarithm of a term beside the largest that adds no digit.
    static constexpr double negligible = -38.0;
    /// Counts for which tables are kept.
    static constexpr std::size_t small = 128;
};

}  // namespace partialpool::families

namespace partialpool {
extern PARTIALPOOL_FAMILY(Tweedie);
}  // namespace partialpool
