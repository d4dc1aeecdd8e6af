#include <stdexcept>

#include "forms.hpp"
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
    nb::class_<Form>(m, "Form")
        .def(nb::init_implicit<int>(), nb::arg("structure"))
        .def(
            "__init__",
            [](Form* self, int kind, const InMatrix& distances) {
                const auto k = static_cast<Index>(distances.shape(0));
                if (distances.shape(1) != distances.shape(0))
                    throw std::invalid_argument("distances have to be square");
                new (self) Form(static_cast<Structure>(kind), ConstRowMap(distances.data(), k, k));
            },
            nb::arg("structure"), nb::arg("distances"))
        .def_prop_ro("structure", [](const Form& f) { return static_cast<int>(f.kind); });
    const auto check = [](const Form& form, Index k, const InVector& psi) {
        checked(form, static_cast<std::size_t>(k));
        if (static_cast<Index>(psi.shape(0)) != structure::n_params(form, k))
            throw std::invalid_argument("psi has the wrong length for this structure");
    };
    m.def(
        "covariance_size", [](const Form& form, Index k) { return structure::n_params(form, k); },
        nb::arg("structure"), nb::arg("k"));
    m.def(
        "covariance_factor",
        [check](const Form& form, Index k, const InVector& psi) {
            check(form, k, psi);
            return to_numpy(structure::factor(form, k, psi.data()));
        },
        nb::arg("structure"), nb::arg("k"), nb::arg("psi").noconvert());
    m.def(
        "covariance_directions",
        [check](const Form& form, Index k, const InVector& psi) {
            check(form, k, psi);
            std::vector<Out> out;
            for (const auto& e : structure::directions(form, k, psi.data()))
                out.push_back(to_numpy(e));
            return out;
        },
        nb::arg("structure"), nb::arg("k"), nb::arg("psi").noconvert());
    m.def(
        "covariance_correlations",
        [check](const Form& form, Index k, const InVector& psi) {
            check(form, k, psi);
            const double* tau = psi.data() + structure::n_scales(form.kind, k);
            const auto r = structure::correlations(form, k, tau, 2);
            std::vector<Out> first, second;
            for (const auto& slope : r.first) first.push_back(to_numpy(slope));
            for (const auto& bend : r.second) second.push_back(to_numpy(bend));
            return nb::make_tuple(to_numpy(r.value), first, second);
        },
        nb::arg("structure"), nb::arg("k"), nb::arg("psi").noconvert());
    m.def(
        "covariance_chart",
        [check](const Form& form, Index k, const InVector& psi, const InMatrix& g) {
            check(form, k, psi);
            const Matrix gradient = ConstRowMap(g.data(), k, k);
            return to_numpy(structure::chart(form, k, psi.data(), gradient));
        },
        nb::arg("structure"), nb::arg("k"), nb::arg("psi").noconvert(),
        nb::arg("gradient").noconvert());
}

}  // namespace partialpool
