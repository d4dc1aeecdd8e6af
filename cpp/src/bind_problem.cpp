#include "shared_problem.hpp"

namespace partialpool {
namespace {

/// The optimum of a saved fit: evaluated again, described as the search that found it did.
Optimum as_found(Optimum o, double objective, int evaluations, bool converged,
                 const InVector& gradient, const InMatrix& curvature) {
    o.value = objective;
    o.evaluations = evaluations;
    o.converged = converged;
    o.gradient = ConstVectorMap(gradient.data(), static_cast<Index>(gradient.shape(0)));
    o.curvature = ConstRowMap(curvature.data(), static_cast<Index>(curvature.shape(0)),
                              static_cast<Index>(curvature.shape(1)));
    return o;
}

}  // namespace

void bind_problem(nb::module_& m) {
    nb::class_<Optimum>(m, "Optimum")
        .def_ro("objective", &Optimum::value)
        .def_ro("evaluations", &Optimum::evaluations)
        .def_ro("converged", &Optimum::converged)
        .def_prop_ro("ok", [](const Optimum& o) { return o.pieces.ok; })
        .def_prop_ro(
            "psi", [](const Optimum& o) { return to_numpy(o.psi); }, nb::rv_policy::automatic)
        .def_prop_ro(
            "gradient", [](const Optimum& o) { return to_numpy(o.gradient); },
            nb::rv_policy::automatic)
        .def_prop_ro(
            "curvature", [](const Optimum& o) { return to_numpy(o.curvature); },
            nb::rv_policy::automatic)
        .def_prop_ro("penalised_residual", [](const Optimum& o) { return o.pieces.s; })
        .def("as_found", &as_found, nb::arg("objective"), nb::arg("evaluations"),
             nb::arg("converged"), nb::arg("gradient"), nb::arg("curvature"));

    nb::class_<Problem>(m, "MappedProblem");
    nb::class_<SharedProblem>(m, "Problem")
        .def(nb::init<const InMatrix&, const InVector&, const MaybeVector&, const MaybeVector&,
                      const std::vector<InBlock>&>(),
             nb::arg("X").noconvert(), nb::arg("y").noconvert(), nb::arg("weights").none(),
             nb::arg("offset").none(), nb::arg("blocks"))
        .def(
            "with_response",
            [](const SharedProblem& s, const InVector& y) { return new SharedProblem(s, y); },
            nb::arg("y").noconvert(), nb::rv_policy::take_ownership)
        .def("optimise", &SharedProblem::optimise, nb::arg("reml"), nb::arg("sigma"),
             nb::arg("start").none(), nb::arg("tolerance"), nb::arg("max_evaluations"))
        .def("at", &SharedProblem::at, nb::arg("psi"), nb::arg("reml"), nb::arg("sigma"))
        .def("local", &SharedProblem::local, nb::arg("psi"), nb::arg("reml"), nb::arg("sigma"),
             nb::arg("level"))
        .def("conditional", &SharedProblem::conditional, nb::arg("psi"), nb::arg("reml"),
             nb::arg("sigma"))
        .def("quadratic_forms", &SharedProblem::quadratic_forms, nb::arg("X").noconvert(),
             nb::arg("blocks"), nb::arg("psi"), nb::arg("reml"), nb::arg("sigma"))
        .def_prop_ro("n", [](const SharedProblem& s) { return s.get().cross_products().n; })
        .def_prop_ro("n_params", [](const SharedProblem& s) { return s.get().n_params(); })
        .def_prop_ro("solvable", &SharedProblem::solvable)
        .def_prop_ro("mapped", &SharedProblem::get, nb::rv_policy::reference_internal)
        .def_prop_ro("sparse", [](const SharedProblem& s) { return s.get().sparse(); })
        .def_prop_ro("kept", [](const SharedProblem& s) { return s.get().scaling().x.kept; })
        .def_prop_ro("aliased", [](const SharedProblem& s) { return s.get().scaling().aliased; })
        .def_prop_ro(
            "aliases", [](const SharedProblem& s) { return to_numpy(s.get().scaling().aliases); },
            nb::rv_policy::automatic)
        .def_prop_ro("residual_ratio",
                     [](const SharedProblem& s) { return s.get().scaling().residual_ratio; })
        .def_prop_ro("y_deviation",
                     [](const SharedProblem& s) { return s.get().scaling().y_deviation; })
        .def_prop_ro("y_scale", [](const SharedProblem& s) { return s.get().scaling().y_scale; })
        .def_prop_ro("deficient",
                     [](const SharedProblem& s) {
                         const auto& x = s.get().scaling();
                         return nb::make_tuple(x.deficient_block, x.deficient_term,
                                               x.deficient_column);
                     })
        .def("least_squares",
             [](const SharedProblem& s) { return to_numpy(s.get().scaling().beta0); })
        .def("sigma",
             [](const SharedProblem& s, const Optimum& o, bool reml) {
                 const auto& problem = s.get();
                 const double nu = degrees(problem.cross_products(), {reml, 0.0});
                 return problem.scaling().y_scale * std::sqrt(o.pieces.s / nu);
             })
        .def("beta",
             [](const SharedProblem& s, const Optimum& o) {
                 const auto& x = s.get().scaling();
                 return to_numpy(Vector(x.beta0 + x.y_scale * (x.x.matrix() * o.pieces.beta)));
             })
        .def("root",
             [](const SharedProblem& s, const Optimum& o) {
                 return to_numpy(Matrix(s.get().scaling().x.matrix() * o.pieces.root));
             })
        .def("effects",
             [](const SharedProblem& s, const Optimum& o, std::size_t block) {
                 const auto& problem = s.get();
                 const auto& b = problem.cross_products().blocks.at(block);
                 const Matrix t = problem.scaling().y_scale * s.block_matrix(block);
                 const RowMatrix out =
                     ConstRowMap(o.effects.at(block).data(), b.q, b.k) * t.transpose();
                 return to_numpy(out.data(),
                                 {static_cast<std::size_t>(b.q), static_cast<std::size_t>(b.k)});
             })
        .def("factor", [](const SharedProblem& s, const Optimum& o, std::size_t term) {
            const auto& problem = s.get();
            const Term& t = problem.terms().at(term);
            std::size_t position = 0;
            for (std::size_t i = 0; i < term; ++i)
                position =
                    problem.terms()[i + 1].block == problem.terms()[i].block ? position + 1 : 0;
            const auto& map = problem.scaling().z[static_cast<std::size_t>(t.block)][position];
            const Matrix lambda =
                map.matrix() * structure::factor(t.structure, t.k, o.psi.data() + t.first);
            return to_numpy(t.structure == Structure::unstructured ? lower_triangular(lambda)
                                                                   : lambda);
        });
}

}  // namespace partialpool
