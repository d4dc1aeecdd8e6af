#include "ordinal.hpp"

namespace partialpool {
PARTIALPOOL_FAMILY(Ordinal);
}  // namespace partialpool
