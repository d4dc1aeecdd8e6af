#pragma once

#include <vector>

#include "tweedie_shape.hpp"

namespace partialpool::families::tweedie {

/// Logarithm of a term beside the largest that adds no digit.
inline constexpr double negligible = -38.0;

/// log I of tweedie.hpp, term by term, for one shape.
///
/// From term c to term c + m it is m x + k(m, c) further, on a logarithmic scale, where
/// x = (1 + a) log(J / c) is all that differs between rows with the same largest term c. So
/// exp(k), with its derivatives, stands in tables; a row is two exponentials and a polynomial in
/// each of them. Those derivatives are relative to the largest term's, so that many like terms
/// keep their digits.
template <int O>
class Series {
public:
    explicit Series(double shape) : shape_(shape) {}

    const Shape<O>& shape() const { return shape_; }

    /// For another shape, in the memory of the one before.
    void restart(double shape) {
        shape_ = Shape<O>(shape);
        amount_known_.fill(false);
        ratio_known_.fill(false);
        for (Terms& terms : terms_) terms.centre = 0.0;
    }

    /// With derivatives in a shift of log J and in the shape.
    InTwo<O> log_sum(const InShape<O>& log_j) {
        const double centre = largest(value_of(log_j)), log_centre = log_count(centre);
        const InTwo<O> away = linear(log_centre - log_j, in_shape(-1.0));
        const InTwo<O> rest = linear(stirling_of_amount(centre) + shape_.shape * 0.5 +
                                         (stirling_of_count(centre) + 2.0 * half_log_two_pi),
                                     in_shape(0.0));
        return log_total(centre, shape_.one_a * (log_j - log_centre)) -
               linear(shape_.one_a * centre, in_shape(0.0)) * excess(away) - rest;
    }

private:
    /// Counts for which tables are kept.
    static constexpr std::size_t small = 256;
    static constexpr std::size_t size = static_cast<std::size_t>((O + 1) * (O + 2) / 2);
    using Flat = std::array<double, size>;

    /// The terms around one that is the largest: those above and then those below. The m-th is
    /// its entry times exp(m (x + first_up)), or exp(m (first_down - x)): powers of numbers that
    /// are not above one, however steep the terms.
    struct Terms {
        double centre = 0.0, first_up = 0.0, first_down = 0.0;
        std::size_t up = 0;
        std::vector<Flat> entries;
    };

    static InShape<O> in_shape(double constant) { return constant; }

    static Flat flat(const InTwo<O>& x) {
        Flat out{value_of(x)};
        if constexpr (O > 0) {
            double* to = out.data() + 1;
            to = std::copy(x.first.begin(), x.first.end(), to);
            to = std::copy(x.second.begin(), x.second.end(), to);
            std::copy(x.third.begin(), x.third.end(), to);
        }
        return out;
    }
    static InTwo<O> unflat(const Flat& from) {
        if constexpr (O == 0)
            return from[0];
        else {
            Jet<2, O> x(from[0]);
            const double* at = from.data() + 1;
            for (double& d : x.first) d = *at++;
            for (double& d : x.second) d = *at++;
            for (double& d : x.third) d = *at++;
            return x;
        }
    }

    /// Logarithm of the sum of all terms relative to that at the centre.
    InTwo<O> log_total(double centre, const InShape<O>& x) {
        const Terms& terms = around(centre);
        const double up = value_of(x) + terms.first_up, down = terms.first_down - value_of(x);
        // The powers of 1 + a in the derivatives may be beyond all numbers where it stands alone.
        if (!(up > negligible || down > negligible)) return 0.0;
        Flat sum{1.0};
        const auto add = [&](std::size_t begin, std::size_t end, double log_ratio) {
            if (!(log_ratio > negligible)) return;
            const double ratio = vector_math::exp(log_ratio);
            double power = ratio;
            for (std::size_t k = begin; k < end; ++k) {
                for (std::size_t i = 0; i < size; ++i) sum[i] += power * terms.entries[k][i];
                power *= ratio;
            }
        };
        add(0, terms.up, up);
        add(terms.up, terms.entries.size(), down);
        return substitute(log_positive(unflat(sum)), linear(x, shape_.one_a));
    }

    const Terms& around(double centre) {
        // The last place is for counts without one.
        Terms& terms = terms_[centre < small ? static_cast<std::size_t>(centre) : 0];
        if (terms.centre == centre) return terms;
        terms.centre = centre;
        terms.entries.clear();
        terms.first_up = tabulate(terms.entries, centre, 1.0);
        terms.up = terms.entries.size();
        terms.first_down = tabulate(terms.entries, centre, -1.0);
        return terms;
    }

    /// Entries for m = direction, 2 direction, ...; returns the first one's logarithm,
    /// minus infinity where there is none.
    double tabulate(std::vector<Flat>& entries, double centre, double direction) {
        // The bound is for parameters beyond all digits.
        constexpr int most = 1000;
        double first = -std::numeric_limits<double>::infinity();
        for (int k = 1; k < most && centre + k * direction >= 1.0; ++k) {
            const InShape<O> far = beyond(centre, centre + k * direction);
            if (k == 1) first = value_of(far);
            const InShape<O> left = far - k * first;
            if (k > 1 && !(value_of(left) > negligible)) break;
            entries.push_back(flat(saturated_exp(linear(left, in_shape(k * direction)))));
        }
        return first;
    }
    /// Logarithm k(j - c, c) of term j over term c where J = c.
    InShape<O> beyond(double c, double j) {
        const double step = at::excess(log_count(j) - log_count(c), 0)[0];
        return stirling_of_amount(c) - stirling_of_amount(j) - shape_.one_a * (j * step) +
               (stirling_of_count(c) - stirling_of_count(j));
    }

    /// The number with the largest term, which is near J.
    double largest(double log_j) {
        // Whether the terms still rise from this count to the next.
        const auto rises = [&](double j) {
            return value_of(shape_.one_a) * (log_j - log_count(j)) + log_ratio(j) > 0.0;
        };
        double centre = std::max(1.0, std::floor(std::exp(log_j)));
        constexpr int most = 8;
        int moves = 0;
        for (; moves < most && rises(centre); ++moves) centre += 1.0;
        if (moves > 0) return centre;
        for (; moves < most && centre > 1.0 && !rises(centre - 1.0); ++moves) centre -= 1.0;
        return centre;
    }

    /// beyond(j, j + 1), its value alone.
    double log_ratio(double j) {
        if (!(j < small)) return value_of(beyond(j, j + 1.0));
        const auto k = static_cast<std::size_t>(j);
        if (!ratio_known_[k]) {
            ratios_[k] = value_of(beyond(j, j + 1.0));
            ratio_known_[k] = true;
        }
        return ratios_[k];
    }

    /// S(j a).
    InShape<O> stirling_of_amount(double j) {
        if (!(j < small)) return stirling(std::log(j) - shape_.shape);
        const auto k = static_cast<std::size_t>(j);
        if (!amount_known_[k]) {
            amounts_[k] = stirling(log_count(j) - shape_.shape);
            amount_known_[k] = true;
        }
        return amounts_[k];
    }

    struct OfCounts {
        std::array<double, small> log{}, stirling{};
        OfCounts() {
            for (std::size_t k = 1; k < small; ++k) {
                log[k] = std::log(static_cast<double>(k));
                stirling[k] = at::stirling(log[k], 0)[0];
            }
        }
    };
    static const OfCounts& of_counts() {
        static const OfCounts table;
        return table;
    }
    static double log_count(double j) {
        return j < small ? of_counts().log[static_cast<std::size_t>(j)] : std::log(j);
    }
    static double stirling_of_count(double j) {
        return j < small ? of_counts().stirling[static_cast<std::size_t>(j)]
                         : at::stirling(std::log(j), 0)[0];
    }

    Shape<O> shape_;
    std::array<bool, small> amount_known_{}, ratio_known_{};
    std::array<InShape<O>, small> amounts_{};
    std::array<double, small> ratios_{};
    std::array<Terms, small> terms_{};
};

/// That of the shape last asked for in this thread: the shape is one number for all rows.
template <int O>
Series<O>& series_of(double shape) {
    thread_local Series<O> series(shape);
    if (shape != series.shape().at) series.restart(shape);
    return series;
}

}  // namespace partialpool::families::tweedie
