#include "proportions.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(Binomial);
PARTIALPOOL_FAMILY(Beta);
PARTIALPOOL_FAMILY(BetaBinomial);
}  // namespace partialpool
