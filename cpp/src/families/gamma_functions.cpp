#include "partialpool/special_functions.hpp"

namespace partialpool {
namespace at {
namespace {

constexpr double asymptotic = 10.0;

/// Coefficients B_2k / (2k (2k - 1)) of x^(1 - 2k), and of its derivatives in log x.
constexpr auto stirling_coefficients = [] {
    constexpr std::size_t terms = 11;
    std::array<double, terms> c{1.0 / 12.0,           -1.0 / 360.0,       1.0 / 1260.0,
                                -1.0 / 1680.0,        1.0 / 1188.0,       -691.0 / 360360.0,
                                1.0 / 156.0,          -3617.0 / 122400.0, 43867.0 / 244188.0,
                                -174611.0 / 125400.0, 77683.0 / 5796.0};
    std::array<Derivatives, terms> out{};
    for (std::size_t k = 0; k < terms; ++k)
        for (double& entry : out[k]) {
            entry = c[k];
            c[k] *= -(2.0 * static_cast<double>(k) + 1.0);
        }
    return out;
}();

template <std::size_t terms>
Derivatives stirling_sum(double r, int order) {
    const double z = r * r;
    Derivatives f{};
    if (order == 0) {
        for (std::size_t k = terms; k-- > 0;) f[0] = f[0] * z + stirling_coefficients[k][0];
        return {f[0] * r, 0.0, 0.0, 0.0};
    }
    for (std::size_t k = terms; k-- > 0;)
        for (std::size_t j = 0; j < 4; ++j) f[j] = f[j] * z + stirling_coefficients[k][j];
    for (double& d : f) d *= r;
    return f;
}

/// Stirling's series at r = 1 / x <= 1 / 10, and its derivatives in log x. Where there are enough
/// of five terms, the sixth is below 3e-17 of the third derivative.
Derivatives stirling_series(double r, int order) {
    return r < 1.0 / 64.0 ? stirling_sum<5>(r, order) : stirling_sum<11>(r, order);
}

/// stirling(x) - stirling(x + 1) = (x + 1/2) log(1 + 1/x) - 1, and its derivatives times x, x^2,
/// x^3.
Derivatives first_step(double x) {
    const double logarithm = std::log1p(1.0 / x), next = 1.0 / (x + 1.0);
    return {(x + 0.5) * logarithm - 1.0, x * logarithm - (x + 0.5) * next, 0.5 * next * next,
            -(2.0 * x + 1.0) * next * next * next};
}

/// stirling(x) - stirling(x + 10) for x >= 1 as a sum of first_step(x + k).
///
/// Each is artanh(s) / s - 1 with s = 1 / (2 (x + k) + 1); all are positive, so that their sum
/// keeps its digits. In arrays, for the compiler to work on several steps at once.
Derivatives ten_steps(double x, int order) {
    constexpr std::size_t steps = 10;
    if (order == 0) {
        std::array<double, steps> term;
        for (std::size_t k = 0; k < steps; ++k) {
            const double s = 1.0 / (2.0 * (x + static_cast<double>(k)) + 1.0);
            term[k] = vector_math::artanh_rest(s * s);
        }
        double sum = 0.0;
        for (std::size_t k = steps; k-- > 0;) sum += term[k];
        return {sum, 0.0, 0.0, 0.0};
    }
    std::array<double, steps + 1> inverse;
    std::array<Derivatives, steps> term;
    for (std::size_t k = 0; k <= steps; ++k) inverse[k] = 1.0 / (x + static_cast<double>(k));
    for (std::size_t k = 0; k < steps; ++k) {
        const double twice = 2.0 * (x + static_cast<double>(k)) + 1.0, s = 1.0 / twice;
        const double product = inverse[k] * inverse[k + 1];
        term[k][0] = vector_math::artanh_rest(s * s);
        term[k][1] = -2.0 * s * (0.25 * product - term[k][0]);
        term[k][2] = 0.5 * product * product;
        term[k][3] = -twice * product * product * product;
    }
    Derivatives f{};
    for (std::size_t k = steps; k-- > 0;)
        for (std::size_t j = 0; j < 4; ++j) f[j] += term[k][j];
    return {f[0], x * f[1], x * x * f[2], x * x * x * f[3]};
}

}  // namespace

namespace {

/// stirling at x < 1e-6 from log Gamma(x) = -log x - gamma x + zeta(2) x^2 / 2 - ...: the
/// derivatives go to zero, where sums of ten terms leave rounding errors.
Derivatives stirling_near_zero(double t) {
    constexpr double euler_gamma = 0.57721566490153286061;
    constexpr double square = 0.82246703342411321824, cube = -0.40068563438653142847;
    const double x = vector_math::exp(t);
    const double a = -x * (t + euler_gamma), b = x * x * square, c = x * x * x * cube;
    return {-0.5 * t - half_log_two_pi + x + a + b + c, -0.5 + a + 2.0 * b + 3.0 * c,
            a - x + 4.0 * b + 9.0 * c, a - 2.0 * x + 8.0 * b + 27.0 * c};
}

}  // namespace

Derivatives stirling(double t, int order) {
    const double x = vector_math::exp(t);
    if (x < 1e-6) return stirling_near_zero(t);
    if (!(x < asymptotic)) return stirling_series(vector_math::exp(-t), order);
    // Upwards until the series holds; derivatives times powers of x, as long as steps are added.
    Derivatives f{};
    double start = x;
    if (x < 1.0) {
        f = first_step(x);
        start = x + 1.0;
    }
    const double share = x / start, end = 1.0 / (start + 10.0), last = x * end;
    const auto g = ten_steps(start, order);
    const auto h = stirling_series(end, order);
    f[0] += g[0] + h[0];
    if (order == 0) return {f[0], 0.0, 0.0, 0.0};
    f[1] += share * g[1] + last * h[1];
    f[2] += share * share * g[2] + last * last * (h[2] - h[1]);
    f[3] += share * share * share * g[3] + last * last * last * (h[3] - 3.0 * h[2] + 2.0 * h[1]);
    return {f[0], f[1], f[2] + f[1], f[3] + 3.0 * f[2] + f[1]};
}

Derivatives log_gamma_exp(double t, int order) {
    const double x = vector_math::exp(t);
    const auto c = stirling(t, order);
    return {(x - 0.5) * t - x + half_log_two_pi + c[0], x * t - 0.5 + c[1], x * t + x + c[2],
            x * t + 2.0 * x + c[3]};
}

namespace {

/// Sum of log(1 + k exp(a)) over k = 1, ..., y - 1, for whole y.
Derivatives rising_sum(double a, double y, int order) {
    const double alpha = vector_math::exp(a), s = vector_math::exp(-a);
    // One logarithm of a product; less one, so that a vanishing alpha keeps its digits.
    double product = 1.0, less_one = 0.0;
    Derivatives f{};
    for (double k = 1.0; k < y; k += 1.0) {
        product *= k + s;
        less_one += k * alpha * (1.0 + less_one);
        if (order == 0) continue;
        const double share = alpha < 1.0 ? k * alpha / (1.0 + k * alpha) : k / (k + s);
        const double rest = alpha < 1.0 ? 1.0 / (1.0 + k * alpha) : s / (k + s);
        f[1] += share;
        f[2] += share * rest;
        f[3] += share * rest * (rest - share);
    }
    f[0] = alpha < 1.0 ? std::log1p(less_one) : (y - 1.0) * a + std::log(product);
    return f;
}

/// (1 + x) log(1 + x) / x - 1 at x = exp(t).
Derivatives stirling_main(double t, int order) {
    const double x = vector_math::exp(t);
    if (x < 0.1) {
        Derivatives f{};
        for (int k = 17; k >= 1; --k) {
            double c = (k % 2 ? 1.0 : -1.0) / (k * (k + 1.0));
            for (double& d : f) {
                d = d * x + c;
                c *= k;
            }
        }
        for (double& d : f) d *= x;
        return f;
    }
    auto f = log1p_ratio_exp(t, order);
    const auto s = softplus(t, order);
    f[0] += s[0] - 1.0;
    for (std::size_t k = 1; k < 4; ++k) f[k] += s[k];
    return f;
}

/// By Stirling's formula at s and s + y, whose leading terms have been subtracted by hand.
template <class T>
T rising_stirling(const T& a, double y) {
    const T u = a + std::log(y), s = partialpool::softplus(u);
    const T main = chain(u, stirling_main(value_of(u), order_of<T>));
    return main * y - s * 0.5 + partialpool::stirling(s - a) - partialpool::stirling(-a);
}

}  // namespace

namespace {

Derivatives rising_of(double a, double y, int order) {
    constexpr double few = 32.0;
    if (y <= few && y == std::floor(y)) return rising_sum(a, y, order);
    if (order == 0) return {rising_stirling(a, y), 0.0, 0.0, 0.0};
    const auto f = rising_stirling(Jet<1, 3>::variable(a, 0), y);
    return {f.value, f.first[0], f.second[0], f.third[0]};
}

/// Values at one `a`, where many rows have the same dispersion and few different counts.
struct RisingTable {
    static constexpr double size = 256.0;
    double a = std::numeric_limits<double>::quiet_NaN(), next_a = a;
    int order = 0, next_order = 0;
    std::array<bool, 256> known{};
    std::array<Derivatives, 256> values{};
};

}  // namespace

Derivatives rising(double a, double y, int order) {
    if (y == 0.0) return {};
    if (!(y < RisingTable::size) || y != std::floor(y)) return rising_of(a, y, order);
    thread_local RisingTable table;
    // Only the second row in turn with the same dispersion makes a table: where each row has
    // its own, nothing is to be cleared or kept.
    if (a != table.a || order != table.order) {
        const bool again = a == table.next_a && order == table.next_order;
        table.next_a = a;
        table.next_order = order;
        if (!again) return rising_of(a, y, order);
        table.a = a;
        table.order = order;
        table.known.fill(false);
    }
    const auto at = static_cast<std::size_t>(y);
    if (!table.known[at]) {
        table.values[at] = rising_of(a, y, table.order);
        table.known[at] = true;
    }
    return table.values[at];
}

}  // namespace at

double log_factorial(double y) {
    constexpr std::size_t small = 256;
    static const auto table = [] {
        std::array<double, small> log_of{};
        for (std::size_t k = 2; k < small; ++k) log_of[k] = log_gamma(static_cast<double>(k) + 1.0);
        return log_of;
    }();
    if (y >= 0.0 && y < small && y == std::floor(y)) return table[static_cast<std::size_t>(y)];
    return log_gamma(y + 1.0);
}

double log_gamma(double x) { return at::log_gamma_exp(std::log(x), 0)[0]; }

double log_choose(double m, double y) {
    return log_factorial(m) - log_factorial(y) - log_factorial(m - y);
}

}  // namespace partialpool
