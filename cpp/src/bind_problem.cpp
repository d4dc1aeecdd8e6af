#include "archive.hpp"
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

/// Numbers of every response, as an array of as many rows.
Out by_response(const Refits& refits, const std::vector<double>& numbers, std::size_t columns) {
    return to_numpy(numbers.data(), {refits.objective.size(), columns});
}

void bind_refits(nb::module_& m) {
    nb::class_<Refits> refits(m, "Refits");
    const auto add = [&](const char* name, std::vector<double> Refits::* numbers, bool single) {
        refits.def_prop_ro(
            name,
            [=](const Refits& r) {
                const auto& x = r.*numbers;
                const std::size_t n = r.objective.size();
                return single ? to_numpy(x.data(), {n}) : by_response(r, x, n ? x.size() / n : 0);
            },
            nb::rv_policy::automatic);
    };
    add("objective", &Refits::objective, true);
    add("sigma", &Refits::sigma, true);
    add("penalised_residual", &Refits::penalised_residual, true);
    add("residual_ratio", &Refits::residual_ratio, true);
    add("y_deviation", &Refits::y_deviation, true);
    add("beta", &Refits::beta, false);
    add("root", &Refits::root, false);
    add("psi", &Refits::psi, false);
    refits.def_prop_ro("evaluations", [](const Refits& r) { return r.evaluations; })
        .def_prop_ro("converged",
                     [](const Refits& r) {
                         return std::vector<bool>(r.converged.begin(), r.converged.end());
                     })
        .def("factors",
             [](const Refits& r, std::size_t term) {
                 const auto& x = r.factors.at(term);
                 return by_response(r, x, x.size() / std::max<std::size_t>(r.objective.size(), 1));
             })
        .def("effects", [](const Refits& r, std::size_t block) {
            const auto& x = r.effects.at(block);
            return by_response(r, x, x.size() / std::max<std::size_t>(r.objective.size(), 1));
        });
}

template <class... Parts>
Out written(const Parts&... parts) {
    archive::Writer writer;
    archive::visit_all(writer, parts...);
    return to_numpy(writer.numbers.data(), {writer.numbers.size()});
}

template <class... Parts>
void read(const InVector& numbers, Parts&... parts) {
    archive::Reader reader(numbers.data(), numbers.shape(0));
    archive::visit_all(reader, parts...);
    reader.finish();
}

/// X and the blocks have no rows: they say the structure.
void restore(RowStream& stream, const InMatrix& X, const std::vector<InBlock>& blocks,
             const InVector& looks, const InVector& sums) {
    RowSummary summary;
    RowTriangles triangles;
    CrossProducts products;
    read(looks, summary, triangles);
    read(sums, products);
    stream.restore(view_rows(X, nullptr, {}, {}, blocks), std::move(summary), std::move(triangles),
                   std::move(products));
}

}  // namespace

/// Batches of a caller's arrays, read one at a time.
void bind_stream(nb::module_& m) {
    using Pass = void (RowStream::*)(const Rows&);
    nb::class_<RowStream> stream(m, "RowStream");
    stream.def(nb::init<>());
    const auto add = [&](const char* name, Pass pass) {
        stream.def(
            name,
            [=](RowStream& s, const InMatrix& X, const InVector& y, const MaybeVector& weights,
                const MaybeVector& offset, const std::vector<InBlock>& blocks) {
                const Rows rows = Sides(X, weights, offset, blocks).with(y);
                nb::gil_scoped_release nogil;
                (s.*pass)(rows);
            },
            nb::arg("X").noconvert(), nb::arg("y").noconvert(), nb::arg("weights").none(),
            nb::arg("offset").none(), nb::arg("blocks"));
    };
    add("summarise", &RowStream::summarise);
    add("factor", &RowStream::factor);
    add("accumulate", &RowStream::accumulate);
    stream.def("find_scaling", &RowStream::find_scaling)
        .def_prop_ro("used", &RowStream::used)
        .def_prop_ro("solvable", [](const RowStream& s) { return s.scaling().solvable(); })
        .def_prop_ro(
            "fixed",
            [](const RowStream& s) { return to_numpy(plain_fixed(s.summary(), s.triangles())); },
            nb::rv_policy::automatic)
        .def("random",
             [](const RowStream& s, std::size_t block, std::size_t term) {
                 return to_numpy(
                     plain_random(s.structure(), s.summary(), s.triangles(), block, term));
             })
        .def("looks", [](const RowStream& s) { return written(s.summary(), s.triangles()); })
        .def("restore", &restore, nb::arg("X"), nb::arg("blocks"), nb::arg("looks"),
             nb::arg("sums"))
        .def(
            "problem", [](RowStream& s) { return new SharedProblem(s); },
            nb::rv_policy::take_ownership);
}

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
        .def("local_in", &SharedProblem::local_in, nb::arg("psi").noconvert(), nb::arg("axes"),
             nb::arg("reml"), nb::arg("sigma"), nb::arg("level"))
        .def("conditional", &SharedProblem::conditional, nb::arg("psi"), nb::arg("reml"),
             nb::arg("sigma"))
        .def("quadratic_forms", &SharedProblem::quadratic_forms, nb::arg("X").noconvert(),
             nb::arg("blocks"), nb::arg("psi"), nb::arg("reml"), nb::arg("sigma"))
        .def("sensitivity", &SharedProblem::sensitivity, nb::arg("psi").noconvert(),
             nb::arg("reml"), nb::arg("sigma"), nb::arg("directions"), nb::arg("with_products"))
        .def("sums", [](const SharedProblem& s) { return written(s.get().cross_products()); })
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
        .def("sigma", [](const SharedProblem& s, const Optimum& o,
                         bool reml) { return results::sigma(s.get(), o, reml); })
        .def("beta", [](const SharedProblem& s,
                        const Optimum& o) { return to_numpy(results::beta(s.get(), o)); })
        .def("root", [](const SharedProblem& s,
                        const Optimum& o) { return to_numpy(results::root(s.get(), o)); })
        .def("effects",
             [](const SharedProblem& s, const Optimum& o, std::size_t block) {
                 const RowMatrix b = results::effects(s.get(), o, block);
                 return to_numpy(b.data(), {static_cast<std::size_t>(b.rows()),
                                            static_cast<std::size_t>(b.cols())});
             })
        .def("term_map",
             [](const SharedProblem& s, std::size_t term) {
                 return to_numpy(results::term_map(s.get(), term));
             })
        .def("factor", [](const SharedProblem& s, const Optimum& o,
                          std::size_t term) { return to_numpy(results::factor(s.get(), o, term)); })
        .def(
            "refit",
            [](const SharedProblem& s, const InMatrix& responses, bool reml, double sigma,
               double tolerance, int max_evaluations, bool effects) {
                return s.refit(responses, {reml, sigma, tolerance, max_evaluations, effects});
            },
            nb::arg("responses").noconvert(), nb::arg("reml"), nb::arg("sigma"),
            nb::arg("tolerance"), nb::arg("max_evaluations"), nb::arg("effects"));

    bind_refits(m);
    bind_stream(m);
}

}  // namespace partialpool
