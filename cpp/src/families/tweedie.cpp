#include "tweedie.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(Tweedie);
}  // namespace partialpool
