#include "partialpool/dense.hpp"

#include <Eigen/Cholesky>
#include <algorithm>

#include "partialpool/lapack.hpp"

namespace partialpool::dense {
namespace {

bool large(const Matrix& a) { return a.rows() >= 64 && Lapack::get().ready(); }

}  // namespace

void mirror(Matrix& a) {
    // By tiles: a whole row of the upper triangle at a time would miss the cache at every step.
    constexpr Index tile = 32;
    const Index n = a.rows();
    for (Index j0 = 0; j0 < n; j0 += tile)
        for (Index i0 = j0; i0 < n; i0 += tile)
            for (Index j = j0; j < std::min(n, j0 + tile); ++j)
                for (Index i = std::max(i0, j + 1); i < std::min(n, i0 + tile); ++i)
                    a(j, i) = a(i, j);
}

bool factor(Matrix& a) {
    if (!large(a)) {
        Eigen::LLT<Eigen::Ref<Matrix>, Eigen::Lower> llt(a);
        return llt.info() == Eigen::Success && (a.size() == 0 || std::isfinite(a(0, 0)));
    }
    char lower = 'L';
    int n = static_cast<int>(a.rows()), info = 0;
    Lapack::get().dpotrf(&lower, &n, a.data(), &n, &info);
    return info == 0;
}

Matrix inverse(const Matrix& factor) {
    const Index n = factor.rows();
    if (!large(factor)) {
        const Matrix half = factor.triangularView<Eigen::Lower>().solve(Matrix::Identity(n, n));
        return half.transpose() * half;
    }
    Matrix out = factor;
    char lower = 'L';
    int size = static_cast<int>(n), info = 0;
    Lapack::get().dpotri(&lower, &size, out.data(), &size, &info);
    mirror(out);
    return out;
}

void solve(const Matrix& factor, bool transposed, Matrix& b) {
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

void subtract_outer(const Matrix& a, Matrix& c) {
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

Matrix multiply(const Matrix& a, const Matrix& b) {
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

Matrix multiply_transposed(const Matrix& a, const Matrix& b) {
    if (!Lapack::get().ready() || a.cols() * b.cols() < 4096) return a.transpose() * b;
    Matrix c(a.cols(), b.cols());
    char transposed = 'T', none = 'N';
    int m = static_cast<int>(a.cols()), n = static_cast<int>(b.cols()),
        k = static_cast<int>(a.rows());
    double one = 1.0, zero = 0.0;
    Lapack::get().dgemm(&transposed, &none, &m, &n, &k, &one, const_cast<double*>(a.data()), &k,
                        const_cast<double*>(b.data()), &k, &zero, c.data(), &m);
    return c;
}

}  // namespace partialpool::dense
