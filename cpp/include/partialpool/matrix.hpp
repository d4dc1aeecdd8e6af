#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace partialpool {

using Index = std::ptrdiff_t;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix>;
using RowMap = Eigen::Map<RowMatrix>;
using ConstRowMap = Eigen::Map<const RowMatrix>;
using ConstVectorMap = Eigen::Map<const Vector>;

/// Lower Cholesky factor in place; false when a pivot is not positive.
/// `!(pivot > 0)` also catches a NaN, which slips past `pivot <= 0`.
template <class Derived>
bool cholesky_in_place(Eigen::MatrixBase<Derived>& a) noexcept {
    const Index n = a.rows();
    for (Index j = 0; j < n; ++j) {
        double pivot = a(j, j);
        for (Index l = 0; l < j; ++l) pivot -= a(j, l) * a(j, l);
        if (!(pivot > 0.0)) return false;
        pivot = std::sqrt(pivot);
        a(j, j) = pivot;
        for (Index i = j + 1; i < n; ++i) {
            double x = a(i, j);
            for (Index l = 0; l < j; ++l) x -= a(i, l) * a(j, l);
            a(i, j) = x / pivot;
        }
        for (Index i = 0; i < j; ++i) a(i, j) = 0.0;
    }
    return true;
}

/// Lower factor of a positive semidefinite matrix; a vanishing pivot gives a zero column.
inline Matrix semidefinite_factor(const Matrix& sigma) {
    const Index n = sigma.rows();
    Matrix factor = Matrix::Zero(n, n);
    for (Index j = 0; j < n; ++j) {
        double pivot = sigma(j, j);
        for (Index l = 0; l < j; ++l) pivot -= factor(j, l) * factor(j, l);
        if (!(pivot > 1e-14 * sigma(j, j))) continue;
        factor(j, j) = std::sqrt(pivot);
        for (Index i = j + 1; i < n; ++i) {
            double x = sigma(i, j);
            for (Index l = 0; l < j; ++l) x -= factor(i, l) * factor(j, l);
            factor(i, j) = x / factor(j, j);
        }
    }
    return factor;
}

/// Lower triangular L with non-negative diagonal and L L' = F F'.
/// An LQ factorisation: a Cholesky factorisation of F F' fails when F is singular.
inline Matrix lower_triangular(const Matrix& factor) {
    Eigen::HouseholderQR<Matrix> qr(factor.transpose());
    Matrix lower =
        Matrix(qr.matrixQR().topRows(factor.rows()).triangularView<Eigen::Upper>()).transpose();
    for (Index c = 0; c < lower.cols(); ++c)
        if (lower(c, c) < 0.0) lower.col(c) *= -1.0;
    return lower;
}

}  // namespace partialpool
