#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

// exp and log1p without branches or tables: the compiler can turn loops over them into vector
// instructions. Both are within about one unit in the last place.

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
// AVX2 without FMA: wider vectors, the same bits as the plain version.
#define PARTIALPOOL_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PARTIALPOOL_CLONES
#endif

#if defined(_MSC_VER)
#define PARTIALPOOL_INLINE __forceinline
#else
#define PARTIALPOOL_INLINE inline __attribute__((always_inline))
#endif

// Before a loop whose rows don't depend on each other: the arrays don't overlap. The compiler
// can find out at run time, but gives up above ten pairs of arrays.
#if defined(__clang__)
#define PARTIALPOOL_INDEPENDENT_ROWS _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define PARTIALPOOL_INDEPENDENT_ROWS _Pragma("GCC ivdep")
#else
#define PARTIALPOOL_INDEPENDENT_ROWS __pragma(loop(ivdep))
#endif

namespace partialpool::vector_math {

/// Beyond this the exponential stays what it is: exp(700) = 1e304 leaves room to sum rows.
inline constexpr double exp_limit = 700.0;

/// exp(x), constant beyond |x| = exp_limit.
PARTIALPOOL_INLINE double exp(double x) noexcept {
    constexpr double log2_e = 1.4426950408889634;
    constexpr double ln2_high = 6.93147180369123816490e-01;
    constexpr double ln2_low = 1.90821492927058770002e-10;
    // Adding 1.5 * 2^52 rounds to an integer, which then stands in the lowest bits.
    constexpr double rounder = 6755399441055744.0;
    // In this order a NaN stays one.
    x = x > exp_limit ? exp_limit : x;
    x = x < -exp_limit ? -exp_limit : x;
    const double shifted = x * log2_e + rounder;
    const double n = shifted - rounder;
    const double r = (x - n * ln2_high) - n * ln2_low;
    // Taylor's series in pairs of pairs (Estrin): a chain of 12 products would be waited for.
    const double r2 = r * r, r4 = r2 * r2;
    const double a = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    const double b =
        (1.0 / 720.0 + r * (1.0 / 5040.0)) + r2 * (1.0 / 40320.0 + r * (1.0 / 362880.0));
    const double c = (1.0 / 3628800.0 + r * (1.0 / 39916800.0)) +
                     r2 * (1.0 / 479001600.0 + r * (1.0 / 6227020800.0));
    const double p = 1.0 + (r + r2 * (a + r4 * (b + r4 * c)));
    const auto power = (std::bit_cast<std::uint64_t>(shifted) << 52) + 0x3ff0000000000000u;
    return p * std::bit_cast<double>(power);
}

/// artanh(s) / s - 1 = s^2 / 3 + s^4 / 5 + ... at z = s^2 <= 1 / 9; a Chebyshev fit, error 1e-18.
PARTIALPOOL_INLINE double artanh_rest(double z) noexcept {
    const double z2 = z * z, z4 = z2 * z2;
    const double a = (0.333333333333333334 + z * 0.199999999999997613) +
                     z2 * (0.142857142858000496 + z * 0.111111110991183853);
    const double b = (0.090909099489813572 + z * 0.076922719824302746) +
                     z2 * (0.066675893157246279 + z * 0.058671395306515957);
    const double c = (0.054225891974400074 + z * 0.037460718977753837) + z2 * 0.078152889004614252;
    return z * (a + z4 * (b + z4 * c));
}

/// log(1 + x) for 0 <= x <= 1, as 2 artanh(x / (2 + x)).
PARTIALPOOL_INLINE double log1p_unit(double x) noexcept {
    const double s = x / (2.0 + x);
    return 2.0 * (s + s * artanh_rest(s * s));
}

}  // namespace partialpool::vector_math
