#pragma once

#include <algorithm>
#include <cmath>

#include "partialpool/matrix.hpp"

namespace partialpool {

/// Form of the relative covariance Sigma = Lambda Lambda' of one random term.
enum class Structure : int {
    unstructured,
    diagonal,
    homdiag,
    cs,
    homcs,
    ar1,
    hetar1,
    toep,
    homtoep,
    exponential,
    gaussian,
    matern32,
    matern52
};

/// A structure, and what it has to know of the effects besides their number.
struct Form {
    Form(Structure kind, Matrix distances) : kind(kind), distances(std::move(distances)) {}
    explicit Form(int code) : kind(static_cast<Structure>(code)) {}
    Form() = default;

    Structure kind = Structure::unstructured;
    Matrix distances;  ///< (k, k) between the effects, where correlations hang on these
};

namespace structure {

inline bool correlated(Structure s) {
    return s != Structure::diagonal && s != Structure::homdiag && s != Structure::unstructured;
}
inline bool serial(Structure s) { return s == Structure::ar1 || s == Structure::hetar1; }
inline bool by_lag(Structure s) { return s == Structure::toep || s == Structure::homtoep; }
inline bool by_distance(Structure s) { return s >= Structure::exponential; }

/// Parameters tau of the correlations.
inline Index n_correlations(Structure s, Index k) {
    if (!correlated(s)) return 0;
    return by_lag(s) ? k - 1 : 1;
}

/// A correlation and its first two derivatives in tau.
struct Correlation {
    double value, first, second;
};

inline double lowest_correlation(Structure s, Index k) {
    return serial(s) || by_lag(s) ? -1.0 : -1.0 / static_cast<double>(k - 1);
}

inline Correlation correlation(Structure s, Index k, double tau) {
    const double low = lowest_correlation(s, k);
    const double mid = 0.5 * (1.0 + low), half = 0.5 * (1.0 - low);
    return {mid + half * std::sin(tau), half * std::cos(tau), -half * std::sin(tau)};
}

/// tau of a given correlation.
inline double correlation_angle(Structure s, Index k, double rho) {
    const double low = lowest_correlation(s, k);
    return std::asin(std::clamp((rho - 0.5 * (1.0 + low)) / (0.5 * (1.0 - low)), -1.0, 1.0));
}

/// R(rho), dR/drho or d2R/drho2 for order = 0, 1, 2, of structures with one correlation.
Matrix correlation_matrix(Structure s, Index k, double rho, int order);

/// R and its derivatives in tau; the pair a <= b of second ones is at b (b + 1) / 2 + a.
struct Correlations {
    Matrix value;
    std::vector<Matrix> first, second;
};

/// Correlations of the k effects, with derivatives up to `order`.
///
/// Compound symmetry and AR(1): one correlation, mid + half sin(tau), smooth at both ends of its
/// range. Toeplitz: the partial autocorrelations are sin(tau), every one of which gives a
/// covariance (Barndorff-Nielsen & Schou 1973, Journal of Multivariate Analysis 3, 408-419).
/// Distances d: f(tau^2 d), whose sign doesn't matter, so that the objective is smooth
/// through tau = 0, where all effects are the same.
Correlations correlations(const Form& form, Index k, const double* tau, int order);

}  // namespace structure
}  // namespace partialpool
