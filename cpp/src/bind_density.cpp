#include <stdexcept>

#include "arrays.hpp"
#include "bind_density.hpp"

namespace partialpool {
namespace {

using MaybeVector = std::optional<InVector>;
using Lists = std::vector<InVector>;

std::size_t count(int order, int d) {
    const int sizes[] = {1, d, d * (d + 1) / 2, d * (d + 1) * (d + 2) / 6};
    return static_cast<std::size_t>(sizes[order]);
}

/// Arrays that receive the rows' derivatives, one after the other.
struct Buffers {
    std::array<std::vector<double>, 4> of;
    RowDerivatives out;

    Buffers(Index rows, int order, int d) {
        for (int k = 0; k <= order; ++k)
            of[static_cast<std::size_t>(k)].resize(count(k, d) * static_cast<std::size_t>(rows));
        out.value = of[0].data();
        const auto place = [&](auto& to, int k) {
            if (k > order) return;
            for (std::size_t i = 0; i < count(k, d); ++i)
                to[i] = of[static_cast<std::size_t>(k)].data() + i * static_cast<std::size_t>(rows);
        };
        place(out.first, 1);
        place(out.second, 2);
        place(out.third, 3);
    }
};

/// Density written by a user: a Python function of (begin, end, etas, order, all).
class CallbackDensity : public Density {
public:
    CallbackDensity(nb::callable function, Index rows, int predictors)
        : function_(std::move(function)), rows_(rows), predictors_(predictors) {}
    ~CallbackDensity() override {
        const nb::gil_scoped_acquire gil;
        function_.reset();
    }

    int predictors() const override { return predictors_; }
    Index rows() const override { return rows_; }
    double constant() const override { return 0.0; }
    /// An error raised in Python has to reach the thread that asked.
    bool concurrent() const override { return false; }

    /// Errors raised in Python are thrown as nb::python_error: to be run on one thread.
    void evaluate(Index begin, Index size, const double* const* eta, int order, bool all,
                  const RowDerivatives& out) const override {
        const nb::gil_scoped_acquire gil;
        nb::list etas;
        for (int a = 0; a < predictors_; ++a)
            etas.append(to_numpy(eta[a], {static_cast<std::size_t>(size)}));
        std::tuple<InVector, Lists, Lists, Lists> returned;
        if (!nb::try_cast(function_(begin, begin + size, etas, order, all), returned))
            throw std::invalid_argument(
                "the density's function must return (value, first, second, third): an array and "
                "three lists of arrays");
        const auto& [value, first, second, third] = returned;
        const int d = all ? predictors_ : 1;
        copy(value, out.value, size);
        copy_list("first", first, out.first.data(), order >= 1 ? count(1, d) : 0, size);
        copy_list("second", second, out.second.data(), order >= 2 ? count(2, d) : 0, size);
        copy_list("third", third, out.third.data(), order >= 3 ? count(3, d) : 0, size);
    }

private:
    static void copy(const InVector& from, double* to, Index size) {
        if (static_cast<Index>(from.shape(0)) != size)
            throw std::invalid_argument("the density's function returned an array of length " +
                                        std::to_string(from.shape(0)) + " for " +
                                        std::to_string(size) + " rows");
        if (to) std::copy(from.data(), from.data() + size, to);
    }
    static void copy_list(const char* name, const Lists& from, double* const* to, std::size_t n,
                          Index size) {
        if (from.size() < n)
            throw std::invalid_argument("the density's function returned " +
                                        std::to_string(from.size()) + " " + name +
                                        " derivatives, but " + std::to_string(n) + " are needed");
        for (std::size_t i = 0; i < n; ++i) copy(from[i], to[i], size);
    }

    nb::object function_;
    Index rows_;
    int predictors_;
};

std::shared_ptr<Density> from_family(const std::string& family, const std::string& link,
                                     const InVector& y, const MaybeVector& trials,
                                     const MaybeVector& weights) {
    const auto data = [&](const MaybeVector& x, const char* name) -> const double* {
        if (!x) return nullptr;
        if (x->shape(0) != y.shape(0))
            throw std::invalid_argument(std::string(name) + " has " + std::to_string(x->shape(0)) +
                                        " rows, but y has " + std::to_string(y.shape(0)));
        return x->data();
    };
    return make_density(family, link, static_cast<Index>(y.shape(0)), y.data(),
                        data(trials, "trials"), data(weights, "weights"));
}

std::shared_ptr<Density> from_function(nb::callable function, Index rows, int predictors) {
    if (predictors < 1 || predictors > max_predictors)
        throw std::invalid_argument("a density has 1, 2 or 3 predictors, found " +
                                    std::to_string(predictors));
    return std::make_shared<CallbackDensity>(std::move(function), rows, predictors);
}

std::vector<const double*> checked(const Density& density, const std::vector<InVector>& eta) {
    if (static_cast<int>(eta.size()) != density.predictors())
        throw std::invalid_argument("the density has " + std::to_string(density.predictors()) +
                                    " predictors, but " + std::to_string(eta.size()) +
                                    " were given");
    std::vector<const double*> pointers;
    for (const auto& x : eta) {
        if (static_cast<Index>(x.shape(0)) != density.rows())
            throw std::invalid_argument("predictor " + std::to_string(pointers.size()) + " has " +
                                        std::to_string(x.shape(0)) + " rows, but the density has " +
                                        std::to_string(density.rows()));
        pointers.push_back(x.data());
    }
    return pointers;
}

nb::tuple evaluate(const SharedDensity& self, const std::vector<InVector>& eta, int order,
                   bool all) {
    if (order < 0 || order > 3)
        throw std::invalid_argument("order must be 0, 1, 2 or 3, found " + std::to_string(order));
    const Density& density = *self.density;
    const auto pointers = checked(density, eta);
    const int d = all ? density.predictors() : 1;
    Buffers buffers(density.rows(), order, d);
    {
        nb::gil_scoped_release nogil;
        density.evaluate(0, density.rows(), pointers.data(), order, all, buffers.out);
    }
    const auto n = static_cast<std::size_t>(density.rows());
    const auto matrix = [&](std::size_t k) {
        return to_numpy(buffers.of[k].data(),
                        {buffers.of[k].size() / std::max<std::size_t>(n, 1), n});
    };
    return nb::make_tuple(to_numpy(buffers.of[0].data(), {n}), matrix(1), matrix(2), matrix(3));
}

nb::object expected(const SharedDensity& self, const std::vector<InVector>& eta) {
    const Density& density = *self.density;
    const auto pointers = checked(density, eta);
    Vector information(density.rows()), slope(density.rows());
    if (!density.expected(0, density.rows(), pointers.data(), information.data(), slope.data()))
        return nb::none();
    return nb::make_tuple(to_numpy(information), to_numpy(slope));
}

}  // namespace

void bind_density(nb::module_& m) {
    nb::class_<SharedDensity>(m, "Density")
        .def(
            "__init__",
            [](SharedDensity* self, const std::string& family, const std::string& link,
               const InVector& y, const MaybeVector& trials, const MaybeVector& weights) {
                new (self) SharedDensity{from_family(family, link, y, trials, weights)};
            },
            nb::arg("family"), nb::arg("link"), nb::arg("y").noconvert(), nb::arg("trials").none(),
            nb::arg("weights").none())
        .def(
            "__init__",
            [](SharedDensity* self, nb::callable function, Index rows, int predictors) {
                new (self) SharedDensity{from_function(std::move(function), rows, predictors)};
            },
            nb::arg("function"), nb::arg("rows"), nb::arg("predictors"))
        .def_prop_ro("constant", [](const SharedDensity& s) { return s.density->constant(); })
        .def_prop_ro("predictors", [](const SharedDensity& s) { return s.density->predictors(); })
        .def_prop_ro("rows", [](const SharedDensity& s) { return s.density->rows(); })
        .def("evaluate", &evaluate, nb::arg("eta"), nb::arg("order"), nb::arg("every"))
        .def("expected", &expected, nb::arg("eta"));
}

}  // namespace partialpool
