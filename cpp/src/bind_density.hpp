#pragma once

#include <memory>

#include "partialpool/density.hpp"

namespace partialpool {

/// Density for Python, shared with the models that are fitted to it.
struct SharedDensity {
    std::shared_ptr<Density> density;
};

}  // namespace partialpool
