#pragma once

#include "partialpool/covariance.hpp"

namespace partialpool::structure {

/// Structures of which the likelihood often has a second maximum anywhere: with a variance for
/// each of several times, and where a range may stand for what a residual is.
inline bool often_has_other_minima(Structure s) {
    return s == Structure::hetar1 || s == Structure::toep || by_distance(s);
}

/// Make the correlations of a start high (share > 0), or low.
inline void correlate(const Form& form, Index k, double share, double* psi) {
    const Structure s = form.kind;
    if (!correlated(s) || k == 1) return;
    double& tau = psi[n_scales(s, k)];
    if (by_distance(s))
        tau = share > 0.0 ? 0.4 : 3.0;
    else
        tau = correlation_angle(s, k, share > 0.0 ? share : -share * lowest_correlation(s, k));
}

}  // namespace partialpool::structure
