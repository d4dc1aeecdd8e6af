#include "mixtures.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(Hurdle<families::Poisson>);
PARTIALPOOL_FAMILY(Hurdle<families::NegativeBinomial1>);
PARTIALPOOL_FAMILY(Hurdle<families::NegativeBinomial2>);
}  // namespace partialpool
