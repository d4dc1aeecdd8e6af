#pragma once

#include "partialpool/matrix.hpp"

/// Algebra of large dense blocks: LAPACK when Python has handed it over, else Eigen.
namespace partialpool::dense {

/// Copy the lower triangle to the upper one.
void mirror(Matrix& a);
/// Lower Cholesky factor of the lower triangle, in place; the upper triangle is not touched.
bool factor(Matrix& a);
/// Symmetric inverse from the lower factor, both triangles.
Matrix inverse(const Matrix& factor);
/// Solve L x = b, or L'x = b, in place.
void solve(const Matrix& factor, bool transposed, Matrix& b);
/// lower(c) -= a a'.
void subtract_outer(const Matrix& a, Matrix& c);
/// a * b.
Matrix multiply(const Matrix& a, const Matrix& b);
/// a' * b.
Matrix multiply_transposed(const Matrix& a, const Matrix& b);

}  // namespace partialpool::dense
