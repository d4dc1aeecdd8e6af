#pragma once

#include <mutex>
#include <stdexcept>

#include "bind_density.hpp"
#include "generalized_input.hpp"
#include "partialpool/generalized/search.hpp"

namespace partialpool {

using generalized::Found;
using generalized::GeneralizedProblem;
using generalized::Parameters;

/// A searched or given point with what was found there, still in mapped coordinates.
struct Estimate {
    Found found;
    std::vector<Vector> effects;  ///< per block
};

/// Generalized problem for Python: one lock, since every evaluation leaves its factor behind.
class SharedGeneralized {
public:
    SharedGeneralized(const std::vector<double>& units, const std::vector<InPart>& parts,
                      const InOffsets& offsets, const std::vector<InEffects>& blocks, bool merge,
                      const std::vector<InVector>& precisions, const nb::callable& density) {
        const auto raw = read_rows(units, parts, offsets, blocks);
        auto prepared = generalized::prepare(raw, merge);
        maps_ = std::move(prepared.groups);
        z_ = std::move(prepared.z);
        order_ = std::move(prepared.order);
        deficient_ = {prepared.deficient_block, prepared.deficient_term, prepared.deficient_column};
        if (deficient_[0] >= 0) return;
        const auto made = nb::cast<std::tuple<nb::object, double>>(
            density(positions(order_), positions(prepared.start)));
        const auto density_of_rows = nb::cast<SharedDensity&>(std::get<0>(made)).density;
        if (density_of_rows->rows() != prepared.rows.n ||
            density_of_rows->predictors() != raw.predictors)
            throw std::invalid_argument("the density has other rows or predictors than the model");
        std::vector<Index> inner;
        for (Index c = 0; c < maps_.at(0).map.size(); ++c) inner.push_back(maps_[0].first + c);
        Matrix penalty = mapped_penalty(precisions, prepared.rows.n_parameters);
        problem_ = std::make_unique<GeneralizedProblem>(
            std::move(prepared.rows), density_of_rows, terms_of(raw), std::move(inner),
            maps_[0].map.log_determinant(), std::move(penalty), std::get<1>(made));
    }

    Estimate optimise(const std::vector<InVector>& start, const InCriterion& criterion,
                      double tolerance, int max_evaluations) {
        const Vector beta = to_mapped(start);
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        const generalized::SearchOptions options{tolerance, max_evaluations};
        const auto how = to_criterion(criterion);
        return collect(
            generalized::search_from(*problem_, problem_->fixed_only(beta), how, options), how);
    }

    /// What holds at given parameters, found by no search.
    Estimate at(const InVector& psi, const std::vector<InVector>& coefficients,
                const InCriterion& criterion) {
        Parameters point{to_vector(psi), to_mapped(coefficients), {}};
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        const auto how = to_criterion(criterion);
        const Local local = problem_->evaluate(point, how, Level::average);
        return collect({std::move(point), local.value, local.gradient, local.curvature, 1, true},
                       how);
    }

    /// The same point with psi in other axes, one per term.
    Estimate turn(const Estimate& estimate, const InVector& psi,
                  const std::vector<std::optional<InMatrix>>& axes, const InCriterion& criterion) {
        Parameters point{to_vector(psi), estimate.found.point.beta, {}};
        for (const auto& own : axes) {
            point.axes.emplace_back();
            if (own)
                point.axes.back() = ConstRowMap(own->data(), static_cast<Index>(own->shape(0)),
                                                static_cast<Index>(own->shape(1)));
        }
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        const Local local = problem_->evaluate(point, to_criterion(criterion), Level::average);
        return {{std::move(point), local.value, local.gradient, local.curvature, 1, true}, {}};
    }

    /// The optimum on the plane normal'(psi, mapped) = value, from an estimate near it; what
    /// stands along `forward` doesn't turn negative.
    Estimate hold(const Estimate& from, const InVector& normal, double value,
                  const std::vector<InVector>& forward, const InCriterion& criterion,
                  double tolerance, int max_evaluations) {
        generalized::Held held{to_vector(normal), value, {}};
        for (const auto& direction : forward) held.forward.push_back(to_vector(direction));
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        return {generalized::search_held(*problem_, from.found, held, to_criterion(criterion),
                                         {tolerance, max_evaluations}),
                {}};
    }

    /// The optimum by a search from given parameters, which may be those of much the same rows.
    Estimate improve(const InVector& psi, const std::vector<InVector>& coefficients,
                     const InCriterion& criterion, double tolerance, int max_evaluations) {
        Parameters point{to_vector(psi), to_mapped(coefficients), {}};
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        const auto how = to_criterion(criterion);
        return collect(
            generalized::search(*problem_, std::move(point), how, {tolerance, max_evaluations}),
            how);
    }

    /// Log-density of the response given the random effects at their modes.
    double conditional_loglik(const Estimate& estimate, const InCriterion& criterion) {
        nb::gil_scoped_release nogil;
        const std::lock_guard lock(mutex_);
        settle(estimate, criterion);
        return problem_->conditional_loglik(estimate.found.point.beta);
    }

    /// What every row, in the order given, adds to the gradient in the mapped coefficients, and
    /// every level to that in psi, per term. Rows must not have been merged.
    nb::tuple shares(const Estimate& estimate, const InCriterion& criterion) {
        GeneralizedProblem::Shares found;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            found = problem_->shares(estimate.found.point, to_criterion(criterion));
        }
        if (found.rows.rows() != static_cast<Index>(order_.size()))
            throw std::invalid_argument("merged rows have no scores of their own");
        Matrix rows(found.rows.rows(), found.rows.cols());
        for (std::size_t i = 0; i < order_.size(); ++i)
            rows.row(order_[i]) = found.rows.row(static_cast<Index>(i));
        nb::list levels;
        for (const Matrix& own : found.levels) levels.append(to_numpy(own));
        return nb::make_tuple(to_numpy(rows), levels);
    }

    /// Objective, gradient and model curvature at mapped parameters.
    nb::tuple local(const InVector& psi, const InVector& beta, const InCriterion& criterion) {
        Parameters point{to_vector(psi), to_vector(beta), {}};
        Local local;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            local = problem_->evaluate(point, to_criterion(criterion), Level::average);
        }
        return nb::make_tuple(local.value, to_numpy(local.gradient), to_numpy(local.curvature));
    }

    /// Hessian over (psi, beta) or what of them the criterion leaves to the outer search.
    Out hessian(const Estimate& estimate, const InCriterion& criterion) {
        Matrix h;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            h = generalized::exact_hessian(*problem_, estimate.found.point, to_criterion(criterion),
                                           estimate.found.curvature);
        }
        return to_numpy(h);
    }

    /// Curvature of the coefficients given psi, over two: the inverse of their covariance.
    Out information(const Estimate& estimate, const InCriterion& criterion) {
        const std::lock_guard lock(mutex_);
        settle(estimate, criterion);
        return to_numpy(problem_->curvature_of_beta());
    }

    std::vector<Out> conditional(const Estimate& estimate, const InCriterion& criterion) {
        std::vector<std::vector<double>> mapped;
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            settle(estimate, criterion);
            mapped = problem_->conditional();
        }
        std::vector<Out> out;
        for (std::size_t b = 0; b < mapped.size(); ++b) {
            const auto& block = problem_->rows().effects[b];
            const Matrix t = block_matrix(b);
            for (Index l = 0; l < block.q; ++l) {
                RowMap c(mapped[b].data() + l * block.k * block.k, block.k, block.k);
                c = sandwich(t.transpose(), Matrix(c));
            }
            const auto k = static_cast<std::size_t>(block.k);
            out.push_back(to_numpy(mapped[b].data(), {static_cast<std::size_t>(block.q), k, k}));
        }
        return out;
    }

    /// Variance of x'(beta^ - beta) + z'(b^ - b) for new rows, over all parts, given the
    /// covariance of (psi, mapped coefficients); a negative code takes no part.
    Out variances(const Estimate& estimate, const InCriterion& criterion,
                  const std::vector<InMatrix>& X, const std::vector<InEffects>& blocks,
                  const InMatrix& covariance) {
        const auto m = static_cast<Index>(X.at(0).shape(0));
        const ConstRowMap c(covariance.data(), static_cast<Index>(covariance.shape(0)),
                            static_cast<Index>(covariance.shape(1)));
        Vector out(m);
        {
            nb::gil_scoped_release nogil;
            const std::lock_guard lock(mutex_);
            settle(estimate, criterion);
            constexpr Index batch = 64;
            for (Index begin = 0; begin < m; begin += batch)
                forms(X, blocks, c, begin, std::min(batch, m - begin), out);
        }
        return to_numpy(out);
    }

    const GeneralizedProblem& get() const { return *problem_; }
    const std::vector<generalized::GroupMap>& maps() const { return maps_; }
    const std::array<Index, 3>& deficient() const { return deficient_; }

    Matrix block_matrix(std::size_t block) const {
        Index k = 0, at = 0;
        for (const auto& map : z_[block]) k += map.size();
        Matrix t = Matrix::Zero(k, k);
        for (const auto& map : z_[block]) {
            t.block(at, at, map.size(), map.size()) = map.matrix();
            at += map.size();
        }
        return t;
    }

    /// What takes a term's mapped effects to the user's.
    Matrix term_matrix(std::size_t term) const {
        const Term& own = problem_->terms().at(term);
        return block_matrix(static_cast<std::size_t>(own.block))
            .block(own.offset, own.offset, own.k, own.k);
    }

    Matrix term_factor(const Estimate& estimate, std::size_t term) const {
        const Term& own = problem_->terms().at(term);
        const Matrix lambda =
            term_matrix(term).lazyProduct(problem_->factor(estimate.found.point, term));
        return own.form.kind == Structure::unstructured ? lower_triangular(lambda) : lambda;
    }

private:
    /// Precisions of the coefficients, one number per column as given, aliased ones included.
    Matrix mapped_penalty(const std::vector<InVector>& precisions, Index p) const {
        Matrix penalty = Matrix::Zero(p, p);
        for (std::size_t g = 0; g < precisions.size(); ++g) {
            const Matrix t = maps_.at(g).map.matrix();
            const auto& kept = maps_[g].map.kept;
            Vector own(t.rows());
            for (Index c = 0; c < t.rows(); ++c)
                own(c) = precisions[g].data()[kept[static_cast<std::size_t>(c)]];
            penalty.block(maps_[g].first, maps_[g].first, t.cols(), t.cols()) =
                sandwich(t, Matrix(own.asDiagonal()));
        }
        return penalty;
    }

    static nb::ndarray<nb::numpy, std::int64_t> positions(const std::vector<Index>& given) {
        auto copy = std::make_unique<std::int64_t[]>(given.size());
        std::copy(given.begin(), given.end(), copy.get());
        nb::capsule owner(copy.get(),
                          [](void* p) noexcept { delete[] static_cast<std::int64_t*>(p); });
        return {copy.release(), {given.size()}, owner};
    }

    /// Coefficients of the kept columns, group by group, in mapped coordinates.
    Vector to_mapped(const std::vector<InVector>& given) const {
        Vector out(problem_->n_parameters());
        for (std::size_t g = 0; g < maps_.size(); ++g) {
            const Matrix t = maps_[g].map.matrix();
            const Vector own = to_vector(given.at(g));
            if (own.size() != t.rows())
                throw std::invalid_argument("one coefficient is needed per kept column");
            // T is upper triangular but for its first row, so a general solver is needed.
            out.segment(maps_[g].first, t.cols()) = least_squares(t, own);
        }
        return out;
    }

    void settle(const Estimate& estimate, const InCriterion& criterion) {
        Parameters point = estimate.found.point;
        problem_->evaluate(point, to_criterion(criterion), Level::average);
    }

    Estimate collect(Found found, const Criterion& criterion) {
        Estimate out{std::move(found), {}};
        if (!std::isfinite(out.found.value)) return out;
        Parameters point = out.found.point;
        problem_->evaluate(point, criterion, Level::value);
        for (const auto& block : problem_->rows().effects)
            out.effects.push_back(problem_->mode().b.segment(block.first, block.q * block.k));
        return out;
    }

    void forms(const std::vector<InMatrix>& X, const std::vector<InEffects>& blocks,
               const ConstRowMap& c, Index begin, Index size, Vector& out) const {
        Matrix x(problem_->n_parameters(), size);
        std::vector<generalized::SparseRow> z(static_cast<std::size_t>(size));
        Vector mapped;
        for (Index i = 0; i < size; ++i) {
            for (std::size_t g = 0; g < maps_.size(); ++g)
                maps_[g].map.apply(X.at(g).data() + (begin + i) * static_cast<Index>(X[g].shape(1)),
                                   1.0, x.col(i).data() + maps_[g].first);
            for (std::size_t b = 0; b < blocks.size(); ++b) {
                const auto& block = problem_->rows().effects[b];
                const Index level = std::get<0>(blocks[b]).data()[begin + i];
                if (level < 0) continue;
                mapped.resize(block.k);
                double* to = mapped.data();
                for (std::size_t t = 0; t < z_[b].size(); ++t) {
                    const auto& basis = std::get<0>(std::get<2>(blocks[b])[t]);
                    z_[b][t].apply(basis.data() + (begin + i) * static_cast<Index>(basis.shape(1)),
                                   1.0, to);
                    to += z_[b][t].size();
                }
                for (Index r = 0; r < block.k; ++r)
                    z[static_cast<std::size_t>(i)].emplace_back(block.first + level * block.k + r,
                                                                mapped(r));
            }
        }
        out.segment(begin, size) = problem_->variances(x, z, c);
    }

    std::unique_ptr<GeneralizedProblem> problem_;
    std::vector<generalized::GroupMap> maps_;
    std::vector<std::vector<RowMapping>> z_;
    std::vector<Index> order_;
    std::array<Index, 3> deficient_{-1, -1, -1};
    std::mutex mutex_;
};

}  // namespace partialpool
