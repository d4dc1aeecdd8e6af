#include <algorithm>
#include <cmath>

#include "arrays.hpp"
#include "partialpool/lapack.hpp"
#include "partialpool/threads.hpp"

namespace partialpool {
namespace {

/// Take the routines of scipy.linalg.cython_lapack and cython_blas from their capsules.
void use_lapack(const nb::dict& capsules) {
    const auto pointer = [&](const char* name) {
        const nb::object capsule = capsules[name];
        const char* signature = PyCapsule_GetName(capsule.ptr());
        void* p = PyCapsule_GetPointer(capsule.ptr(), signature);
        if (!p) throw nb::python_error();
        return p;
    };
    auto& table = Lapack::get();
    table.dpotri = reinterpret_cast<decltype(table.dpotri)>(pointer("dpotri"));
    table.dtrsm = reinterpret_cast<decltype(table.dtrsm)>(pointer("dtrsm"));
    table.dsyrk = reinterpret_cast<decltype(table.dsyrk)>(pointer("dsyrk"));
    table.dgemm = reinterpret_cast<decltype(table.dgemm)>(pointer("dgemm"));
    table.dpotrf = reinterpret_cast<decltype(table.dpotrf)>(pointer("dpotrf"));
}

}  // namespace
}  // namespace partialpool

NB_MODULE(_core, m) {
    using namespace partialpool;
    // A family written in Python and a fit of it may know each other when Python ends, and
    // with them the density that calls the family.
    nb::set_leak_warnings(false);
    m.def("use_lapack", &use_lapack, nb::arg("capsules"));
    m.def("set_threads", [](int n) { thread_limit().store(n); }, nb::arg("n"));
    m.def("get_threads", [] { return thread_limit().load(); });
    m.def(
        "all_finite",
        [](const InVector& x) {
            return std::all_of(x.data(), x.data() + x.shape(0),
                               [](double value) { return std::isfinite(value); });
        },
        nb::arg("values").noconvert());
    bind_problem(m);
    bind_covariance(m);
    bind_density(m);
    bind_generalized(m);
    bind_penalized(m);
    bind_bayes(m);
}
