#include "shared_generalized.hpp"

namespace partialpool {

void bind_generalized(nb::module_& m) {
    nb::class_<Estimate>(m, "GeneralizedEstimate")
        .def_prop_ro("objective", [](const Estimate& e) { return e.found.value; })
        .def_prop_ro("evaluations", [](const Estimate& e) { return e.found.evaluations; })
        .def_prop_ro("converged", [](const Estimate& e) { return e.found.converged; })
        .def_prop_ro(
            "psi", [](const Estimate& e) { return to_numpy(e.found.point.psi); },
            nb::rv_policy::automatic)
        .def_prop_ro(
            "mapped", [](const Estimate& e) { return to_numpy(e.found.point.beta); },
            nb::rv_policy::automatic)
        .def_prop_ro(
            "gradient", [](const Estimate& e) { return to_numpy(e.found.gradient); },
            nb::rv_policy::automatic)
        .def_prop_ro(
            "curvature", [](const Estimate& e) { return to_numpy(e.found.curvature); },
            nb::rv_policy::automatic);

    nb::class_<SharedGeneralized>(m, "GeneralizedProblem")
        .def(nb::init<const std::vector<double>&, const std::vector<InPart>&, const InOffsets&,
                      const std::vector<InEffects>&, bool, const std::vector<InVector>&,
                      const nb::callable&>(),
             nb::arg("units"), nb::arg("parts"), nb::arg("offsets"), nb::arg("blocks"),
             nb::arg("merge"), nb::arg("precisions"), nb::arg("density"))
        .def("optimise", &SharedGeneralized::optimise, nb::arg("start"), nb::arg("criterion"),
             nb::arg("tolerance"), nb::arg("max_evaluations"))
        .def("at", &SharedGeneralized::at, nb::arg("psi"), nb::arg("coefficients"),
             nb::arg("criterion"))
        .def("local", &SharedGeneralized::local, nb::arg("psi"), nb::arg("beta"),
             nb::arg("criterion"))
        .def("turn", &SharedGeneralized::turn, nb::arg("estimate"), nb::arg("psi"), nb::arg("axes"),
             nb::arg("criterion"))
        .def("hold", &SharedGeneralized::hold, nb::arg("start"), nb::arg("normal"),
             nb::arg("value"), nb::arg("forward"), nb::arg("criterion"), nb::arg("tolerance"),
             nb::arg("max_evaluations"))
        .def("improve", &SharedGeneralized::improve, nb::arg("psi"), nb::arg("coefficients"),
             nb::arg("criterion"), nb::arg("tolerance"), nb::arg("max_evaluations"))
        .def("conditional_loglik", &SharedGeneralized::conditional_loglik, nb::arg("estimate"),
             nb::arg("criterion"))
        .def("shares", &SharedGeneralized::shares, nb::arg("estimate"), nb::arg("criterion"))
        .def("term_matrix", [](const SharedGeneralized& s,
                               std::size_t term) { return to_numpy(s.term_matrix(term)); })
        .def("hessian", &SharedGeneralized::hessian, nb::arg("estimate"), nb::arg("criterion"))
        .def("information", &SharedGeneralized::information, nb::arg("estimate"),
             nb::arg("criterion"))
        .def("conditional", &SharedGeneralized::conditional, nb::arg("estimate"),
             nb::arg("criterion"))
        .def("variances", &SharedGeneralized::variances, nb::arg("estimate"), nb::arg("criterion"),
             nb::arg("X"), nb::arg("blocks"), nb::arg("covariance"))
        .def_prop_ro("deficient",
                     [](const SharedGeneralized& s) {
                         return nb::make_tuple(s.deficient()[0], s.deficient()[1],
                                               s.deficient()[2]);
                     })
        .def_prop_ro("n_rows", [](const SharedGeneralized& s) { return s.get().rows().n; })
        .def_prop_ro("n_psi", [](const SharedGeneralized& s) { return s.get().n_psi(); })
        .def_prop_ro("mode_steps", [](const SharedGeneralized& s) { return s.get().mode_steps(); })
        .def("kept",
             [](const SharedGeneralized& s, std::size_t g) { return s.maps().at(g).map.kept; })
        .def("aliased",
             [](const SharedGeneralized& s, std::size_t g) { return s.maps().at(g).aliased; })
        .def("aliases", [](const SharedGeneralized& s,
                           std::size_t g) { return to_numpy(s.maps().at(g).aliases); })
        .def("matrix", [](const SharedGeneralized& s,
                          std::size_t g) { return to_numpy(s.maps().at(g).map.matrix()); })
        .def("coefficients",
             [](const SharedGeneralized& s, const Estimate& e, std::size_t g) {
                 const auto& group = s.maps().at(g);
                 return to_numpy(Vector(group.map.matrix() *
                                        e.found.point.beta.segment(group.first, group.map.size())));
             })
        .def("effects",
             [](const SharedGeneralized& s, const Estimate& e, std::size_t block) {
                 const auto& b = s.get().rows().effects.at(block);
                 const RowMatrix out = ConstRowMap(e.effects.at(block).data(), b.q, b.k) *
                                       s.block_matrix(block).transpose();
                 return to_numpy(out.data(),
                                 {static_cast<std::size_t>(b.q), static_cast<std::size_t>(b.k)});
             })
        .def("factor", [](const SharedGeneralized& s, const Estimate& e, std::size_t term) {
            return to_numpy(s.term_factor(e, term));
        });
}

}  // namespace partialpool
