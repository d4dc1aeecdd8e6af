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

// Where the weight is zero the predictor may be anything. One choice in a row, at its start: of
// several on one condition the compiler makes a branch, and no vector instructions.
PARTIALPOOL_INLINE double used(double eta, double weight) noexcept {
    return weight > 0.0 ? eta : 0.0;
}

template <int Order>
PARTIALPOOL_INLINE void logit_rows(BlockRows rows) noexcept {
    PARTIALPOOL_INDEPENDENT_ROWS
    for (Index i = 0; i < rows.size; ++i) {
        const double y = rows.y[i], m = rows.trials[i], w = rows.weights[i];
        const double x = used(rows.eta[i], w);
        // e <= 1: nothing overflows, and the smaller of the two probabilities keeps its digits.
        const double e = vector_math::exp(-std::abs(x));
        // y log p + (m - y) log q, three terms of one sign: y x - m log(1 + exp(x)) would cancel.
        const double above = 0.5 * (std::abs(x) + x), below = 0.5 * (std::abs(x) - x);
        rows.value[i] = -w * (m * vector_math::log1p_unit(e) + (y * below + (m - y) * above));
        if constexpr (Order >= 1) {
            const double up = 0.5 + std::copysign(0.5, x), down = 1.0 - up;
            const double larger = 1.0 / (1.0 + e);
            const double p = larger * (up + down * e), q = larger * (down + up * e);
            // y (1 - p) - (m - y) p: no cancellation where the fit is all but perfect.
            rows.first[i] = w * (y * q - (m - y) * p);
            if constexpr (Order >= 2) rows.second[i] = w * (-m * (p * q));
            if constexpr (Order >= 3) rows.third[i] = w * (-m * (p * q) * (q - p));
        }
    }
}

template <int Order>
PARTIALPOOL_INLINE void log_rows(BlockRows rows) noexcept {
    PARTIALPOOL_INDEPENDENT_ROWS
    for (Index i = 0; i < rows.size; ++i) {
        const double y = rows.y[i], w = rows.weights[i], x = used(rows.eta[i], w);
        const double mu = vector_math::exp(x);
        rows.value[i] = w * (y * x - mu);
        if constexpr (Order >= 1) rows.first[i] = w * (y - mu);
        if constexpr (Order >= 2) rows.second[i] = -w * mu;
        if constexpr (Order >= 3) rows.third[i] = -w * mu;
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
