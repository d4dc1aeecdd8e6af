#include "partialpool/matrix.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <numeric>

namespace partialpool {

Eigenpairs eigen_symmetric(const Matrix& a) {
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(a);
    return {solver.eigenvalues(), solver.eigenvectors()};
}

Axes principal_axes(const Matrix& factor) {
    const Index k = factor.rows();
    Matrix f = factor;
    for (int sweep = 0; sweep < 60; ++sweep) {
        bool rotated = false;
        for (Index i = 0; i < k; ++i)
            for (Index j = i + 1; j < k; ++j) {
                const double a = f.col(i).squaredNorm(), b = f.col(j).squaredNorm();
                const double c = f.col(i).dot(f.col(j));
                if (std::abs(c) <= 1e-15 * std::sqrt(a * b)) continue;
                rotated = true;
                const double zeta = (b - a) / (2.0 * c);
                const double t =
                    (zeta >= 0.0 ? 1.0 : -1.0) / (std::abs(zeta) + std::hypot(1.0, zeta));
                const double cosine = 1.0 / std::hypot(1.0, t), sine = cosine * t;
                const Vector old = f.col(i);
                f.col(i) = cosine * old - sine * f.col(j);
                f.col(j) = sine * old + cosine * f.col(j);
            }
        if (!rotated) break;
    }
    std::vector<Index> order(static_cast<std::size_t>(k));
    std::iota(order.begin(), order.end(), Index{0});
    const Vector norms = f.colwise().norm();
    std::sort(order.begin(), order.end(), [&](Index a, Index b) { return norms(a) > norms(b); });
    Axes out{Matrix(k, k), Vector(k)};
    for (Index c = 0; c < k; ++c) {
        const Index from = order[static_cast<std::size_t>(c)];
        out.sizes(c) = norms(from);
        out.vectors.col(c) =
            norms(from) > 0.0 ? Vector(f.col(from) / norms(from)) : Vector::Zero(k);
        // Columns of (next to) no size have no direction of their own: complete the basis.
        double kept = 0.0;
        for (Index trial = -1; trial < k && kept < 0.5; ++trial) {
            Vector v = trial < 0 ? Vector(out.vectors.col(c)) : Vector(Vector::Unit(k, trial));
            for (int twice = 0; twice < 2; ++twice)
                for (Index b = 0; b < c; ++b) v -= out.vectors.col(b).dot(v) * out.vectors.col(b);
            kept = v.norm();
            if (kept > (trial < 0 ? 0.5 : 1e-3)) {
                out.vectors.col(c) = v / kept;
                kept = 1.0;
            }
        }
    }
    return out;
}

Matrix triangle(Matrix stacked) {
    const Index k = stacked.cols();
    const Eigen::HouseholderQR<Eigen::Ref<Matrix>> qr(stacked);
    return stacked.topRows(k).triangularView<Eigen::Upper>();
}

Matrix least_squares(const Matrix& a, const Matrix& b) {
    return Eigen::HouseholderQR<Matrix>(a).solve(b);
}

Matrix solve_upper(const Matrix& r, const Matrix& b, bool transposed) {
    Matrix x = b;
    const Index n = r.rows();
    for (Index c = 0; c < x.cols(); ++c) {
        if (transposed)
            for (Index i = 0; i < n; ++i)
                x(i, c) = (x(i, c) - r.col(i).head(i).dot(x.col(c).head(i))) / r(i, i);
        else
            for (Index i = n - 1; i >= 0; --i) {
                x(i, c) /= r(i, i);
                x.col(c).head(i) -= x(i, c) * r.col(i).head(i);
            }
    }
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

Matrix lower_triangular(const Matrix& factor) {
    Matrix lower = triangle(factor.transpose()).transpose();
    for (Index c = 0; c < lower.cols(); ++c)
        if (lower(c, c) < 0.0) lower.col(c) *= -1.0;
    return lower;
}

}  // namespace partialpool
