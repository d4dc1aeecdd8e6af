#pragma once

#include "partialpool/problem.hpp"

namespace partialpool {

/// What is kept of every fit when one model is fitted to many responses; in the user's units,
/// one response after the other.
struct Refits {
    std::vector<double> objective, sigma, penalised_residual, residual_ratio, y_deviation;
    std::vector<int> evaluations;
    std::vector<char> converged;
    std::vector<double> beta;                  ///< (responses, m)
    std::vector<double> root;                  ///< (responses, m, m), see results::root
    std::vector<double> psi;                   ///< (responses, parameters), mapped
    std::vector<std::vector<double>> factors;  ///< per term (responses, k, k)
    std::vector<std::vector<double>> effects;  ///< per block (responses, q, k), if asked for
};

struct RefitOptions {
    bool reml = true;
    double sigma = 0.0;  ///< the known one, 0 for none
    double tolerance = 1e-9;
    int max_evaluations = 200;
    bool effects = false;
};

/// Fit the model of a problem to `count` responses (count, n), for the rows it was made of.
///
/// Every response is fitted as if alone, so that any number of threads gives the same bits. A
/// response that leaves nothing to fit has NaN for an objective.
Refits refit(const Problem& model, const Rows& rows, const double* responses, Index count,
             const RefitOptions& options);

}  // namespace partialpool
