#include "partialpool/matrix.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>

namespace partialpool {

namespace {

/// For a size that the compiler knows, no memory is asked for.
template <int Size>
Eigenpairs eigen_of_size(const Matrix& a) {
    const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<double, Size, Size>> solver(a);
    return {solver.eigenvalues(), solver.eigenvectors()};
}

}  // namespace

Eigenpairs eigen_symmetric(const Matrix& a) {
    switch (a.rows()) {
        case 1: return eigen_of_size<1>(a);
        case 2: return eigen_of_size<2>(a);
        case 3: return eigen_of_size<3>(a);
        default: return eigen_of_size<Eigen::Dynamic>(a);
    }
}

Axes principal_axes(Matrix factor) {
    const Index k = factor.rows();
    Axes out{std::move(factor), Vector(k)};
    Matrix& f = out.vectors;
    for (int sweep = 0; sweep < 60; ++sweep) {
        bool rotated = false;
        for (Index i = 0; i < k; ++i)
            for (Index j = i + 1; j < k; ++j) {
                double a = 0.0, b = 0.0, c = 0.0;
                for (Index r = 0; r < k; ++r) {
                    a += f(r, i) * f(r, i);
                    b += f(r, j) * f(r, j);
                    c += f(r, i) * f(r, j);
                }
                if (std::abs(c) <= 1e-15 * std::sqrt(a * b)) continue;
                rotated = true;
                const double zeta = (b - a) / (2.0 * c);
                const double t =
                    (zeta >= 0.0 ? 1.0 : -1.0) / (std::abs(zeta) + std::hypot(1.0, zeta));
                const double cosine = 1.0 / std::sqrt(1.0 + t * t), sine = cosine * t;
                for (Index r = 0; r < k; ++r) {
                    const double x = f(r, i), y = f(r, j);
                    f(r, i) = cosine * x - sine * y;
                    f(r, j) = sine * x + cosine * y;
                }
            }
        if (!rotated) break;
    }
    Vector& sizes = out.sizes;
    for (Index c = 0; c < k; ++c) sizes(c) = f.col(c).norm();
    Vector v(k);
    for (Index c = 0; c < k; ++c) {
        Index largest = c;
        for (Index b = c + 1; b < k; ++b)
            if (sizes(b) > sizes(largest)) largest = b;
        if (largest != c) {
            std::swap(sizes(c), sizes(largest));
            f.col(c).swap(f.col(largest));
        }
        if (sizes(c) > 0.0) f.col(c) /= sizes(c);
        // Columns of (next to) no size have no direction of their own: complete the basis.
        double kept = 0.0;
        for (Index trial = -1; trial < k && kept < 0.5; ++trial) {
            if (trial < 0)
                v = f.col(c);
            else
                v = Vector::Unit(k, trial);
            for (int twice = 0; twice < 2; ++twice)
                for (Index b = 0; b < c; ++b) v -= f.col(b).dot(v) * f.col(b);
            kept = v.norm();
            if (kept > (trial < 0 ? 0.5 : 1e-3)) {
                f.col(c) = v / kept;
                kept = 1.0;
            }
        }
    }
    return out;
}

void append_rows(Matrix& r, Eigen::Ref<Matrix> rows) {
    for (Index j = 0; j < r.cols(); ++j) {
        const auto tail = rows.col(j);
        const double first = r(j, j), square = tail.squaredNorm();
        if (square == 0.0) continue;
        // The reflection that takes (first, tail) to (-+ norm, 0); v = (head, tail).
        const double norm = std::sqrt(first * first + square);
        r(j, j) = first >= 0.0 ? -norm : norm;
        const double head = first - r(j, j), scale = 1.0 / (r(j, j) * head);
        for (Index c = j + 1; c < r.cols(); ++c) {
            const double share = scale * (head * r(j, c) + tail.dot(rows.col(c)));
            r(j, c) += share * head;
            rows.col(c) += share * tail;
        }
    }
}

Matrix least_squares(const Matrix& a, const Matrix& b) {
    return Eigen::HouseholderQR<Matrix>(a).solve(b);
}

void solve_lower(const Matrix& l, Eigen::Ref<Vector> x) {
    const Index n = l.rows();
    for (Index i = 0; i < n; ++i) {
        x(i) /= l(i, i);
        x.tail(n - i - 1) -= x(i) * l.col(i).tail(n - i - 1);
    }
}

void solve_lower_transposed(const Matrix& l, Eigen::Ref<Vector> x) {
    const Index n = l.rows();
    for (Index i = n - 1; i >= 0; --i)
        x(i) = (x(i) - l.col(i).tail(n - i - 1).dot(x.tail(n - i - 1))) / l(i, i);
}

Matrix solve_upper(const Matrix& r, const Matrix& b, bool transposed) {
    const Matrix l = r.transpose();
    Matrix x = b;
    for (Index c = 0; c < x.cols(); ++c)
        (transposed ? solve_lower : solve_lower_transposed)(l, x.col(c));
    return x;
}

bool cholesky_in_place(Matrix& a) noexcept {
    const Index n = a.rows();
    for (Index j = 0; j < n; ++j) {
        double pivot = a(j, j);
        for (Index l = 0; l < j; ++l) pivot -= a(j, l) * a(j, l);
        // Not (pivot > 0): a NaN slips past pivot <= 0.
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

Matrix semidefinite_factor(const Matrix& sigma) {
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

Matrix pivoted_factor(const Matrix& sigma) {
    const Index n = sigma.rows();
    Matrix factor = Matrix::Zero(n, n);
    Vector left = sigma.diagonal();
    const double negligible = 1e-15 * left.maxCoeff();
    std::vector<char> done(static_cast<std::size_t>(n), 0);
    Index rank = 0;
    for (Index c = 0; c < n; ++c) {
        Index pivot = -1;
        for (Index i = 0; i < n; ++i)
            if (!done[static_cast<std::size_t>(i)] && (pivot < 0 || left(i) > left(pivot)))
                pivot = i;
        if (!(left(pivot) > negligible)) break;
        ++rank;
        done[static_cast<std::size_t>(pivot)] = 1;
        factor(pivot, c) = std::sqrt(left(pivot));
        for (Index i = 0; i < n; ++i) {
            if (done[static_cast<std::size_t>(i)]) continue;
            const double x = sigma(i, pivot) - factor.row(i).head(c).dot(factor.row(pivot).head(c));
            factor(i, c) = x / factor(pivot, c);
            left(i) -= factor(i, c) * factor(i, c);
        }
    }
    // Of the columns that there are: rounding of the others would be divided by.
    const Eigen::HouseholderQR<Matrix> qr(factor.leftCols(rank).transpose());
    Matrix lower = Matrix::Zero(n, n);
    for (Index c = 0; c < rank; ++c) {
        lower.col(c).tail(n - c) = qr.matrixQR().row(c).tail(n - c).transpose();
        if (lower(c, c) < 0.0) lower.col(c) *= -1.0;
    }
    return lower;
}

Matrix lower_triangular(const Matrix& factor) {
    Matrix lower = factor.transpose();
    // What is triangular already keeps its bits.
    if (!lower.isUpperTriangular(0.0)) {
        Matrix upper = Matrix::Zero(factor.rows(), factor.rows());
        append_rows(upper, lower);
        lower = std::move(upper);
    }
    lower.transposeInPlace();
    for (Index c = 0; c < lower.cols(); ++c)
        if (lower(c, c) < 0.0) lower.col(c) *= -1.0;
    return lower;
}

}  // namespace partialpool
