#include <mutex>
#include <stdexcept>

#include "arrays.hpp"
#include "partialpool/problem.hpp"

namespace partialpool {
namespace {

using InTerm = std::tuple<InMatrix, int>;
using InBlock = std::tuple<InCodes, Index, std::vector<InTerm>>;
using MaybeVector = std::optional<InVector>;

/// Views of the caller's arrays, checked.
Rows view_rows(const InMatrix& X, const double* y, const MaybeVector& weights,
               const MaybeVector& offset, const std::vector<InBlock>& blocks) {
    Rows rows{};
    rows.n = static_cast<Index>(X.shape(0));
    rows.p = static_cast<Index>(X.shape(1));
    rows.X = X.data();
    rows.y = y;
    const auto check = [&](std::size_t n, const char* what) {
        if (static_cast<Index>(n) != rows.n)
            throw std::invalid_argument(std::string(what) + " must have as many rows as X");
    };
    if (weights) {
        check(weights->shape(0), "weights");
        rows.weights = weights->data();
    }
    if (offset) {
        check(offset->shape(0), "offset");
        rows.offset = offset->data();
    }
    for (const auto& [codes, q, terms] : blocks) {
        check(codes.shape(0), "codes");
        for (std::size_t i = 0; i < codes.shape(0); ++i)
            if (codes.data()[i] >= q) throw std::invalid_argument("a code exceeds the levels");
        BlockRows block{codes.data(), q, {}};
        for (const auto& [basis, structure] : terms) {
            check(basis.shape(0), "basis");
            block.terms.push_back({basis.data(), static_cast<Index>(basis.shape(1)),
                                   static_cast<Structure>(structure)});
        }
        rows.blocks.push_back(std::move(block));
    }
    return rows;
}

/// All that is read of a model but for its response: the caller's arrays, kept alive.
struct Sides {
    InMatrix X;
    MaybeVector weights, offset;
    std::vector<InBlock> blocks;
    Rows rows;   ///< without a response
    Index used;  ///< rows with weight

    Sides(const InMatrix& X, const MaybeVector& weights, const MaybeVector& offset,
          const std::vector<InBlock>& blocks)
        : X(X),
          weights(weights),
          offset(offset),
          blocks(blocks),
          rows(view_rows(X, nullptr, weights, offset, blocks)),
          used(rows.n) {
        if (rows.weights)
            used = std::count_if(rows.weights, rows.weights + rows.n,
                                 [](double w) { return w > 0.0; });
    }

    Rows with(const InVector& y) const {
        if (static_cast<Index>(y.shape(0)) != rows.n)
            throw std::invalid_argument("y must have as many rows as X");
        Rows out = rows;
        out.y = y.data();
        return out;
    }
};

std::vector<Term> list_terms(const Rows& rows) {
    std::vector<Term> terms;
    Index first = 0;
    for (std::size_t b = 0; b < rows.blocks.size(); ++b) {
        Index offset = 0;
        for (const auto& term : rows.blocks[b].terms) {
            terms.push_back({term.structure, static_cast<Index>(b), offset, term.k, first});
            offset += term.k;
            first += structure::n_params(term.structure, term.k);
        }
    }
    return terms;
}

/// Problem for Python: one lock, since evaluating leaves the factor behind for later calls.
class SharedProblem {
public:
    SharedProblem(const InMatrix& X, const InVector& y, const MaybeVector& weights,
                  const MaybeVector& offset, const std::vector<InBlock>& blocks)
        : sides_(std::make_shared<const Sides>(X, weights, offset, blocks)) {
        const Rows rows = sides_->with(y);
        nb::gil_scoped_release nogil;
        auto scaling = find_scaling(rows, sides_->used);
        // Without a solvable problem the scaling alone is kept, for the message.
        auto products =
            can_solve(scaling) ? accumulate(rows, scaling, sides_->used) : CrossProducts{};
        set(std::move(products), std::move(scaling), list_terms(rows));
    }

    /// A solvable problem's sides with another response.
    SharedProblem(const SharedProblem& last, const InVector& y) : sides_(last.sides_) {
        const Rows rows = sides_->with(y);
        nb::gil_scoped_release nogil;
        auto scaling = with_response(last.get().scaling(), rows, sides_->used);
        auto products = can_solve(scaling)
                            ? with_response(last.get().cross_products(), rows, scaling)
                            : CrossProducts{};
        set(std::move(products), std::move(scaling), last.get().terms());
    }

    const Problem& get() const { return *problem_; }
    bool solvable() const { return can_solve(get().scaling()); }

    Optimum optimise(bool reml, double sigma, const MaybeVector& start, double tolerance,
                     int max_evaluations) {
        std::optional<Vector> from;
        if (start) from = ConstVectorMap(start->data(), static_cast<Index>(start->shape(0)));
        if (from) check_size(from->size());
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        return problem_->optimise(problem_->likelihood(reml, sigma), from, tolerance,
                                  max_evaluations);
    }

    Optimum at(const InVector& psi, bool reml, double sigma) {
        const Vector point = ConstVectorMap(psi.data(), static_cast<Index>(psi.shape(0)));
        check_size(point.size());
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        return problem_->collect(Point{point, {}}, problem_->likelihood(reml, sigma));
    }

    /// Objective, gradient and curvature (average or exact) at psi, in mapped parameters.
    nb::tuple local(const InVector& psi, bool reml, double sigma, int level) {
        const Vector point = ConstVectorMap(psi.data(), static_cast<Index>(psi.shape(0)));
        check_size(point.size());
        const auto likelihood = problem_->likelihood(reml, sigma);
        Local local;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            local = problem_->evaluate(Point{point, {}}, likelihood, static_cast<Level>(level));
        }
        return nb::make_tuple(local.value + problem_->shift(likelihood), to_numpy(local.gradient),
                              to_numpy(local.curvature));
    }

    std::vector<Out> conditional(const InVector& psi, bool reml, double sigma) {
        const Vector point = ConstVectorMap(psi.data(), static_cast<Index>(psi.shape(0)));
        check_size(point.size());
        std::vector<std::vector<double>> mapped;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            problem_->evaluate(Point{point, {}}, problem_->likelihood(reml, sigma),
                               Level::gradient);
            mapped = problem_->conditional();
        }
        std::vector<Out> out;
        const auto& cp = problem_->cross_products();
        for (std::size_t b = 0; b < mapped.size(); ++b) {
            const auto q = static_cast<std::size_t>(cp.blocks[b].q);
            const Index k = cp.blocks[b].k;
            const Matrix t = block_matrix(b);
            for (std::size_t l = 0; l < q; ++l) {
                RowMap c(mapped[b].data() + static_cast<Index>(l) * k * k, k, k);
                c = (t * c * t.transpose()).eval();
            }
            const auto size = static_cast<std::size_t>(k);
            out.push_back(to_numpy(mapped[b].data(), {q, size, size}));
        }
        return out;
    }

    Out quadratic_forms(const InMatrix& X, const std::vector<InBlock>& blocks, const InVector& psi,
                        bool reml, double sigma) {
        const Rows rows = view_rows(X, nullptr, std::nullopt, std::nullopt, blocks);
        if (rows.blocks.size() != static_cast<std::size_t>(problem_->cross_products().n_blocks()))
            throw std::invalid_argument("the rows have other grouping factors than the model");
        const Vector point = ConstVectorMap(psi.data(), static_cast<Index>(psi.shape(0)));
        check_size(point.size());
        std::vector<double> out(X.shape(0));
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            problem_->evaluate(Point{point, {}}, problem_->likelihood(reml, sigma), Level::value);
            problem_->quadratic_forms(rows, out);
        }
        return to_numpy(out.data(), {out.size()});
    }

    /// Sums over levels for directions of Sigma, each a symmetric matrix at one of the terms.
    nb::tuple sensitivity(const InVector& psi, bool reml, double sigma,
                          const std::vector<std::tuple<Index, InMatrix>>& directions,
                          bool with_products) {
        const Vector point = ConstVectorMap(psi.data(), static_cast<Index>(psi.shape(0)));
        check_size(point.size());
        const auto in_blocks = place(directions);
        std::optional<Sensitivity> found;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            found = problem_->sensitivity(point, problem_->likelihood(reml, sigma), in_blocks,
                                          with_products);
        }
        if (!found) throw std::runtime_error("the likelihood can't be evaluated here");
        return nb::make_tuple(stack(found->fixed), stack(found->products),
                              to_numpy(found->product_traces), to_numpy(found->traces),
                              to_numpy(found->trace), to_numpy(found->scores),
                              to_numpy(found->mixed), to_numpy(found->score), found->s);
    }

    /// Map of a whole block: block diagonal over its terms.
    Matrix block_matrix(std::size_t block) const {
        const auto& maps = problem_->scaling().z[block];
        Index k = 0;
        for (const auto& map : maps) k += map.size();
        Matrix t = Matrix::Zero(k, k);
        Index at = 0;
        for (const auto& map : maps) {
            t.block(at, at, map.size(), map.size()) = map.matrix();
            at += map.size();
        }
        return t;
    }

    /// What takes a term's effects to the user's units.
    Matrix term_map(std::size_t term) const {
        const auto& terms = problem_->terms();
        const Term& t = terms.at(term);
        std::size_t position = 0;
        for (std::size_t i = 0; i < term; ++i)
            position = terms[i + 1].block == terms[i].block ? position + 1 : 0;
        return problem_->scaling().z[static_cast<std::size_t>(t.block)][position].matrix();
    }

private:
    /// Directions of terms as directions of their blocks, zero outside the term.
    std::vector<Direction> place(const std::vector<std::tuple<Index, InMatrix>>& directions) const {
        std::vector<Direction> out;
        for (const auto& [t, e] : directions) {
            const Term& term = problem_->terms().at(static_cast<std::size_t>(t));
            if (static_cast<Index>(e.shape(0)) != term.k ||
                static_cast<Index>(e.shape(1)) != term.k)
                throw std::invalid_argument("a direction has not the size of its term");
            const auto b = static_cast<std::size_t>(term.block);
            const Index k = problem_->cross_products().blocks[b].k;
            Direction direction{term.block, Matrix::Zero(k, k)};
            direction.e.block(term.offset, term.offset, term.k, term.k) =
                ConstRowMap(e.data(), term.k, term.k);
            out.push_back(std::move(direction));
        }
        return out;
    }

    /// Matrices of one size as one array, (count, rows, columns).
    static Out stack(const std::vector<Matrix>& matrices) {
        const auto rows = matrices.empty() ? 0 : matrices[0].rows();
        std::vector<double> all;
        for (const auto& matrix : matrices) {
            const RowMatrix by_row = matrix;
            all.insert(all.end(), by_row.data(), by_row.data() + by_row.size());
        }
        const auto size = static_cast<std::size_t>(rows);
        return to_numpy(all.data(), {matrices.size(), size, size});
    }

    bool can_solve(const Scaling& scaling) const {
        return scaling.deficient_block < 0 && scaling.residual_ratio > 0.0 &&
               sides_->used > scaling.x.size();
    }

    void set(CrossProducts products, Scaling scaling, std::vector<Term> terms) {
        products.n = sides_->used;
        products.p = scaling.x.size();
        if (!can_solve(scaling)) terms.clear();
        problem_ =
            std::make_unique<Problem>(std::move(products), std::move(scaling), std::move(terms));
    }

    void check_size(Index size) const {
        if (size != problem_->n_params())
            throw std::invalid_argument("psi must have one number per covariance parameter");
    }

    std::shared_ptr<const Sides> sides_;
    std::unique_ptr<Problem> problem_;
    std::mutex mutex_;
};

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
        .def("sensitivity", &SharedProblem::sensitivity, nb::arg("psi").noconvert(),
             nb::arg("reml"), nb::arg("sigma"), nb::arg("directions"), nb::arg("with_products"))
        .def_prop_ro("n", [](const SharedProblem& s) { return s.get().cross_products().n; })
        .def_prop_ro("n_params", [](const SharedProblem& s) { return s.get().n_params(); })
        .def_prop_ro("solvable", &SharedProblem::solvable)
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
        .def("term_map",
             [](const SharedProblem& s, std::size_t term) { return to_numpy(s.term_map(term)); })
        .def("factor", [](const SharedProblem& s, const Optimum& o, std::size_t term) {
            const Term& t = s.get().terms().at(term);
            const Matrix lambda =
                s.term_map(term) * structure::factor(t.structure, t.k, o.psi.data() + t.first);
            return to_numpy(t.structure == Structure::unstructured ? lower_triangular(lambda)
                                                                   : lambda);
        });
}

}  // namespace partialpool
