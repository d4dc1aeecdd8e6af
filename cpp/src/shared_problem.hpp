#pragma once

#include <mutex>
#include <stdexcept>

#include "forms.hpp"
#include "partialpool/refits.hpp"
#include "partialpool/results.hpp"
#include "partialpool/row_stream.hpp"

namespace partialpool {

using InTerm = std::tuple<InMatrix, Form>;
using InBlock = std::tuple<InCodes, Index, std::vector<InTerm>>;
using MaybeVector = std::optional<InVector>;

/// Views of the caller's arrays, checked.
inline Rows view_rows(const InMatrix& X, const double* y, const MaybeVector& weights,
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
        for (const auto& [basis, form] : terms) {
            check(basis.shape(0), "basis");
            block.terms.push_back(
                {basis.data(), static_cast<Index>(basis.shape(1)), checked(form, basis.shape(1))});
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

    /// Of rows that have gone by.
    Sides(Rows structure, Index used) : rows(std::move(structure)), used(used) {}

    Rows with(const InVector& y) const {
        if (static_cast<Index>(y.shape(0)) != rows.n)
            throw std::invalid_argument("y must have as many rows as X");
        Rows out = rows;
        out.y = y.data();
        return out;
    }
};

inline std::vector<Term> list_terms(const Rows& rows) {
    std::vector<Term> terms;
    Index first = 0;
    for (std::size_t b = 0; b < rows.blocks.size(); ++b) {
        Index offset = 0;
        for (const auto& term : rows.blocks[b].terms) {
            terms.push_back({term.form, static_cast<Index>(b), offset, term.k, first});
            offset += term.k;
            first += structure::n_params(term.form, term.k);
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
        auto scaling = find_scaling(rows);
        // Without a solvable problem the scaling alone is kept, for the message.
        auto products =
            can_solve(scaling) ? accumulate(rows, scaling, sides_->used) : CrossProducts{};
        set(std::move(products), std::move(scaling), list_terms(rows));
    }

    /// A solvable problem's sides with another response.
    SharedProblem(const SharedProblem& last, const InVector& y) : sides_(last.sides_) {
        const Rows rows = sides_->with(y);
        nb::gil_scoped_release nogil;
        auto scaling = with_response(last.get().scaling(), rows);
        auto products = can_solve(scaling)
                            ? with_response(last.get().cross_products(), rows, scaling)
                            : CrossProducts{};
        set(std::move(products), std::move(scaling), last.get().terms());
    }

    /// What has gone by in batches.
    explicit SharedProblem(RowStream& stream)
        : sides_(std::make_shared<const Sides>(stream.structure(), stream.used())) {
        set(stream.take(), stream.scaling(), list_terms(stream.structure()));
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

    /// `local` in charts of the caller's: Lambda of a term is its matrix in `axes` times the
    /// factor that psi says. Also y'P V_a P y and the penalised sum of squares, both mapped.
    nb::tuple local_in(const InVector& psi, const std::vector<std::optional<InMatrix>>& axes,
                       bool reml, double sigma, int level) {
        Point point{ConstVectorMap(psi.data(), static_cast<Index>(psi.shape(0))), {}};
        check_size(point.psi.size());
        for (const auto& matrix : axes) {
            point.axes.emplace_back();
            if (!matrix) continue;
            const auto k = problem_->terms().at(point.axes.size() - 1).k;
            if (static_cast<Index>(matrix->shape(0)) != k ||
                static_cast<Index>(matrix->shape(1)) != k)
                throw std::invalid_argument("axes have not the size of their term");
            point.axes.back() = ConstRowMap(matrix->data(), k, k);
        }
        const auto likelihood = problem_->likelihood(reml, sigma);
        Local local;
        Vector scores;
        double residual = 0.0;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            local = problem_->evaluate(point, likelihood, static_cast<Level>(level));
            scores = problem_->scores();
            residual = problem_->penalised_residual();
        }
        return nb::make_tuple(local.value + problem_->shift(likelihood), to_numpy(local.gradient),
                              to_numpy(local.curvature), to_numpy(scores), residual);
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
            const Matrix t = results::block_map(*problem_, b);
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

    /// Fit the model to many responses (count, n).
    Refits refit(const InMatrix& responses, const RefitOptions& options) const {
        if (static_cast<Index>(responses.shape(1)) != sides_->rows.n)
            throw std::invalid_argument("a response must have as many rows as X");
        nb::gil_scoped_release nogil;
        return partialpool::refit(*problem_, sides_->rows, responses.data(),
                                  static_cast<Index>(responses.shape(0)), options);
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
        return scaling.solvable() && sides_->used > scaling.x.size();
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

}  // namespace partialpool
