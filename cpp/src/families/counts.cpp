#include "counts.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(Poisson);
PARTIALPOOL_FAMILY(NegativeBinomial1);
PARTIALPOOL_FAMILY(NegativeBinomial2);
}  // namespace partialpool
