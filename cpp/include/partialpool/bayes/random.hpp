#pragma once

#include <cmath>
#include <cstdint>
#include <random>

namespace partialpool::bayes {

/// Uniform and normal numbers, the same bits with every compiler: the standard fixes the bits
/// of its engines, but not those of its distributions.
class Random {
public:
    Random(std::uint64_t seed, std::uint64_t stream) {
        std::seed_seq words{
            static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
            static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
        engine_.seed(words);
    }

    /// In (0, 1).
    double uniform() {
        return (static_cast<double>(engine_() >> 11) + 0.5) * (1.0 / 9007199254740992.0);
    }

    /// Marsaglia's polar method.
    double normal() {
        if (spare_) {
            spare_ = false;
            return kept_;
        }
        double a, b, square;
        do {
            a = 2.0 * uniform() - 1.0;
            b = 2.0 * uniform() - 1.0;
            square = a * a + b * b;
        } while (square >= 1.0 || square == 0.0);
        const double factor = std::sqrt(-2.0 * std::log(square) / square);
        kept_ = b * factor;
        spare_ = true;
        return a * factor;
    }

private:
    std::mt19937_64 engine_;
    double kept_ = 0.0;
    bool spare_ = false;
};

}  // namespace partialpool::bayes
