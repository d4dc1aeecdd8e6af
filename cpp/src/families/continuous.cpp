#include "continuous.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(Gaussian);
PARTIALPOOL_FAMILY(StudentT);
PARTIALPOOL_FAMILY(Gamma);
PARTIALPOOL_FAMILY(InverseGaussian);
}  // namespace partialpool
