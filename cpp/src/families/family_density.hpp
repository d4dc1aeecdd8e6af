#pragma once

#include "links.hpp"
#include "observations.hpp"

namespace partialpool {

/// Response and number of trials of one row.
struct Row {
    double y, trials;
};

/// Expected information about the first predictor and its slope.
struct Information {
    double value, slope;
};

/// Density of a data set whose rows follow Family, a class without state that has
///
///     predictors                            how many linear predictors
///     Mean<T>                               what the first one becomes, see links.hpp
///     constant(row)                         the terms of the log-density without predictors
///     log_density<T, Other>(row, mean, others)   the rest; Other: type of the other predictors
///     information(row, mean, others)        optional, with mean as jets of order 2
///     slopes_alone                          optional: second derivatives cost so much that slopes
///                                           alone are worth code of their own
template <class Family>
class FamilyDensity : public Density {
public:
    FamilyDensity(Observations data, Link link) : data_(std::move(data)), link_(link) {
        constant_ = data_.weighted_sum(
            [](double y, double trials) { return Family::constant(Row{y, trials}); });
    }

    int predictors() const override { return Family::predictors; }
    Index rows() const override { return data_.rows(); }
    double constant() const override { return constant_; }

    void evaluate(Index begin, Index size, const double* const* eta, int order, bool all,
                  const RowDerivatives& out) const override {
        constexpr int d = Family::predictors;
        const bool several = all && d > 1;
        if (order == 0)
            loop<double, double>(begin, size, eta, out);
        else if (order <= 2 && !several)
            loop<Jet<1, 2>, double>(begin, size, eta, out);
        else if (order <= 2)
            loop_of_several(begin, size, eta, order, out);
        else if (!several)
            loop<Jet<1, 3>, double>(begin, size, eta, out);
        else
            loop<Jet<d, 3>, Jet<d, 3>>(begin, size, eta, out);
    }

    bool expected(Index begin, Index size, const double* const* eta, double* information,
                  double* slope) const override {
        using Mean = typename Family::template Mean<Jet<1, 2>>;
        if constexpr (requires(Row row, Mean mean, const double* others) {
                          Family::information(row, mean, others);
                      }) {
            for (Index i = 0; i < size; ++i) {
                const double w = data_.weight(begin + i);
                Information found{};
                if (w > 0.0)
                    found = Family::information(row(begin + i), mean<Jet<1, 2>>(eta, i),
                                                others<double>(eta, i).data());
                information[i] = w * found.value;
                slope[i] = w * found.slope;
            }
            return true;
        }
        return false;
    }

private:
    Row row(Index i) const { return {data_.response(i), data_.trial(i)}; }

    template <class T>
    static T predictor(const double* const* eta, std::size_t number, Index i) {
        if constexpr (order_of<T> == 0)
            return eta[number][i];
        else
            return T::variable(eta[number][i], number);
    }
    template <class T>
    auto mean(const double* const* eta, Index i) const {
        return Family::template Mean<T>::of(link_, predictor<T>(eta, 0, i));
    }
    template <class Other>
    static auto others(const double* const* eta, Index i) {
        std::array<Other, max_predictors> out{};
        for (std::size_t a = 1; a < Family::predictors; ++a)
            out[a - 1] = predictor<Other>(eta, a, i);
        return out;
    }

    template <class T, class Other>
    void loop(Index begin, Index size, const double* const* eta, const RowDerivatives& out) const {
        for (Index i = 0; i < size; ++i) {
            const double w = data_.weight(begin + i);
            T l = 0.0;
            if (w > 0.0 && Family::template Mean<double>::outside(link_, eta[0][i]))
                l = -std::numeric_limits<double>::infinity();
            else if (w > 0.0)
                l = Family::template log_density<T>(row(begin + i), mean<T>(eta, i),
                                                    others<Other>(eta, i).data()) *
                    w;
            write(l, out, i);
        }
    }

    void loop_of_several(Index begin, Index size, const double* const* eta, int order,
                         const RowDerivatives& out) const {
        using Slopes = Jet<Family::predictors, 1>;
        using Curvature = Jet<Family::predictors, 2>;
        if constexpr (requires { Family::slopes_alone; })
            if (order == 1) return loop<Slopes, Slopes>(begin, size, eta, out);
        loop<Curvature, Curvature>(begin, size, eta, out);
    }

    static void put(double* to, Index i, double x) {
        if (to) to[i] = x;
    }
    static void write(double l, const RowDerivatives& out, Index i) { put(out.value, i, l); }
    template <int D, int O>
    static void write(const Jet<D, O>& l, const RowDerivatives& out, Index i) {
        put(out.value, i, l.value);
        for (std::size_t k = 0; k < l.first.size(); ++k) put(out.first[k], i, l.first[k]);
        for (std::size_t k = 0; k < l.second.size(); ++k) put(out.second[k], i, l.second[k]);
        for (std::size_t k = 0; k < l.third.size(); ++k) put(out.third[k], i, l.third[k]);
    }

protected:
    Observations data_;

private:
    Link link_;
    double constant_;
};

/// Declared extern beside each family's formula and compiled in one file.
template <class Family>
std::unique_ptr<Density> make(Observations data, Link link) {
    return std::make_unique<FamilyDensity<Family>>(std::move(data), link);
}

#define PARTIALPOOL_FAMILY(Family) \
    template std::unique_ptr<Density> make<families::Family>(Observations, Link)

}  // namespace partialpool
