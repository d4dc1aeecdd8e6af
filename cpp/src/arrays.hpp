#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>

#include "partialpool/matrix.hpp"

namespace nb = nanobind;

namespace partialpool {

using InVector = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using InMatrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using InCodes = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::numpy, double>;

/// A NumPy array that owns a copy of `size` numbers, C order.
inline Out to_numpy(const double* data, std::initializer_list<std::size_t> shape) {
    std::size_t size = 1;
    for (const auto n : shape) size *= n;
    auto copy = std::make_unique<double[]>(size);
    std::copy(data, data + size, copy.get());
    nb::capsule owner(copy.get(), [](void* p) noexcept { delete[] static_cast<double*>(p); });
    return Out(copy.release(), shape, owner);
}

inline Out to_numpy(const Vector& v) {
    return to_numpy(v.data(), {static_cast<std::size_t>(v.size())});
}

inline Out to_numpy(const Matrix& m) {
    const RowMatrix rows = m;
    return to_numpy(rows.data(),
                    {static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols())});
}

void bind_problem(nb::module_& m);
void bind_covariance(nb::module_& m);
void bind_density(nb::module_& m);
void bind_generalized(nb::module_& m);
void bind_penalized(nb::module_& m);
void bind_bayes(nb::module_& m);

}  // namespace partialpool
