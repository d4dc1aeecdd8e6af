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
#define PARTIALPOOL_RESTRICT __restrict
#else
#define PARTIALPOOL_INLINE inline __attribute__((always_inline))
#define PARTIALPOOL_RESTRICT __restrict__
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
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = 1.0 + (r + r * r * p);
    const auto power = (std::bit_cast<std::uint64_t>(shifted) << 52) + 0x3ff0000000000000u;
    return p * std::bit_cast<double>(power);
}

/// log(1 + x) for 0 <= x <= 1, as 2 artanh(x / (2 + x)); a Chebyshev fit, error 1e-18.
PARTIALPOOL_INLINE double log1p_unit(double x) noexcept {
    const double s = x / (2.0 + x);
    const double z = s * s;
    double p = 0.078152889004614252;
    p = p * z + 0.037460718977753837;
    p = p * z + 0.054225891974400074;
    p = p * z + 0.058671395306515957;
    p = p * z + 0.066675893157246279;
    p = p * z + 0.076922719824302746;
    p = p * z + 0.090909099489813572;
    p = p * z + 0.111111110991183853;
    p = p * z + 0.142857142858000496;
    p = p * z + 0.199999999999997613;
    p = p * z + 0.333333333333333334;
    return 2.0 * (s + s * (z * p));
}

}  // namespace partialpool::vector_math
