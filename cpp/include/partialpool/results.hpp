#pragma once

#include "partialpool/problem.hpp"

/// An optimum in the user's units.
namespace partialpool::results {

/// Residual standard deviation.
double sigma(const Problem& problem, const Optimum& optimum, bool reml);
/// Fixed effects of the kept columns.
Vector beta(const Problem& problem, const Optimum& optimum);
/// R with sigma^2 R R' the covariance of the kept fixed effects.
Matrix root(const Problem& problem, const Optimum& optimum);
/// What takes a term's mapped effects to the user's units, but for the response's.
Matrix term_map(const Problem& problem, std::size_t term);
/// The same for all terms of a block.
Matrix block_map(const Problem& problem, std::size_t block);
/// Relative factor Lambda of a term, Var(b) = sigma^2 Lambda Lambda'.
Matrix factor(const Problem& problem, const Optimum& optimum, std::size_t term);
/// Conditional means of a block's effects (q, k).
RowMatrix effects(const Problem& problem, const Optimum& optimum, std::size_t block);

}  // namespace partialpool::results
