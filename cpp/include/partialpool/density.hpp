#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace partialpool {

using Index = std::ptrdiff_t;

/// At most this many linear predictors enter the density of a row.
inline constexpr int max_predictors = 3;

/// Position of the second derivative in predictors a <= b.
constexpr int pair_of(int a, int b) { return b * (b + 1) / 2 + a; }

/// Position of the third derivative in predictors a <= b <= c.
constexpr int triple_of(int a, int b, int c) {
    return c * (c + 1) * (c + 2) / 6 + b * (b + 1) / 2 + a;
}

/// Where to write: arrays for the rows of one chunk, null where nothing is wanted.
struct RowDerivatives {
    double* value = nullptr;
    std::array<double*, 3> first{};
    std::array<double*, 6> second{};
    std::array<double*, 10> third{};
};

/// Log-density of each row of a data set as a function of its linear predictors.
///
/// The predictors of a family come in the order mean, dispersion, shape, zero inflation
/// (ordinal: mean, upper and lower threshold); what each one means stands beside its formula in
/// the files `families/*.hpp`, and `families/registry.cpp` lists them all.
class Density {
public:
    Density() = default;
    Density(const Density&) = delete;
    Density& operator=(const Density&) = delete;
    virtual ~Density() = default;

    virtual int predictors() const = 0;
    virtual Index rows() const = 0;

    /// Sum of w_i times the terms that no predictor enters: log y!, binomial coefficients.
    virtual double constant() const = 0;

    /// w_i log f(y_i | eta_i) less the constant and its derivatives up to `order` (0 to 3), for
    /// the rows begin, ..., begin + size - 1; eta[a][i] belongs to row begin + i.
    ///
    /// Without `all`, predictor 0 alone is differentiated (first[0], second[0], third[0]); with
    /// it, every one (positions pair_of, triple_of). Minus infinity where the mean is outside the
    /// family's range; zero where the weight is. Safe to call from several threads; allocates
    /// nothing per row.
    virtual void evaluate(Index begin, Index size, const double* const* eta, int order, bool all,
                          const RowDerivatives& out) const = 0;

    /// Whether several threads may evaluate at once.
    virtual bool concurrent() const { return true; }

    /// Expected information -E[d2 log f / d eta_0^2] w_i and its slope in eta_0; false where no
    /// closed form is known.
    virtual bool expected(Index /*begin*/, Index /*size*/, const double* const* /*eta*/,
                          double* /*information*/, double* /*slope*/) const {
        return false;
    }
};

/// The density of n rows; y, trials (null or n numbers) and weights (null or n) are copied.
///
/// Throws std::invalid_argument for an unknown family, or a link that the family doesn't have.
std::unique_ptr<Density> make_density(const std::string& family, const std::string& link, Index n,
                                      const double* y, const double* trials, const double* weights);

}  // namespace partialpool
