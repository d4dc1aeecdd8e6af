#include <cmath>
#include <stdexcept>

#include "arrays.hpp"
#include "partialpool/penalized/levels.hpp"

namespace partialpool {
namespace {

using penalized::LevelOrder;
using penalized::Table;
using InCube = nb::ndarray<const double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using MaybeVector = std::optional<InVector>;

void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

Table view(const InMatrix& m) {
    return {m.data(), static_cast<Index>(m.shape(0)), static_cast<Index>(m.shape(1))};
}

/// An array of zeros for Python, owned by it.
struct Array {
    double* data;
    Out out;

    explicit Array(std::initializer_list<std::size_t> shape) {
        std::size_t size = 1;
        for (const auto n : shape) size *= n;
        data = new double[size]();
        nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<double*>(p); });
        out = Out(data, shape, owner);
    }
};

/// One grouping factor's rows, sorted once for many passes over them.
class LevelRows {
public:
    LevelRows(const InCodes& codes, Index q) : codes_(codes), order_(check(codes, q)) {}

    Out products(const InMatrix& Z, const InMatrix& X, const MaybeVector& weights) const {
        require(rows(Z.shape(0)) && rows(X.shape(0)), "Z and X must have as many rows as codes");
        require(!weights || rows(weights->shape(0)), "weights must have as many rows as codes");
        Array out({static_cast<std::size_t>(order_.levels()), Z.shape(1), X.shape(1)});
        nb::gil_scoped_release nogil;
        penalized::products(order_, view(Z), view(X), weights ? weights->data() : nullptr,
                            out.data);
        return out.out;
    }

    Out sums(const InMatrix& Z, const InVector& a) const {
        require(rows(Z.shape(0)) && rows(a.shape(0)), "Z and a must have as many rows as codes");
        Array out({static_cast<std::size_t>(order_.levels()), Z.shape(1)});
        nb::gil_scoped_release nogil;
        penalized::sums(order_, view(Z), a.data(), out.data);
        return out.out;
    }

    Out values(const InMatrix& Z, const InMatrix& v) const {
        require(rows(Z.shape(0)), "Z must have as many rows as codes");
        require(static_cast<Index>(v.shape(0)) == order_.levels() && v.shape(1) == Z.shape(1),
                "v must have a row for each level and a column for each of Z");
        Array out({Z.shape(0)});
        nb::gil_scoped_release nogil;
        penalized::add_values(codes_.data(), view(Z), v.data(), out.data);
        return out.out;
    }

    Out forms(const InMatrix& Z, const InMatrix& X, const InCube& L, const InCube& V,
              const InMatrix& R) const {
        require(rows(Z.shape(0)) && rows(X.shape(0)), "Z and X must have as many rows as codes");
        const auto q = static_cast<std::size_t>(order_.levels());
        require(L.shape(0) == q && V.shape(0) == q && L.shape(1) == Z.shape(1) &&
                    L.shape(2) == Z.shape(1) && V.shape(1) == Z.shape(1) &&
                    V.shape(2) == X.shape(1) && R.shape(0) == X.shape(1) &&
                    R.shape(1) == X.shape(1),
                "the factor does not fit the rows");
        Array out({Z.shape(0)});
        nb::gil_scoped_release nogil;
        penalized::forms(codes_.data(), view(Z), view(X), L.data(), V.data(), R.data(), out.data);
        return out.out;
    }

private:
    static LevelOrder check(const InCodes& codes, Index q) {
        const auto n = static_cast<Index>(codes.shape(0));
        for (Index i = 0; i < n; ++i) require(codes.data()[i] < q, "a code exceeds the levels");
        return LevelOrder(codes.data(), n, q);
    }
    bool rows(std::size_t n) const { return n == codes_.shape(0); }

    InCodes codes_;
    LevelOrder order_;
};

/// The Cholesky factor of the levels' part of a penalised least squares problem.
class LevelFactor {
public:
    LevelFactor(const InCube& A, const InCube& B, const InMatrix& diag,
                const std::optional<InCodes>& shared, const InVector& omega, double scale,
                bool outer)
        : q_(A.shape(0)), k_(A.shape(1)), m_(B.shape(2)) {
        require(A.shape(2) == k_ && B.shape(0) == q_ && B.shape(1) == k_ && diag.shape(0) == q_ &&
                    diag.shape(1) == k_ && omega.shape(0) == q_,
                "the levels' arrays do not fit together");
        require(!shared || shared->shape(0) == k_, "shared must have an entry for each column");
        if (shared)
            for (std::size_t i = 0; i < k_; ++i)
                require(shared->data()[i] >= 0 && size(shared->data()[i]) < size(m_),
                        "a shared column is none of the border's");
        L_.resize(q_ * k_ * k_);
        V_.resize(q_ * k_ * m_);
        if (outer) S_.assign(m_ * m_, 0.0);
        const penalized::Levels levels{size(q_),
                                       size(k_),
                                       size(m_),
                                       A.data(),
                                       B.data(),
                                       diag.data(),
                                       shared ? shared->data() : nullptr,
                                       omega.data(),
                                       scale};
        nb::gil_scoped_release nogil;
        ok_ = penalized::factor(levels, L_.data(), V_.data(), outer ? S_.data() : nullptr);
    }

    bool ok() const { return ok_; }
    Out L() const { return to_numpy(L_.data(), {q_, k_, k_}); }
    Out V() const { return to_numpy(V_.data(), {q_, k_, m_}); }
    Out outer() const { return to_numpy(S_.data(), {m_, m_}); }

    /// log of the product of |M_j|.
    double logdet() const {
        double sum = 0.0;
        for (std::size_t j = 0; j < q_; ++j)
            for (std::size_t i = 0; i < k_; ++i) sum += 2.0 * std::log(L_[(j * k_ + i) * k_ + i]);
        return sum;
    }

    /// L^-1 x and its part for the border, sum V_j'x_j.
    std::tuple<Out, Out> forward(const InMatrix& x) const {
        check(x);
        Array solved({q_, k_}), border({m_});
        std::copy(x.data(), x.data() + q_ * k_, solved.data);
        nb::gil_scoped_release nogil;
        penalized::forward(size(q_), size(k_), size(m_), L_.data(), V_.data(), solved.data,
                           border.data);
        return {solved.out, border.out};
    }

    Out backward(const InMatrix& x, const InVector& w) const {
        check(x);
        require(w.shape(0) == m_, "w must have an entry for each border column");
        Array solved({q_, k_});
        std::copy(x.data(), x.data() + q_ * k_, solved.data);
        nb::gil_scoped_release nogil;
        penalized::backward(size(q_), size(k_), size(m_), L_.data(), V_.data(), w.data(),
                            solved.data);
        return solved.out;
    }

private:
    template <class Number>
    static Index size(Number n) {
        return static_cast<Index>(n);
    }
    void check(const InMatrix& x) const {
        require(x.shape(0) == q_ && x.shape(1) == k_, "x must have a row for each level");
    }

    std::size_t q_, k_, m_;
    std::vector<double> L_, V_, S_;
    bool ok_ = false;
};

}  // namespace

void bind_penalized(nb::module_& m) {
    using namespace nb::literals;
    nb::class_<LevelRows>(m, "LevelRows")
        .def(nb::init<const InCodes&, Index>(), "codes"_a.noconvert(), "levels"_a)
        .def("products", &LevelRows::products, "Z"_a.noconvert(), "X"_a.noconvert(),
             nb::arg("weights").noconvert().none())
        .def("sums", &LevelRows::sums, "Z"_a.noconvert(), "a"_a.noconvert())
        .def("values", &LevelRows::values, "Z"_a.noconvert(), "v"_a.noconvert())
        .def("forms", &LevelRows::forms, "Z"_a.noconvert(), "X"_a.noconvert(), "L"_a.noconvert(),
             "V"_a.noconvert(), "R"_a.noconvert());
    nb::class_<LevelFactor>(m, "LevelFactor")
        .def(nb::init<const InCube&, const InCube&, const InMatrix&, const std::optional<InCodes>&,
                      const InVector&, double, bool>(),
             "A"_a.noconvert(), "B"_a.noconvert(), "diag"_a.noconvert(),
             nb::arg("shared").noconvert().none(), "omega"_a.noconvert(), "scale"_a, "outer"_a)
        .def_prop_ro("ok", &LevelFactor::ok)
        .def_prop_ro("L", &LevelFactor::L, nb::rv_policy::move)
        .def_prop_ro("V", &LevelFactor::V, nb::rv_policy::move)
        .def_prop_ro("outer", &LevelFactor::outer, nb::rv_policy::move)
        .def_prop_ro("logdet", &LevelFactor::logdet)
        .def("forward", &LevelFactor::forward, "x"_a.noconvert())
        .def("backward", &LevelFactor::backward, "x"_a.noconvert(), "w"_a.noconvert());
}

}  // namespace partialpool
