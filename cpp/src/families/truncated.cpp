#include "mixtures.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(Truncated<families::Poisson>);
PARTIALPOOL_FAMILY(Truncated<families::NegativeBinomial1>);
PARTIALPOOL_FAMILY(Truncated<families::NegativeBinomial2>);
}  // namespace partialpool
