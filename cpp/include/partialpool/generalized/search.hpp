#pragma once

#include "partialpool/generalized/problem.hpp"

namespace partialpool::generalized {

struct SearchOptions {
    double tolerance = 1e-8;  ///< stop when a step promises less than this
    int max_evaluations = 300;
};

/// Where the search ended, in mapped coordinates.
struct Found {
    Parameters point;
    double value = 0.0;
    Vector gradient;  ///< over the outer parameters
    Matrix curvature;
    int evaluations = 0;
    bool converged = false;
};

/// Maximise the likelihood from a point.
Found search(GeneralizedProblem& problem, Parameters from, const Criterion& criterion,
             const SearchOptions& options);

/// Maximise the likelihood from coefficients, with random effects of a moderate size; if that
/// doesn't end at an optimum, with smaller and larger ones.
Found search_from(GeneralizedProblem& problem, const Vector& beta, const Criterion& criterion,
                  const SearchOptions& options);

/// What stays as it is while the others are at their best.
struct Held {
    Vector normal;  ///< over (psi, beta): normal'(psi, beta) = value
    double value;
    std::vector<Vector> forward;  ///< directions along which (psi, beta) may not turn negative
};

/// Maximise the likelihood on a plane, from a point near it that has a curvature: first along
/// the likelihood's own ellipsoids to the plane, then on it. The gradient is the whole one, so
/// that gradient'normal / |normal|^2 is the derivative of the optimum in the value.
Found search_held(GeneralizedProblem& problem, const Found& from, const Held& held,
                  const Criterion& criterion, const SearchOptions& options);

/// Hessian over the outer parameters by differences of the exact gradient.
Matrix exact_hessian(GeneralizedProblem& problem, const Parameters& point,
                     const Criterion& criterion, const Matrix& curvature);

}  // namespace partialpool::generalized
