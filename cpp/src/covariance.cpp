#include "partialpool/covariance.hpp"

namespace partialpool::structure {

Matrix correlation_matrix(Structure s, Index k, double rho, int order) {
    Matrix r(k, k);
    for (Index i = 0; i < k; ++i)
        for (Index j = 0; j < k; ++j) {
            const auto lag = static_cast<double>(s == Structure::ar1 ? std::abs(i - j) : (i != j));
            if (order == 0)
                r(i, j) = lag == 0.0 ? 1.0 : std::pow(rho, lag);
            else if (order == 1)
                r(i, j) = lag == 0.0 ? 0.0 : lag * (lag == 1.0 ? 1.0 : std::pow(rho, lag - 1.0));
            else
                r(i, j) = lag < 2.0
                              ? 0.0
                              : lag * (lag - 1.0) * (lag == 2.0 ? 1.0 : std::pow(rho, lag - 2.0));
        }
    return r;
}

Matrix factor(Structure s, Index k, const double* psi) {
    Matrix lambda = Matrix::Zero(k, k);
    switch (s) {
        case Structure::unstructured:
            for (Index c = 0, a = 0; c < k; ++c)
                for (Index r = c; r < k; ++r) lambda(r, c) = psi[a++];
            return lambda;
        case Structure::diagonal:
            for (Index c = 0; c < k; ++c) lambda(c, c) = psi[c];
            return lambda;
        case Structure::homdiag: lambda.diagonal().setConstant(psi[0]); return lambda;
        default: {
            const double rho = correlation(s, k, psi[n_scales(s, k)]).value;
            const Vector sd = deviations(s, k, psi);
            return sd.asDiagonal() * semidefinite_factor(correlation_matrix(s, k, rho, 0));
        }
    }
}

std::vector<Matrix> factor_directions(Structure s, Index k, const double* psi) {
    std::vector<Matrix> out;
    const Index m = n_params(s, k);
    if (s == Structure::unstructured || s == Structure::diagonal) {
        for (Index c = 0; c < k; ++c)
            for (Index r = c; r < (s == Structure::diagonal ? c + 1 : k); ++r) {
                out.push_back(Matrix::Zero(k, k));
                out.back()(r, c) = 1.0;
            }
        return out;
    }
    // Through a Cholesky factorisation of a few numbers: differences are as good.
    std::vector<double> at(psi, psi + m);
    for (Index a = 0; a < m; ++a) {
        auto& x = at[static_cast<std::size_t>(a)];
        const double centre = x, h = 1e-5 * std::max(1.0, std::abs(centre));
        x = centre + h;
        const Matrix up = factor(s, k, at.data());
        x = centre - h;
        out.push_back((up - factor(s, k, at.data())) / (2.0 * h));
        x = centre;
    }
    return out;
}

std::vector<Matrix> directions(Structure s, Index k, const double* psi) {
    std::vector<Matrix> e;
    e.reserve(static_cast<std::size_t>(n_params(s, k)));
    if (s == Structure::unstructured || s == Structure::diagonal) {
        const Matrix lambda = factor(s, k, psi);
        for (Index c = 0; c < k; ++c)
            for (Index r = c; r < (s == Structure::diagonal ? c + 1 : k); ++r) {
                Matrix m = Matrix::Zero(k, k);
                m.row(r) += lambda.col(c).transpose();
                m.col(r) += lambda.col(c);
                e.push_back(std::move(m));
            }
        return e;
    }
    if (s == Structure::homdiag) {
        e.push_back(2.0 * psi[0] * Matrix::Identity(k, k));
        return e;
    }
    const Index scales = n_scales(s, k);
    const Correlation rho = correlation(s, k, psi[scales]);
    const Vector sd = deviations(s, k, psi);
    const Matrix r = correlation_matrix(s, k, rho.value, 0);
    if (s == Structure::cs) {
        for (Index c = 0; c < k; ++c) {
            const Vector row = 2.0 * psi[c] * r.col(c).cwiseProduct(sd);
            Matrix m = Matrix::Zero(k, k);
            m.row(c) += row.transpose();
            m.col(c) += row;
            e.push_back(std::move(m));
        }
    } else {
        e.push_back(2.0 * psi[0] * r);
    }
    const Matrix dr = correlation_matrix(s, k, rho.value, 1);
    e.push_back(rho.first * Matrix(sd.asDiagonal() * dr * sd.asDiagonal()));
    return e;
}

Matrix chart(Structure s, Index k, const double* psi, const Matrix& g) {
    const Index m = n_params(s, k);
    Matrix h = Matrix::Zero(m, m);
    if (s == Structure::unstructured) {
        for (Index c = 0, a0 = 0; c < k; a0 += k - c, ++c)
            h.block(a0, a0, k - c, k - c) = 2.0 * g.block(c, c, k - c, k - c);
        return h;
    }
    if (s == Structure::diagonal) {
        h.diagonal() = 2.0 * g.diagonal();
        return h;
    }
    if (s == Structure::homdiag) {
        h(0, 0) = 2.0 * g.trace();
        return h;
    }
    const Index t = n_scales(s, k);  // position of tau
    const Correlation rho = correlation(s, k, psi[t]);
    const Vector sd = deviations(s, k, psi);
    const Matrix gr = g.cwiseProduct(correlation_matrix(s, k, rho.value, 0));
    const Matrix gd = g.cwiseProduct(correlation_matrix(s, k, rho.value, 1));
    const Matrix gdd = g.cwiseProduct(correlation_matrix(s, k, rho.value, 2));
    if (s == Structure::cs) {
        // Sigma_ij = phi_i^2 phi_j^2 R_ij.
        for (Index i = 0; i < k; ++i) {
            for (Index j = 0; j < k; ++j) h(i, j) = 8.0 * psi[i] * psi[j] * gr(i, j);
            h(i, i) += 4.0 * gr.row(i).dot(sd);
            h(i, t) = h(t, i) = 4.0 * psi[i] * rho.first * gd.row(i).dot(sd);
        }
    } else {
        h(0, 0) = 2.0 * gr.sum();
        h(0, t) = h(t, 0) = 2.0 * psi[0] * rho.first * gd.sum();
    }
    const double d1 = sd.dot(gd * sd), d2 = sd.dot(gdd * sd);
    h(t, t) = rho.second * d1 + rho.first * rho.first * d2;
    return h;
}

void start(Structure s, Index k, double scale, double* psi) {
    switch (s) {
        case Structure::unstructured:
            for (Index c = 0, a = 0; c < k; ++c)
                for (Index r = c; r < k; ++r) psi[a++] = r == c ? scale : 0.0;
            return;
        case Structure::diagonal: std::fill(psi, psi + k, scale); return;
        case Structure::homdiag: psi[0] = scale; return;
        case Structure::cs:
            std::fill(psi, psi + k, std::sqrt(scale));
            psi[k] = correlation_angle(s, k, 0.0);
            return;
        default: psi[0] = scale; psi[1] = correlation_angle(s, k, 0.0);
    }
}

}  // namespace partialpool::structure
