#pragma once

#include "partialpool/generalized/problem.hpp"

// Points of a search, and the axes in which their covariances are written.

namespace partialpool::generalized {

/// Move a point by a step in the outer parameters.
Parameters move(const GeneralizedProblem& problem, const Parameters& from, const Vector& step,
                const std::vector<Index>& outer);

/// Sigma of every unstructured term in its principal axes, largest first.
Parameters principal(const GeneralizedProblem& problem, const Parameters& point);

/// The same Sigma in fixed axes, diagonals of Lambda non-negative.
Parameters fixed_axes(const GeneralizedProblem& problem, const Parameters& point);

/// Positions of the standard deviations among the parameters of a term in principal axes.
std::vector<Index> scale_positions(const Term& term);

/// Set columns of Lambda without entries above `vanished` to zero, where by symmetry the
/// gradient vanishes as well; whether there were any.
bool drop_columns(const GeneralizedProblem& problem, Parameters& point, double vanished);

}  // namespace partialpool::generalized
