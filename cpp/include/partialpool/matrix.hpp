#pragma once

#include <Eigen/Core>
#include <cmath>
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

// The decompositions stand behind these functions, each compiled once: Eigen's templates
// would be compiled again in every file that uses one.

/// Eigenvalues, ascending, and eigenvectors of a symmetric matrix.
struct Eigenpairs {
    Vector values;
    Matrix vectors;

    /// vectors f(values) vectors'.
    template <class Function>
    Matrix apply(Function&& f) const {
        Matrix scaled = vectors;
        for (Index c = 0; c < scaled.cols(); ++c) scaled.col(c) *= f(values(c));
        return scaled.lazyProduct(vectors.transpose());
    }
};
Eigenpairs eigen_symmetric(const Matrix& a);

/// Principal axes of F F' for square F: F F' = axes diag(sizes^2) axes', largest first.
/// By rotations of F's columns (one-sided Jacobi), so that small sizes keep their digits.
struct Axes {
    Matrix vectors;
    Vector sizes;
};
Axes principal_axes(Matrix factor);

/// Put rows under an upper triangle and reduce both to R of their QR factorisation, by
/// Householder reflections; the rows are used up.
void append_rows(Matrix& r, Eigen::Ref<Matrix> rows);

/// Least squares solution of a x = b.
Matrix least_squares(const Matrix& a, const Matrix& b);

/// Solve r x = b for upper triangular r, or r'x = b.
Matrix solve_upper(const Matrix& r, const Matrix& b, bool transposed = false);

/// Solve l x = b in place for lower triangular l.
void solve_lower(const Matrix& l, Eigen::Ref<Vector> x);
/// Solve l'x = b in place for lower triangular l.
void solve_lower_transposed(const Matrix& l, Eigen::Ref<Vector> x);

/// Lower Cholesky factor in place, upper triangle zero; false when a pivot is not positive.
bool cholesky_in_place(Matrix& a) noexcept;

/// Lower factor of a positive semidefinite matrix; a vanishing pivot gives a zero column.
Matrix semidefinite_factor(const Matrix& sigma);

/// The same by the largest pivot first, which is exact to rounding where many all but vanish.
Matrix pivoted_factor(const Matrix& sigma);

/// Lower triangular L with non-negative diagonal and L L' = F F'.
/// An LQ factorisation: a Cholesky factorisation of F F' fails when F is singular.
Matrix lower_triangular(const Matrix& factor);

}  // namespace partialpool
