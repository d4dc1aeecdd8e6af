#pragma once

#include <array>

#include "partialpool/cross_products.hpp"
#include "partialpool/density.hpp"

namespace partialpool::generalized {

/// An index of the standard containers.
inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Random effects of one grouping factor; every column belongs to one linear predictor.
struct Effects {
    Index q, k;
    Index first;                 ///< where the effects stand among all effects, level by level
    std::vector<int> predictor;  ///< (k,)
    std::vector<std::int32_t> codes;
    std::vector<double> z;  ///< (n, k), mapped

    const double* row(Index i) const { return z.data() + i * k; }
    Index level(Index i) const { return first + codes[static_cast<std::size_t>(i)] * k; }
    bool in(Index column, int a) const { return predictor[static_cast<std::size_t>(column)] == a; }
};

/// Columns of one linear predictor and the parameters that multiply them.
struct Fixed {
    int predictor;
    std::vector<Index> parameters;  ///< (p,)
    std::vector<double> x;          ///< (n, p), mapped

    Index p() const { return static_cast<Index>(parameters.size()); }
    const double* row(Index i) const { return x.data() + i * p(); }
};

/// One number per row for every linear predictor.
using PerPredictor = std::array<std::vector<double>, max_predictors>;

/// Linear predictors and the derivatives of the log-density there.
struct RowState {
    PerPredictor fixed, random;  ///< eta = fixed + random
    PerPredictor eta;
    std::vector<double> value;
    PerPredictor first;
    std::array<std::vector<double>, 6> second;
    std::array<std::vector<double>, 10> third;
};

/// The rows of a generalized model in mapped coordinates, sorted by the first grouping factor.
class ModelRows {
public:
    Index n = 0;
    int predictors = 1;
    Index n_parameters = 0;  ///< of the fixed parts
    PerPredictor offset;     ///< empty for none
    std::vector<Fixed> fixed;
    std::vector<Effects> effects;
    std::vector<Index> level_start;  ///< (q + 1,) rows of the levels of effects[0]
    std::vector<int> random;         ///< predictors with random effects, ascending

    Index n_effects() const {
        return effects.empty() ? 0 : effects.back().first + effects.back().q * effects.back().k;
    }
    /// Only the first predictor has random effects, the common case.
    bool mean_only() const { return random.empty() || (random.size() == 1 && random[0] == 0); }

    RowState make_state() const;
    /// state.fixed = offset + X beta.
    void set_fixed(const Vector& beta, RowState& state) const;
    /// out = Z b for the predictors with random effects.
    void add_random(const double* b, PerPredictor& out) const;
    /// eta = fixed + random, then derivatives to `order`; the sum of the log-density.
    double evaluate(const Density& density, int order, bool all, RowState& state) const;

    /// Z'v for one number per row and predictor with random effects.
    Vector effects_score(const PerPredictor& v) const;
    /// X'v.
    Vector fixed_score(const PerPredictor& v) const;

    /// Levels that meet, with zero values.
    CrossProducts pattern() const;
    /// Remember where each row's products stand in that pattern; once, before `fill`.
    void find_slots(const CrossProducts& cp);
    /// Z'WZ on the pattern; `weights` packed by pair_of, only pairs of random predictors read.
    void fill(const std::array<std::vector<double>, 6>& weights, CrossProducts& cp) const;
    /// Z'WX, effects x parameters.
    Matrix effects_border(const std::array<std::vector<double>, 6>& weights) const;
    /// X'WX.
    Matrix fixed_border(const std::array<std::vector<double>, 6>& weights) const;

    /// h += x*'root root'x* with x* = x - kzx'z, for columns `inner` of the first predictor.
    void add_forms(const Matrix& kzx, const Matrix& root, const std::vector<Index>& inner,
                   std::array<std::vector<double>, 6>& h) const;

    /// Column of row i's level among the contacts of its first level, per later factor.
    std::int32_t contact(Index i, std::size_t later) const {
        return contacts_[later][static_cast<std::size_t>(i)];
    }

private:
    void fill_block(const std::array<std::vector<double>, 6>& weights, const Effects& block,
                    std::vector<double>& A) const;
    void fill_pairs(const std::array<std::vector<double>, 6>& weights, const Effects& left,
                    const Effects& right, const std::vector<std::int32_t>& slots,
                    std::vector<double>& values) const;

    std::vector<std::vector<std::int32_t>> slots_;  ///< per pair of factors: entry of a row
    std::vector<std::vector<std::int32_t>> contacts_;
};

}  // namespace partialpool::generalized
