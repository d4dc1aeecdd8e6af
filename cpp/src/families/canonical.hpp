#pragma once

#include "observations.hpp"

namespace partialpool {

// The two families that most models have, with canonical link, as loops over arrays that the
// compiler turns into vector instructions. Predictor: the mean.

/// Binomial with logit link.
std::unique_ptr<Density> make_binomial_logit(Observations data);

/// Poisson with log link.
std::unique_ptr<Density> make_poisson_log(Observations data);

}  // namespace partialpool
