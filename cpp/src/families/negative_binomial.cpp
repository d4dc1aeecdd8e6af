#include "canonical.hpp"
#include "counts.hpp"

// The negative binomial of kind 2 with log link: by hand what counts.hpp has as a formula, in
// loops over arrays that the compiler turns into vector instructions.

namespace partialpool {
namespace {

using families::NegativeBinomial2;

constexpr Index block_size = 128;
using Block = std::array<double, block_size>;

/// What a block of rows is computed from and to; `rising` and its derivatives in -log(size).
struct BlockRows {
    Index size;
    Block y, weight, eta, log_size, rising[4];
    Block value, first[2], second[3], third[4];
};

constexpr auto reciprocals = [] {
    std::array<double, 15> out{};
    for (std::size_t k = 1; k < out.size(); ++k) out[k] = 1.0 / static_cast<double>(k);
    return out;
}();

/// u + exp(-u) - 1 at u = log(1 + exp(t)) >= 0, where exp(-u) = 1 - p.
PARTIALPOOL_INLINE double excess_of(double u, double p) noexcept {
    // u^2 / 2 - u^3 / 6 + ...: the two have all but cancelled below a half.
    const double x = u < 0.5 ? u : 0.5;
    double sum = 0.0;
    for (std::size_t k = 14; k >= 2; --k) sum = (1.0 - x * sum) * reciprocals[k];
    return u < 0.5 ? x * x * sum : u - p;
}

/// With s the size, p = mu / (mu + s) and q = 1 - p, and d as above:
/// l = y (eta - log(1 + mu / s)) - s log(1 + mu / s) + rising.
template <int Order, bool All>
PARTIALPOOL_INLINE void rows_of(BlockRows& rows) noexcept {
    PARTIALPOOL_INDEPENDENT_ROWS
    for (Index i = 0; i < rows.size; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const double y = rows.y[at], w = rows.weight[at];
        const double x = rows.eta[at], o = rows.log_size[at];
        const double s = vector_math::exp(o), t = x - o, e = vector_math::exp(-std::abs(t));
        const double u = 0.5 * (t + std::abs(t)) + vector_math::log1p_unit(e);
        rows.value[at] = w * (y * (x - u) - s * u + rows.rising[0][at]);
        if constexpr (Order == 0) continue;
        const double up = 0.5 + std::copysign(0.5, t), down = 1.0 - up;
        const double larger = 1.0 / (1.0 + e);
        const double p = larger * (up + down * e), q = larger * (down + up * e);
        const double n = y + s, residual = y * q - s * p;
        rows.first[0][at] = w * residual;
        if constexpr (Order >= 2) rows.second[0][at] = -w * n * p * q;
        if constexpr (Order >= 3) rows.third[0][at] = -w * n * p * q * (q - p);
        if constexpr (!All) continue;
        const double sd = s * excess_of(u, p);
        rows.first[1][at] = w * (y * p - sd - rows.rising[1][at]);
        if constexpr (Order >= 2) {
            rows.second[1][at] = w * p * residual;
            rows.second[2][at] = w * (s * p * p - y * p * q - sd + rows.rising[2][at]);
        }
        if constexpr (Order >= 3) {
            rows.third[1][at] = w * p * q * (residual - n * p);
            rows.third[2][at] = w * p * residual * (p - q);
            rows.third[3][at] =
                w * (y * p * q * (q - p) - sd + 2.0 * s * p * p * p - rows.rising[3][at]);
        }
    }
}

// Clones can't be templates, so each has its own function.
PARTIALPOOL_CLONES void mean_0(BlockRows& rows) noexcept { rows_of<0, false>(rows); }
PARTIALPOOL_CLONES void mean_2(BlockRows& rows) noexcept { rows_of<2, false>(rows); }
PARTIALPOOL_CLONES void mean_3(BlockRows& rows) noexcept { rows_of<3, false>(rows); }
PARTIALPOOL_CLONES void all_2(BlockRows& rows) noexcept { rows_of<2, true>(rows); }
PARTIALPOOL_CLONES void all_3(BlockRows& rows) noexcept { rows_of<3, true>(rows); }

class LogNegativeBinomial2 : public FamilyDensity<NegativeBinomial2> {
public:
    explicit LogNegativeBinomial2(Observations data)
        : FamilyDensity<NegativeBinomial2>(std::move(data), Link::log) {}

    void evaluate(Index begin, Index size, const double* const* eta, int order, bool all,
                  const RowDerivatives& out) const override {
        BlockRows rows;
        const std::size_t count = all ? 2 : 1;
        for (Index at = 0; at < size; at += block_size) {
            rows.size = std::min(block_size, size - at);
            read(begin + at, at, eta, all ? order : 0, rows);
            if (order == 0)
                mean_0(rows);
            else if (order <= 2)
                all ? all_2(rows) : mean_2(rows);
            else
                all ? all_3(rows) : mean_3(rows);
            put(rows.value, out.value, at, rows.size);
            for (std::size_t a = 0; order >= 1 && a < count; ++a)
                put(rows.first[a], out.first[a], at, rows.size);
            for (std::size_t a = 0; order >= 2 && a < count * (count + 1) / 2; ++a)
                put(rows.second[a], out.second[a], at, rows.size);
            for (std::size_t a = 0; order >= 3 && a < (all ? 4 : 1); ++a)
                put(rows.third[a], out.third[a], at, rows.size);
        }
    }

private:
    void read(Index row, Index from, const double* const* eta, int order, BlockRows& rows) const {
        for (Index i = 0; i < rows.size; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const double w = data_.weight(row + i);
            rows.weight[at] = w > 0.0 ? w : 0.0;
            rows.y[at] = data_.response(row + i);
            // Where the weight is zero the predictors may be anything.
            rows.eta[at] = w > 0.0 ? eta[0][from + i] : 0.0;
            rows.log_size[at] = w > 0.0 ? eta[1][from + i] : 0.0;
            const auto rising = at::rising(-rows.log_size[at], rows.y[at], order);
            for (std::size_t k = 0; k < 4; ++k) rows.rising[k][at] = rising[k];
        }
    }
    static void put(const Block& from, double* to, Index at, Index size) {
        if (to) std::copy_n(from.begin(), size, to + at);
    }
};

}  // namespace

std::unique_ptr<Density> make_negative_binomial_log(Observations data) {
    return std::make_unique<LogNegativeBinomial2>(std::move(data));
}

}  // namespace partialpool
