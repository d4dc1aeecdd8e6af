#include <unordered_map>

#include "arrays.hpp"

namespace partialpool {
namespace {

using InKeys = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

/// Codes of integer keys and the keys in ascending order.
///
/// A hash table over the distinct keys: sorting a million rows to find 50,000 levels costs
/// ten times as much, and memory for a copy of the column.
nb::tuple encode_integers(const InKeys& keys) {
    const std::size_t n = keys.shape(0);
    const std::int64_t* key = keys.data();
    auto codes = std::make_unique<std::int32_t[]>(n);
    std::vector<std::int64_t> levels;
    {
        nb::gil_scoped_release nogil;
        std::unordered_map<std::int64_t, std::int32_t> seen;
        for (std::size_t i = 0; i < n; ++i) {
            if (i > 0 && key[i] == key[i - 1]) {
                codes[i] = codes[i - 1];
                continue;
            }
            const auto [at, fresh] =
                seen.try_emplace(key[i], static_cast<std::int32_t>(levels.size()));
            if (fresh) levels.push_back(key[i]);
            codes[i] = at->second;
        }
        std::vector<std::int32_t> order(levels.size()), rank(levels.size());
        for (std::size_t l = 0; l < order.size(); ++l) order[l] = static_cast<std::int32_t>(l);
        std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return levels[static_cast<std::size_t>(a)] < levels[static_cast<std::size_t>(b)];
        });
        std::vector<std::int64_t> sorted(levels.size());
        for (std::size_t l = 0; l < order.size(); ++l) {
            rank[static_cast<std::size_t>(order[l])] = static_cast<std::int32_t>(l);
            sorted[l] = levels[static_cast<std::size_t>(order[l])];
        }
        for (std::size_t i = 0; i < n; ++i) codes[i] = rank[static_cast<std::size_t>(codes[i])];
        levels = std::move(sorted);
    }
    auto distinct = std::make_unique<std::int64_t[]>(levels.size());
    std::copy(levels.begin(), levels.end(), distinct.get());
    nb::capsule code_owner(codes.get(),
                           [](void* p) noexcept { delete[] static_cast<std::int32_t*>(p); });
    nb::capsule level_owner(distinct.get(),
                            [](void* p) noexcept { delete[] static_cast<std::int64_t*>(p); });
    return nb::make_tuple(
        nb::ndarray<nb::numpy, std::int32_t>(codes.release(), {n}, code_owner),
        nb::ndarray<nb::numpy, std::int64_t>(distinct.release(), {levels.size()}, level_owner));
}

}  // namespace

void bind_grouping(nb::module_& m) {
    m.def("encode_integers", &encode_integers, nb::arg("keys").noconvert());
}

}  // namespace partialpool
