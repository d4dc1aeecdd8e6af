#pragma once

#include "observations.hpp"

namespace partialpool {

// The families that most models have, with their usual link, as loops over arrays that the
// compiler turns into vector instructions.

/// Binomial with logit link.
std::unique_ptr<Density> make_binomial_logit(Observations data);

/// Poisson with log link.
std::unique_ptr<Density> make_poisson_log(Observations data);

/// Negative binomial of kind 2 with log link.
std::unique_ptr<Density> make_negative_binomial_log(Observations data);

}  // namespace partialpool
