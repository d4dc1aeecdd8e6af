#pragma once

#include <vector>

#include "partialpool/density.hpp"

namespace partialpool {

/// Responses of a data set; trials and weights are empty where each is one.
struct Observations {
    std::vector<double> y, trials, weights;

    Observations(Index n, const double* y_in, const double* trials_in, const double* weights_in)
        : y(y_in, y_in + n) {
        if (trials_in) trials.assign(trials_in, trials_in + n);
        if (weights_in) weights.assign(weights_in, weights_in + n);
        // What stands in a row without weight must not spread: 0 * NaN is NaN.
        for (std::size_t i = 0; i < weights.size(); ++i)
            if (!(weights[i] > 0.0)) {
                y[i] = 0.0;
                if (trials_in) trials[i] = 1.0;
            }
    }

    Index rows() const { return static_cast<Index>(y.size()); }
    double response(Index i) const { return y[static_cast<std::size_t>(i)]; }
    double trial(Index i) const {
        return trials.empty() ? 1.0 : trials[static_cast<std::size_t>(i)];
    }
    double weight(Index i) const {
        return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(i)];
    }

    /// Sum of w_i constant(y_i, trials_i).
    template <class Constant>
    double weighted_sum(const Constant& constant) const {
        double sum = 0.0;
        for (Index i = 0; i < rows(); ++i)
            if (weight(i) > 0.0) sum += weight(i) * constant(response(i), trial(i));
        return sum;
    }
};

}  // namespace partialpool
