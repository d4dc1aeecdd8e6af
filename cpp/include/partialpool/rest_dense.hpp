#pragma once

#include "partialpool/rest.hpp"

namespace partialpool {

/// The rest as one dense matrix. `stacked` when most levels meet most columns: then matrix
/// products beat scattering.
std::unique_ptr<Rest> make_dense_rest(const RestLayout& layout, const CrossProducts& cp,
                                      bool stacked);

}  // namespace partialpool
