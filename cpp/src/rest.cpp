#include "partialpool/rest.hpp"

#include "partialpool/rest_dense.hpp"
#include "partialpool/rest_sparse.hpp"

namespace partialpool {

RestLayout make_layout(const CrossProducts& cp) {
    RestLayout layout;
    for (Index t = 1; t < cp.n_blocks(); ++t) {
        const auto& block = cp.blocks[static_cast<std::size_t>(t)];
        layout.offset.push_back(layout.m);
        layout.k.push_back(block.k);
        layout.q.push_back(block.q);
        layout.m += block.q * block.k;
    }
    return layout;
}

Contacts make_contacts(const CrossProducts& cp, const RestLayout& layout) {
    Contacts out;
    out.k = cp.blocks[0].k;
    out.ptr.push_back(0);
    for (Index j = 0; j < cp.blocks[0].q; ++j) {
        for (Index t = 0; t < layout.n_blocks(); ++t) {
            const auto& pairs = cp.pair(0, t + 1);
            const Index k = layout.k[static_cast<std::size_t>(t)];
            const Index offset = layout.offset[static_cast<std::size_t>(t)];
            for (Index e = pairs.ptr[static_cast<std::size_t>(j)];
                 e < pairs.ptr[static_cast<std::size_t>(j) + 1]; ++e)
                for (Index r = 0; r < k; ++r)
                    out.columns.push_back(static_cast<std::int32_t>(
                        offset + pairs.other[static_cast<std::size_t>(e)] * k + r));
        }
        out.ptr.push_back(static_cast<Index>(out.columns.size()));
    }
    out.a.resize(out.columns.size() * static_cast<std::size_t>(out.k));
    out.u.resize(out.a.size());
    refill(cp, layout, out);
    return out;
}

void refill(const CrossProducts& cp, const RestLayout& layout, Contacts& contacts) {
    double* to = contacts.a.data();
    for (Index j = 0; j < cp.blocks[0].q; ++j)
        for (Index t = 0; t < layout.n_blocks(); ++t) {
            const auto& pairs = cp.pair(0, t + 1);
            const Index size = layout.k[static_cast<std::size_t>(t)] * contacts.k;
            to = std::copy(pairs.values.data() + pairs.ptr[static_cast<std::size_t>(j)] * size,
                           pairs.values.data() + pairs.ptr[static_cast<std::size_t>(j) + 1] * size,
                           to);
        }
}

std::vector<double> scale_contacts(const Contacts& contacts, const RestLayout& layout,
                                   std::span<const Matrix> lambda,
                                   const std::vector<double>& values) {
    const Index k = contacts.k;
    std::vector<double> out(values.size());
    std::size_t e = 0;
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        // A level's contacts are ascending: block by block, whole levels of each.
        Index t = 0;
        while (e < static_cast<std::size_t>(contacts.ptr[static_cast<std::size_t>(j) + 1])) {
            while (t + 1 < layout.n_blocks() &&
                   contacts.columns[e] >= layout.offset[static_cast<std::size_t>(t) + 1])
                ++t;
            const Index kt = layout.k[static_cast<std::size_t>(t)];
            const auto at = static_cast<Index>(e) * k;
            const Matrix& scale = lambda[static_cast<std::size_t>(t)];
            if (kt == 1)
                for (Index r = 0; r < k; ++r)
                    out[e * static_cast<std::size_t>(k) + static_cast<std::size_t>(r)] =
                        scale(0, 0) *
                        values[e * static_cast<std::size_t>(k) + static_cast<std::size_t>(r)];
            else
                RowMap(out.data() + at, kt, k) =
                    scale.transpose().lazyProduct(ConstRowMap(values.data() + at, kt, k));
            e += static_cast<std::size_t>(kt);
        }
    }
    return out;
}

bool well_conditioned(const Matrix& lambda) {
    const Vector sizes = principal_axes(lambda).sizes;
    const double low = sizes(lambda.rows() - 1);
    return low > 1e-4 * sizes(0) && low > 1e-7;
}

Matrix information(const Rest& rest, Index t, const Matrix& lambda) {
    // [K Lambda S^-1]_ll = N Lambda, so N follows by division where Lambda allows it;
    // near singularity of a vector term that would be noise.
    Matrix n;
    if (well_conditioned(lambda)) {
        // n Lambda = mixed, by rows: Lambda'n' = mixed'.
        n = rest.mixed_trace(t).transpose();
        n = solve_upper(lambda.transpose(), n);
    } else {
        n = rest.exact_trace(t);
    }
    return 0.5 * (n + n.transpose());
}

std::unique_ptr<Rest> make_rest(const CrossProducts& cp, const RestLayout& layout,
                                const Contacts& contacts, bool& sparse) {
    const double density = static_cast<double>(contacts.columns.size()) /
                           (static_cast<double>(cp.blocks[0].q) * static_cast<double>(layout.m));
    auto pattern = find_pattern(cp, layout, contacts);
    sparse = pattern.has_value();
    if (sparse) return std::make_unique<SparseRest>(layout, std::move(*pattern), cp, contacts);
    return make_dense_rest(layout, cp, density > 0.25);
}

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
