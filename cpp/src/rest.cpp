#include "partialpool/rest.hpp"

namespace partialpool {

void multiply_levels(const RestLayout& layout, std::span<const Matrix> lambda, bool transposed,
                     Matrix& rows) {
    for (Index t = 0; t < layout.n_blocks(); ++t) {
        const auto at = static_cast<std::size_t>(t);
        const Index k = layout.k[at], q = layout.q[at], offset = layout.offset[at];
        if (k == 1) {
            rows.middleRows(offset, q) *= lambda[at](0, 0);
            continue;
        }
        const Matrix l = transposed ? Matrix(lambda[at].transpose()) : lambda[at];
        for (Index c = 0; c < rows.cols(); ++c)
            for (Index level = 0; level < q; ++level) {
                auto part = rows.col(c).segment(offset + level * k, k);
                part = l.lazyProduct(part).eval();
            }
    }
}

}  // namespace partialpool
