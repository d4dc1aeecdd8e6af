#include "partialpool/special_functions.hpp"

namespace partialpool::at {
namespace {

constexpr double sqrt_two = 1.4142135623730950488;
// 1 / sqrt(2) in two pieces.
constexpr double sqrt_half = 0.70710678118654757;
constexpr double sqrt_half_rest = -4.8336466567264567e-17;

/// Taylor coefficients of log(1 + x) / x times k^j: derivatives in log x.
constexpr std::size_t ratio_terms = 18;
constexpr auto ratio_coefficients = [] {
    std::array<Derivatives, ratio_terms> table{};
    for (std::size_t k = 0; k < ratio_terms; ++k) {
        const double power = static_cast<double>(k);
        double c = (k % 2 ? -1.0 : 1.0) / (power + 1.0);
        for (double& entry : table[k]) {
            entry = c;
            c *= power;
        }
    }
    return table;
}();

}  // namespace

Derivatives softplus(double x, int order) {
    const double e = vector_math::exp(-std::abs(x));
    Derivatives f{(x > 0.0 ? x : 0.0) + vector_math::log1p_unit(e), 0.0, 0.0, 0.0};
    if (order == 0) return f;
    const double larger = 1.0 / (1.0 + e), smaller = e * larger;
    f[1] = x > 0.0 ? larger : smaller;
    f[2] = larger * smaller;
    f[3] = f[2] * (1.0 - e) * larger * (x > 0.0 ? -1.0 : 1.0);
    return f;
}

Derivatives log_cloglog(double t, int order) {
    const double x = vector_math::exp(t);
    Derivatives f{x < 1.0 ? t + std::log(-std::expm1(-x) / x) : std::log1p(-vector_math::exp(-x)),
                  0.0, 0.0, 0.0};
    if (order == 0) return f;
    // r = x / (exp(x) - 1) solves r' = r (1 - x - r), derivatives in t.
    const double r = x > vector_math::exp_limit ? 0.0 : x / std::expm1(x);
    double rest = 1.0 - x - r;
    if (x < 0.1) {  // - x / 2 - sum of B_2k x^2k / (2k)!
        const double z = x * x;
        rest = -0.5 * x -
               z * (1.0 / 12.0 - z * (1.0 / 720.0 - z * (1.0 / 30240.0 - z * (1.0 / 1209600.0))));
    }
    f[1] = r;
    f[2] = r * rest;
    f[3] = r == 0.0 ? 0.0 : f[2] * rest - r * (x + f[2]);
    return f;
}

Derivatives log1mexp(double x, int order) {
    if (!(x > 0.0)) {
        const double value = x == 0.0 ? -std::numeric_limits<double>::infinity()
                                      : std::numeric_limits<double>::quiet_NaN();
        return {value, value, value, value};
    }
    Derivatives f{x < 0.7 ? std::log(-std::expm1(-x)) : std::log1p(-std::exp(-x)), 0.0, 0.0, 0.0};
    if (order == 0) return f;
    f[1] = 1.0 / std::expm1(x);
    f[2] = -f[1] * (1.0 + f[1]);
    f[3] = -f[2] * (1.0 + 2.0 * f[1]);
    return f;
}

Derivatives excess(double x, int order) {
    if (!(std::abs(x) < 0.5)) {
        const double e = vector_math::exp(-x), value = x + (e - 1.0);
        if (order == 0) return {value, 0.0, 0.0, 0.0};
        return {value, 1.0 - e, e, -e};
    }
    // x^2 / 2! - x^3 / 3! + ...: x and expm1 have all but cancelled. In pairs of pairs, and the
    // first term last, for its digits.
    const double z = -x, z2 = z * z, z4 = z2 * z2;
    const double a = (1.0 / 6.0 + z * (1.0 / 24.0)) + z2 * (1.0 / 120.0 + z * (1.0 / 720.0));
    const double b =
        (1.0 / 5040.0 + z * (1.0 / 40320.0)) + z2 * (1.0 / 362880.0 + z * (1.0 / 3628800.0));
    const double c = (1.0 / 39916800.0 + z * (1.0 / 479001600.0)) +
                     z2 * (1.0 / 6227020800.0 + z * (1.0 / 87178291200.0));
    const double rest = a + z4 * (b + z4 * (c + z4 * (1.0 / 1307674368000.0)));
    const double value = 0.5 * z2 + z2 * (z * rest);
    if (order == 0) return {value, 0.0, 0.0, 0.0};
    // value - x is exp(-x) - 1, and 1 is far enough from it.
    const double less_one = value - x;
    return {value, -less_one, 1.0 + less_one, -1.0 - less_one};
}

Derivatives expm1(double x, int /*order*/) {
    x = std::min(std::max(x, -170.0), 170.0);
    const double e = vector_math::exp(x);
    return {std::expm1(x), e, e, e};
}

Derivatives log_ndtr(double x, int order) {
    constexpr double tail = -9.0;
    Derivatives f{};
    double ratio, sum;  // ratio: density over distribution function; sum: x + ratio
    if (x > tail) {
        // exp(-x^2 / 2) in two factors: rounding x^2 would cost a digit.
        const double coarse = std::trunc(x * 16.0) / 16.0;
        const double density = 0.39894228040143267794 * std::exp(-0.5 * coarse * coarse) *
                               std::exp(-0.5 * (x - coarse) * (x + coarse));
        // What rounding takes from x / sqrt(2) is put back by the slope: it costs two digits.
        const double scaled = x * sqrt_half;
        const double lost = std::fma(x, sqrt_half, -scaled) + x * sqrt_half_rest;
        const double correction = sqrt_two * density * lost;
        const double upper = x > 0.0 ? 0.5 * std::erfc(scaled) - correction : 0.0;
        const double lower = x > 0.0 ? 1.0 - upper : 0.5 * std::erfc(-scaled) + correction;
        f[0] = x > 0.0 ? std::log1p(-upper) : std::log(lower);
        ratio = density / lower;
        sum = x + ratio;
    } else {
        // Mills ratio: 1 - 1 / x^2 + 3 / x^4 - ..., of which `deficit` is what 1 lacks.
        const double z = 1.0 / (x * x);
        double inner = 1.0;
        for (int k = 20; k >= 2; --k) inner = 1.0 - (2.0 * k - 1.0) * z * inner;
        const double deficit = z * inner;
        f[0] = -0.5 * x * x - half_log_two_pi - std::log(-x) + std::log1p(-deficit);
        ratio = -x / (1.0 - deficit);
        sum = -x * (deficit / (1.0 - deficit));
    }
    if (order == 0) return f;
    f[1] = ratio;
    f[2] = -ratio * sum;
    f[3] = -f[2] * sum - ratio * (1.0 + f[2]);
    return f;
}

Derivatives log1p_ratio(double x, int order) {
    Derivatives f{};
    if (x < 0.3) {
        for (int k = 36; k >= 0; --k) {
            const double sign = k % 2 ? -1.0 : 1.0, c = sign / (k + 1.0);
            f[0] = f[0] * x + c;
            if (k >= 1) f[1] = f[1] * x + c * k;
            if (k >= 2) f[2] = f[2] * x + c * k * (k - 1.0);
            if (k >= 3) f[3] = f[3] * x + c * k * (k - 1.0) * (k - 2.0);
        }
        return f;
    }
    const double r = 1.0 / x, d = 1.0 / (1.0 + x);
    f[0] = std::log1p(x) * r;
    if (order == 0) return f;
    f[1] = (d - f[0]) * r;
    f[2] = (-d * d - 2.0 * f[1]) * r;
    f[3] = (2.0 * d * d * d - 3.0 * f[2]) * r;
    return f;
}

Derivatives log1p_ratio_exp(double t, int order) {
    const double x = vector_math::exp(t);
    if (x < 0.1) {
        Derivatives f{};
        for (std::size_t k = ratio_terms; k-- > 0;)
            for (std::size_t j = 0; j < 4; ++j) f[j] = f[j] * x + ratio_coefficients[k][j];
        return f;
    }
    // Each derivative is that of softplus less the function before: no power of x overflows.
    const auto s = softplus(t, order);
    const double r = vector_math::exp(-t);
    Derivatives f{s[0] * r, 0.0, 0.0, 0.0};
    if (order == 0) return f;
    f[1] = s[1] * r - f[0];
    f[2] = (s[2] - s[1]) * r - f[1];
    f[3] = (s[3] - 2.0 * s[2] + s[1]) * r - f[2];
    return f;
}

Derivatives log_log1p_ratio_exp(double t, int order) {
    const auto k = log1p_ratio_exp(t, order);
    const double value = t > 0.0 ? std::log(softplus(t, 0)[0]) - t : std::log(k[0]);
    if (order == 0) return {value, 0.0, 0.0, 0.0};
    const double r1 = k[1] / k[0], r2 = k[2] / k[0], r3 = k[3] / k[0];
    return {value, r1, r2 - r1 * r1, r3 - 3.0 * r1 * r2 + 2.0 * r1 * r1 * r1};
}

}  // namespace partialpool::at
