#include "partialpool/correlations.hpp"

namespace partialpool::structure {

Matrix correlation_matrix(Structure s, Index k, double rho, int order) {
    Matrix r(k, k);
    for (Index i = 0; i < k; ++i)
        for (Index j = 0; j < k; ++j) {
            const auto lag = static_cast<double>(serial(s) ? std::abs(i - j) : (i != j));
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

namespace {

/// A number with its first two derivatives in m variables.
struct Dual {
    double value;
    Vector first;
    Matrix second;
};

Dual operator+(Dual a, const Dual& b) {
    a.value += b.value;
    a.first += b.first;
    a.second += b.second;
    return a;
}

Dual operator-(Dual a, const Dual& b) {
    a.value -= b.value;
    a.first -= b.first;
    a.second -= b.second;
    return a;
}

Dual operator*(const Dual& a, const Dual& b) {
    const Matrix cross = a.first * b.first.transpose();
    return {a.value * b.value, a.first * b.value + a.value * b.first,
            a.second * b.value + a.value * b.second + cross + cross.transpose()};
}

Dual constant(double value, Index m) { return {value, Vector::Zero(m), Matrix::Zero(m, m)}; }

/// Autocorrelations at lags 0, 1, ... of the partial ones, by Durbin's and Levinson's recursion.
template <class T>
std::vector<T> autocorrelations(const std::vector<T>& partial, const T& one) {
    std::vector<T> out{one}, weights;
    T rest = one;
    for (std::size_t m = 0; m < partial.size(); ++m) {
        const T& z = partial[m];
        T next = z * rest;
        for (std::size_t j = 0; j < m; ++j) next = next + weights[j] * out[m - j];
        out.push_back(next);
        std::vector<T> updated;
        for (std::size_t j = 0; j < m; ++j) updated.push_back(weights[j] - z * weights[m - 1 - j]);
        updated.push_back(z);
        weights = std::move(updated);
        rest = rest * (one - z * z);
    }
    return out;
}

/// The symmetric Toeplitz matrix of values by lag.
template <class Value>
Matrix toeplitz(Index k, Value&& value) {
    Matrix r(k, k);
    for (Index i = 0; i < k; ++i)
        for (Index j = 0; j < k; ++j) r(i, j) = value(static_cast<std::size_t>(std::abs(i - j)));
    return r;
}

Correlations toeplitz_correlations(Index k, const double* tau, int order) {
    const Index m = k - 1;
    if (order == 0) {
        std::vector<double> partial;
        for (Index a = 0; a < m; ++a) partial.push_back(std::sin(tau[a]));
        const auto rho = autocorrelations(partial, 1.0);
        return {toeplitz(k, [&](std::size_t lag) { return rho[lag]; }), {}, {}};
    }
    std::vector<Dual> partial;
    for (Index a = 0; a < m; ++a) {
        partial.push_back(constant(std::sin(tau[a]), m));
        partial.back().first(a) = std::cos(tau[a]);
        partial.back().second(a, a) = -std::sin(tau[a]);
    }
    const auto rho = autocorrelations(partial, constant(1.0, m));
    Correlations out{toeplitz(k, [&](std::size_t lag) { return rho[lag].value; }), {}, {}};
    for (Index a = 0; a < m; ++a)
        out.first.push_back(toeplitz(k, [&](std::size_t lag) { return rho[lag].first(a); }));
    if (order < 2) return out;
    for (Index b = 0; b < m; ++b)
        for (Index a = 0; a <= b; ++a)
            out.second.push_back(
                toeplitz(k, [&](std::size_t lag) { return rho[lag].second(a, b); }));
    return out;
}

/// A correlation function f(x) and its first two derivatives.
Correlation decay(Structure s, double x) {
    const double e = std::exp(-x);
    switch (s) {
        case Structure::exponential: return {e, -e, e};
        case Structure::gaussian: {
            const double g = std::exp(-x * x);
            return {g, -2.0 * x * g, (4.0 * x * x - 2.0) * g};
        }
        case Structure::matern32: return {(1.0 + x) * e, -x * e, (x - 1.0) * e};
        default:
            return {(1.0 + x + x * x / 3.0) * e, -(x + x * x) / 3.0 * e,
                    (x * x - x - 1.0) / 3.0 * e};
    }
}

Correlations by_distances(const Form& form, Index k, double tau) {
    Correlations out{Matrix(k, k), {Matrix(k, k)}, {Matrix(k, k)}};
    for (Index i = 0; i < k; ++i)
        for (Index j = 0; j < k; ++j) {
            const double d = form.distances(i, j);
            const Correlation f = decay(form.kind, tau * tau * d);
            out.value(i, j) = f.value;
            out.first[0](i, j) = 2.0 * tau * d * f.first;
            out.second[0](i, j) = 2.0 * d * (f.first + 2.0 * tau * tau * d * f.second);
        }
    return out;
}

}  // namespace

Correlations correlations(const Form& form, Index k, const double* tau, int order) {
    const Structure s = form.kind;
    if (by_lag(s)) return toeplitz_correlations(k, tau, order);
    if (by_distance(s)) return by_distances(form, k, tau[0]);
    const Correlation rho = correlation(s, k, tau[0]);
    Correlations out{correlation_matrix(s, k, rho.value, 0), {}, {}};
    if (order < 1) return out;
    const Matrix slope = correlation_matrix(s, k, rho.value, 1);
    out.first.push_back(rho.first * slope);
    if (order < 2) return out;
    out.second.push_back(rho.second * slope +
                         rho.first * rho.first * correlation_matrix(s, k, rho.value, 2));
    return out;
}

}  // namespace partialpool::structure
