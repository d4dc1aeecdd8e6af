#include <stdexcept>

#include "arrays.hpp"
#include "partialpool/bayes/chains.hpp"

namespace partialpool {
namespace {

using namespace bayes;

using InScale = std::tuple<int, double, double>;
using InTermPrior = std::tuple<std::vector<InScale>, double>;

ScalePrior read_scale(const InScale& x) {
    return {static_cast<ScalePrior::Kind>(std::get<0>(x)), std::get<1>(x), std::get<2>(x)};
}

/// Priors N(mean, sd^2) of the rows of `combinations` times the kept fixed effects, mapped.
FixedPrior map_fixed(const Scaling& scaling, const InMatrix& combinations, const InVector& mean,
                     const InVector& sd) {
    const auto rows = static_cast<Index>(combinations.shape(0));
    const Index p = scaling.x.size();
    if (static_cast<Index>(combinations.shape(1)) != p ||
        static_cast<Index>(mean.shape(0)) != rows || static_cast<Index>(sd.shape(0)) != rows)
        throw std::invalid_argument("priors must fit the kept fixed effects");
    const Matrix a = ConstRowMap(combinations.data(), rows, p);
    const Vector inverse = ConstVectorMap(sd.data(), rows).cwiseInverse();
    const Matrix root =
        inverse.asDiagonal() * (scaling.y_scale * a.lazyProduct(scaling.x.matrix()));
    const Vector rest = inverse.cwiseProduct(ConstVectorMap(mean.data(), rows) -
                                             Vector(a.lazyProduct(scaling.beta0)));
    return {root.transpose().lazyProduct(root), root.transpose().lazyProduct(rest),
            rest.squaredNorm()};
}

using OutSingle = nb::ndarray<nb::numpy, float>;

OutSingle room_single(int chains, int draws, std::size_t last) {
    const auto c = static_cast<std::size_t>(chains), d = static_cast<std::size_t>(draws);
    auto data = std::make_unique<float[]>(c * d * last);
    nb::capsule owner(data.get(), [](void* p) noexcept { delete[] static_cast<float*>(p); });
    return OutSingle(data.release(), {c, d, last}, owner);
}

/// A model's posterior for Python.
class Posterior {
public:
    Posterior(const Problem& problem, const std::vector<InTermPrior>& terms, const InScale& sigma,
              const InMatrix& combinations, const InVector& mean, const InVector& sd)
        : problem_(problem) {
        if (terms.size() != problem.terms().size())
            throw std::invalid_argument("priors must have one entry per random term");
        for (const auto& [scales, eta] : terms) {
            TermPrior prior{{}, eta};
            for (const auto& scale : scales) prior.scales.push_back(read_scale(scale));
            prior_.terms.push_back(std::move(prior));
        }
        prior_.sigma = read_scale(sigma);
        prior_.fixed = map_fixed(problem.scaling(), combinations, mean, sd);
        target_ = std::make_unique<Marginal>(problem_, prior_);
    }

    Index size() const { return target_->size(); }
    Out centre() const { return to_numpy(target_->centre()); }

    nb::tuple evaluate(const InVector& q) {
        Vector gradient;
        const double value = target_->evaluate(point(q), gradient);
        return nb::make_tuple(value, to_numpy(gradient));
    }

    Out describe(const InVector& q) {
        Vector out(target_->n_described());
        target_->describe(point(q), out.data());
        return to_numpy(out);
    }

    /// Points, descriptions, beta, effects and how they came about, per chain and draw; effects
    /// in single precision if asked for.
    nb::tuple sample(int chains, int tune, int draws, std::uint64_t seed, double target_accept,
                     int max_depth, const nb::object& progress, bool single) {
        const NutsOptions options{tune, draws, target_accept, max_depth};
        const auto& cp = problem_.cross_products();
        std::size_t effects = 0;
        for (const auto& block : cp.blocks) effects += static_cast<std::size_t>(block.q * block.k);
        const auto room = [&](std::size_t last) {
            const auto c = static_cast<std::size_t>(chains), d = static_cast<std::size_t>(draws);
            auto data = std::make_unique<double[]>(c * d * last);
            nb::capsule owner(data.get(),
                              [](void* p) noexcept { delete[] static_cast<double*>(p); });
            return Out(data.release(), {c, d, last}, owner);
        };
        Out points = room(static_cast<std::size_t>(size()));
        Out described = room(static_cast<std::size_t>(target_->n_described()));
        Out beta = room(static_cast<std::size_t>(cp.p));
        Out b = single ? room(0) : room(effects);
        OutSingle rounded = room_single(chains, draws, single ? effects : 0);
        Out how = room(static_cast<std::size_t>(n_how));
        Chains run(problem_, prior_, options, chains, seed);
        run.start({points.data(), described.data(), beta.data(), single ? nullptr : b.data(),
                   single ? rounded.data() : nullptr, how.data()});
        bool ended = false;
        while (!ended) {
            {
                nb::gil_scoped_release nogil;
                ended = run.wait(100);
            }
            if (PyErr_CheckSignals() != 0) throw nb::python_error();
            if (!progress.is_none()) progress(run.done(), run.total());
        }
        const nb::object drawn = single ? nb::cast(rounded) : nb::cast(b);
        return nb::make_tuple(points, described, beta, drawn, how, run.no_start());
    }

private:
    Vector point(const InVector& q) const {
        if (static_cast<Index>(q.shape(0)) != size())
            throw std::invalid_argument("q must have one number per parameter");
        return ConstVectorMap(q.data(), size());
    }

    const Problem& problem_;
    MarginalPrior prior_;
    std::unique_ptr<Marginal> target_;
};

}  // namespace

void bind_bayes(nb::module_& m) {
    nb::class_<Posterior>(m, "Posterior")
        .def(nb::init<const Problem&, const std::vector<InTermPrior>&, const InScale&,
                      const InMatrix&, const InVector&, const InVector&>(),
             nb::arg("problem"), nb::arg("terms"), nb::arg("sigma"),
             nb::arg("combinations").noconvert(), nb::arg("mean").noconvert(),
             nb::arg("sd").noconvert(), nb::keep_alive<1, 2>())
        .def_prop_ro("size", &Posterior::size)
        .def_prop_ro("centre", &Posterior::centre, nb::rv_policy::automatic)
        .def("evaluate", &Posterior::evaluate, nb::arg("q").noconvert())
        .def("describe", &Posterior::describe, nb::arg("q").noconvert())
        .def("sample", &Posterior::sample, nb::arg("chains"), nb::arg("tune"), nb::arg("draws"),
             nb::arg("seed"), nb::arg("target_accept"), nb::arg("max_depth"),
             nb::arg("progress").none(), nb::arg("single") = false);
}

}  // namespace partialpool
