#include "mixtures.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(ZeroInflated<families::Poisson>);
PARTIALPOOL_FAMILY(ZeroInflated<families::NegativeBinomial1>);
PARTIALPOOL_FAMILY(ZeroInflated<families::NegativeBinomial2>);
}  // namespace partialpool
