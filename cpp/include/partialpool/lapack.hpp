#pragma once

#include "partialpool/matrix.hpp"

namespace partialpool {

/// LAPACK and BLAS routines handed over by Python from scipy.linalg's Cython capsules:
/// SciPy's OpenBLAS is three times as fast as Eigen on large blocks, and nothing has to be
/// linked or shipped. Until they are handed over Eigen does the work.
struct Lapack {
    void (*dpotrf)(char*, int*, double*, int*, int*) = nullptr;
    void (*dpotri)(char*, int*, double*, int*, int*) = nullptr;
    void (*dtrsm)(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*,
                  int*) = nullptr;
    void (*dsyrk)(char*, char*, int*, int*, double*, double*, int*, double*, double*,
                  int*) = nullptr;
    void (*dgemm)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*, double*,
                  double*, int*) = nullptr;

    static Lapack& get() {
        static Lapack table;
        return table;
    }
    bool ready() const { return dpotrf && dpotri && dtrsm && dsyrk && dgemm; }
};

namespace dense {

inline bool large(const Matrix& a) { return a.rows() >= 64 && Lapack::get().ready(); }

/// Lower Cholesky factor of the lower triangle, in place; the upper triangle is not touched.
inline bool factor(Matrix& a) {
    if (!large(a)) {
        Eigen::LLT<Eigen::Ref<Matrix>, Eigen::Lower> llt(a);
        return llt.info() == Eigen::Success && (a.size() == 0 || std::isfinite(a(0, 0)));
    }
    char lower = 'L';
    int n = static_cast<int>(a.rows()), info = 0;
    Lapack::get().dpotrf(&lower, &n, a.data(), &n, &info);
    return info == 0;
}

/// Symmetric inverse from the lower factor, both triangles.
inline Matrix inverse(const Matrix& factor) {
    const Index n = factor.rows();
    if (!large(factor)) {
        const Matrix half = factor.triangularView<Eigen::Lower>().solve(Matrix::Identity(n, n));
        return half.transpose() * half;
    }
    Matrix out = factor;
    char lower = 'L';
    int size = static_cast<int>(n), info = 0;
    Lapack::get().dpotri(&lower, &size, out.data(), &size, &info);
    for (Index j = 0; j < n; ++j)
        for (Index i = j + 1; i < n; ++i) out(j, i) = out(i, j);
    return out;
}

/// Solve L x = b, or L'x = b, in place.
inline void solve(const Matrix& factor, bool transposed, Matrix& b) {
    if (!large(factor)) {
        if (transposed)
            factor.transpose().triangularView<Eigen::Upper>().solveInPlace(b);
        else
            factor.triangularView<Eigen::Lower>().solveInPlace(b);
        return;
    }
    char side = 'L', lower = 'L', trans = transposed ? 'T' : 'N', diag = 'N';
    int m = static_cast<int>(b.rows()), n = static_cast<int>(b.cols());
    if (n == 0) return;
    double one = 1.0;
    Lapack::get().dtrsm(&side, &lower, &trans, &diag, &m, &n, &one,
                        const_cast<double*>(factor.data()), &m, b.data(), &m);
}

/// lower(c) -= a a'.
inline void subtract_outer(const Matrix& a, Matrix& c) {
    if (!large(c)) {
        c.selfadjointView<Eigen::Lower>().rankUpdate(a, -1.0);
        return;
    }
    char lower = 'L', none = 'N';
    int n = static_cast<int>(c.rows()), k = static_cast<int>(a.cols());
    double minus = -1.0, one = 1.0;
    Lapack::get().dsyrk(&lower, &none, &n, &k, &minus, const_cast<double*>(a.data()), &n, &one,
                        c.data(), &n);
}

/// a * b.
inline Matrix multiply(const Matrix& a, const Matrix& b) {
    if (!Lapack::get().ready() || a.rows() * b.cols() < 4096) return a * b;
    Matrix c(a.rows(), b.cols());
    char none = 'N';
    int m = static_cast<int>(a.rows()), n = static_cast<int>(b.cols()),
        k = static_cast<int>(a.cols());
    double one = 1.0, zero = 0.0;
    Lapack::get().dgemm(&none, &none, &m, &n, &k, &one, const_cast<double*>(a.data()), &m,
                        const_cast<double*>(b.data()), &k, &zero, c.data(), &m);
    return c;
}

}  // namespace dense
}  // namespace partialpool
