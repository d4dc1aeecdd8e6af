#include "partialpool/covariance.hpp"

namespace partialpool::structure {

Matrix factor(const Form& form, Index k, const double* psi) {
    Matrix lambda = Matrix::Zero(k, k);
    switch (form.kind) {
        case Structure::unstructured:
            for (Index c = 0, a = 0; c < k; ++c)
                for (Index r = c; r < k; ++r) lambda(r, c) = psi[a++];
            return lambda;
        case Structure::diagonal:
            for (Index c = 0; c < k; ++c) lambda(c, c) = psi[c];
            return lambda;
        case Structure::homdiag: lambda.diagonal().setConstant(psi[0]); return lambda;
        default: {
            const Vector sd = deviations(form.kind, k, psi);
            const double* tau = psi + n_scales(form.kind, k);
            const Matrix r = correlations(form, k, tau, 0).value;
            Matrix lower = semidefinite_factor(r);
            // Near by, smooth correlations leave little of most pivots, and that is rounding.
            if (by_distance(form.kind) && lower.diagonal().minCoeff() < 1e-4)
                lower = pivoted_factor(r);
            return sd.asDiagonal() * lower;
        }
    }
}

std::vector<Matrix> factor_directions(const Form& form, Index k, const double* psi) {
    std::vector<Matrix> out;
    const Structure s = form.kind;
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
        const Matrix up = factor(form, k, at.data());
        x = centre - h;
        out.push_back((up - factor(form, k, at.data())) / (2.0 * h));
        x = centre;
    }
    return out;
}

std::vector<Matrix> directions(const Form& form, Index k, const double* psi) {
    std::vector<Matrix> e;
    const Structure s = form.kind;
    e.reserve(static_cast<std::size_t>(n_params(s, k)));
    if (s == Structure::unstructured || s == Structure::diagonal) {
        const Matrix lambda = factor(form, k, psi);
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
    const Vector sd = deviations(s, k, psi);
    const Correlations r = correlations(form, k, psi + n_scales(s, k), 1);
    if (squared_scales(s)) {
        for (Index c = 0; c < k; ++c) {
            const Vector row = 2.0 * psi[c] * r.value.col(c).cwiseProduct(sd);
            Matrix m = Matrix::Zero(k, k);
            m.row(c) += row.transpose();
            m.col(c) += row;
            e.push_back(std::move(m));
        }
    } else {
        e.push_back(2.0 * psi[0] * r.value);
    }
    for (const Matrix& slope : r.first) e.emplace_back(sd.asDiagonal() * slope * sd.asDiagonal());
    return e;
}

Matrix chart(const Form& form, Index k, const double* psi, const Matrix& g) {
    const Structure s = form.kind;
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
    const Index t = n_scales(s, k);  // position of the first tau
    const Correlations r = correlations(form, k, psi + t, 2);
    const Vector sd = deviations(s, k, psi);
    const Matrix gr = g.cwiseProduct(r.value);
    if (squared_scales(s)) {
        // Sigma_ij = phi_i^2 phi_j^2 R_ij.
        for (Index i = 0; i < k; ++i) {
            for (Index j = 0; j < k; ++j) h(i, j) = 8.0 * psi[i] * psi[j] * gr(i, j);
            h(i, i) += 4.0 * gr.row(i).dot(sd);
        }
    } else {
        h(0, 0) = 2.0 * gr.sum();
    }
    const Matrix gs = sd.asDiagonal() * g * sd.asDiagonal();
    for (Index b = t; b < m; ++b) {
        const Matrix gd = g.cwiseProduct(r.first[static_cast<std::size_t>(b - t)]);
        for (Index i = 0; i < t; ++i)
            h(i, b) = h(b, i) =
                squared_scales(s) ? 4.0 * psi[i] * gd.row(i).dot(sd) : 2.0 * psi[0] * gd.sum();
        for (Index a = t; a <= b; ++a) {
            const Index pair = (b - t) * (b - t + 1) / 2 + a - t;
            h(a, b) = h(b, a) = gs.cwiseProduct(r.second[static_cast<std::size_t>(pair)]).sum();
        }
    }
    return h;
}

void start(const Form& form, Index k, double scale, double* psi) {
    const Structure s = form.kind;
    switch (s) {
        case Structure::unstructured:
            for (Index c = 0, a = 0; c < k; ++c)
                for (Index r = c; r < k; ++r) psi[a++] = r == c ? scale : 0.0;
            return;
        case Structure::diagonal: std::fill(psi, psi + k, scale); return;
        default: {
            const Index scales = n_scales(s, k);
            std::fill(psi, psi + scales, squared_scales(s) ? std::sqrt(scale) : scale);
            const double tau = by_distance(s) ? 1.0 : correlation_angle(s, k, 0.0);
            std::fill(psi + scales, psi + n_params(s, k), tau);
        }
    }
}

}  // namespace partialpool::structure
