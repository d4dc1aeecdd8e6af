#include "canonical.hpp"

#include <cmath>

#include "partialpool/vector_math.hpp"

namespace partialpool {
namespace {

constexpr Index block_size = 128;
using Block = std::array<double, block_size>;

constexpr Block filled(double value) {
    Block block{};
    for (double& x : block) x = value;
    return block;
}
constexpr Block ones = filled(1.0);

/// Arrays of one block of rows, none of them null.
struct BlockRows {
    Index size;
    const double *eta, *y, *trials, *weights;
    double *value, *first, *second, *third;
};

// A weight of zero gives zero whatever the predictor is.
PARTIALPOOL_INLINE double weighted(double w, double x) noexcept { return w > 0.0 ? w * x : 0.0; }

template <int Order>
PARTIALPOOL_INLINE void logit_rows(const BlockRows& rows) noexcept {
    const double *PARTIALPOOL_RESTRICT eta = rows.eta, *PARTIALPOOL_RESTRICT y_of = rows.y;
    const double* PARTIALPOOL_RESTRICT m_of = rows.trials;
    const double* PARTIALPOOL_RESTRICT w_of = rows.weights;
    double* PARTIALPOOL_RESTRICT value = rows.value;
    double* PARTIALPOOL_RESTRICT first = rows.first;
    double* PARTIALPOOL_RESTRICT second = rows.second;
    double* PARTIALPOOL_RESTRICT third = rows.third;
    for (Index i = 0; i < rows.size; ++i) {
        const double x = eta[i], y = y_of[i], m = m_of[i], w = w_of[i];
        // e <= 1: nothing overflows, and the smaller of the two probabilities keeps its digits.
        const double e = vector_math::exp(-std::abs(x));
        const double softplus = (x > 0.0 ? x : 0.0) + vector_math::log1p_unit(e);
        value[i] = weighted(w, y * x - m * softplus);
        if constexpr (Order >= 1) {
            const double larger = 1.0 / (1.0 + e), smaller = e * larger;
            const double p = x > 0.0 ? larger : smaller, q = x > 0.0 ? smaller : larger;
            // y (1 - p) - (m - y) p: no cancellation where the fit is all but perfect.
            first[i] = weighted(w, y * q - (m - y) * p);
            if constexpr (Order >= 2) second[i] = weighted(w, -m * (p * q));
            if constexpr (Order >= 3) third[i] = weighted(w, -m * (p * q) * (q - p));
        }
    }
}

template <int Order>
PARTIALPOOL_INLINE void log_rows(const BlockRows& rows) noexcept {
    const double *PARTIALPOOL_RESTRICT eta = rows.eta, *PARTIALPOOL_RESTRICT y_of = rows.y;
    const double* PARTIALPOOL_RESTRICT w_of = rows.weights;
    double* PARTIALPOOL_RESTRICT value = rows.value;
    double* PARTIALPOOL_RESTRICT first = rows.first;
    double* PARTIALPOOL_RESTRICT second = rows.second;
    double* PARTIALPOOL_RESTRICT third = rows.third;
    for (Index i = 0; i < rows.size; ++i) {
        const double x = eta[i], y = y_of[i], w = w_of[i];
        const double mu = vector_math::exp(x);
        value[i] = weighted(w, y * x - mu);
        if constexpr (Order >= 1) first[i] = weighted(w, y - mu);
        if constexpr (Order >= 2) second[i] = weighted(w, -mu);
        if constexpr (Order >= 3) third[i] = weighted(w, -mu);
    }
}

// Clones can't be templates, so each order has its own function.
PARTIALPOOL_CLONES void logit_0(const BlockRows& rows) noexcept { logit_rows<0>(rows); }
PARTIALPOOL_CLONES void logit_1(const BlockRows& rows) noexcept { logit_rows<1>(rows); }
PARTIALPOOL_CLONES void logit_2(const BlockRows& rows) noexcept { logit_rows<2>(rows); }
PARTIALPOOL_CLONES void logit_3(const BlockRows& rows) noexcept { logit_rows<3>(rows); }
PARTIALPOOL_CLONES void log_0(const BlockRows& rows) noexcept { log_rows<0>(rows); }
PARTIALPOOL_CLONES void log_1(const BlockRows& rows) noexcept { log_rows<1>(rows); }
PARTIALPOOL_CLONES void log_2(const BlockRows& rows) noexcept { log_rows<2>(rows); }
PARTIALPOOL_CLONES void log_3(const BlockRows& rows) noexcept { log_rows<3>(rows); }

using Kernel = void (*)(const BlockRows&) noexcept;
using Kernels = std::array<Kernel, 4>;

/// A density whose rows are worked on by kernels, one for each order.
class CanonicalDensity : public Density {
public:
    CanonicalDensity(Observations data, const Kernels& kernels, double constant)
        : data_(std::move(data)), kernels_(kernels), constant_(constant) {}

    int predictors() const override { return 1; }
    Index rows() const override { return data_.rows(); }
    double constant() const override { return constant_; }

    void evaluate(Index begin, Index size, const double* const* eta, int order, bool /*all*/,
                  const RowDerivatives& out) const override {
        Block unwanted;
        const auto input = [&](const std::vector<double>& from, Index at) {
            return from.empty() ? ones.data() : from.data() + begin + at;
        };
        const auto output = [&](double* to, Index at) { return to ? to + at : unwanted.data(); };
        for (Index at = 0; at < size; at += block_size) {
            kernels_[static_cast<std::size_t>(order)](
                {std::min(block_size, size - at), eta[0] + at, data_.y.data() + begin + at,
                 input(data_.trials, at), input(data_.weights, at), output(out.value, at),
                 output(out.first[0], at), output(out.second[0], at), output(out.third[0], at)});
        }
    }

    bool expected(Index begin, Index size, const double* const* eta, double* information,
                  double* slope) const override {
        // Canonical links: the information doesn't depend on the response.
        RowDerivatives out;
        out.second[0] = information;
        out.third[0] = slope;
        evaluate(begin, size, eta, 3, false, out);
        for (Index i = 0; i < size; ++i) {
            information[i] = -information[i];
            slope[i] = -slope[i];
        }
        return true;
    }

private:
    Observations data_;
    Kernels kernels_;
    double constant_;
};

}  // namespace

std::unique_ptr<Density> make_binomial_logit(Observations data) {
    const double constant = data.weighted_sum([](double y, double m) {
        return std::lgamma(m + 1.0) - std::lgamma(y + 1.0) - std::lgamma(m - y + 1.0);
    });
    return std::make_unique<CanonicalDensity>(
        std::move(data), Kernels{logit_0, logit_1, logit_2, logit_3}, constant);
}

std::unique_ptr<Density> make_poisson_log(Observations data) {
    const double constant =
        data.weighted_sum([](double y, double /*m*/) { return -std::lgamma(y + 1.0); });
    return std::make_unique<CanonicalDensity>(std::move(data), Kernels{log_0, log_1, log_2, log_3},
                                              constant);
}

}  // namespace partialpool
