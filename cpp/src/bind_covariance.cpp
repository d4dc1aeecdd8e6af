#include <stdexcept>

#include "arrays.hpp"
#include "partialpool/covariance.hpp"
#include "partialpool/trust_region.hpp"

namespace partialpool {

void bind_covariance(nb::module_& m) {
    m.def(
        "trust_region_step",
        [](const InVector& g, const InMatrix& h, double radius) {
            const auto n = static_cast<Index>(g.shape(0));
            const Step step =
                trust_region_step(ConstVectorMap(g.data(), n), ConstRowMap(h.data(), n, n), radius);
            return nb::make_tuple(to_numpy(step.p), step.promised);
        },
        nb::arg("gradient"), nb::arg("curvature"), nb::arg("radius"));
    const auto check = [](int s, Index k, const InVector& psi) {
        if (static_cast<Index>(psi.shape(0)) != structure::n_params(static_cast<Structure>(s), k))
            throw std::invalid_argument("psi has the wrong length for this structure");
    };
    m.def(
        "covariance_size",
        [](int s, Index k) { return structure::n_params(static_cast<Structure>(s), k); },
        nb::arg("structure"), nb::arg("k"));
    m.def(
        "covariance_factor",
        [check](int s, Index k, const InVector& psi) {
            check(s, k, psi);
            return to_numpy(structure::factor(static_cast<Structure>(s), k, psi.data()));
        },
        nb::arg("structure"), nb::arg("k"), nb::arg("psi").noconvert());
    m.def(
        "covariance_directions",
        [check](int s, Index k, const InVector& psi) {
            check(s, k, psi);
            std::vector<Out> out;
            for (const auto& e : structure::directions(static_cast<Structure>(s), k, psi.data()))
                out.push_back(to_numpy(e));
            return out;
        },
        nb::arg("structure"), nb::arg("k"), nb::arg("psi").noconvert());
    m.def(
        "covariance_chart",
        [check](int s, Index k, const InVector& psi, const InMatrix& g) {
            check(s, k, psi);
            const Matrix gradient = ConstRowMap(g.data(), k, k);
            return to_numpy(structure::chart(static_cast<Structure>(s), k, psi.data(), gradient));
        },
        nb::arg("structure"), nb::arg("k"), nb::arg("psi").noconvert(),
        nb::arg("gradient").noconvert());
}

}  // namespace partialpool
