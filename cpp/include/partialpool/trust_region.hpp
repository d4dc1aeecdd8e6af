#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "partialpool/matrix.hpp"

namespace partialpool {

/// Value, gradient and curvature of an objective at one point, in that point's chart.
struct Local {
    double value = std::numeric_limits<double>::infinity();
    Vector gradient;
    Matrix curvature;

    bool ok() const { return std::isfinite(value); }
};

struct TrustRegionOptions {
    double tolerance = 1e-9;  ///< stop when a step promises less than this
    int max_evaluations = 200;
    double radius = 1.0;
};

template <class Point>
struct TrustRegionResult {
    Point point;
    Local local;
    double promised = 0.0;  ///< decrease that the last model still promised
    bool converged = false;
};

/// The step of the trust-region model and the decrease it promises.
struct Step {
    Vector p;
    double promised;
};

/// Minimise g'p + p'Hp/2 within |p| <= radius (More & Sorensen 1983), by the eigenvalues of
/// H: there are few parameters, and the eigenvectors settle the hard case, in which the
/// gradient has no part along the negative curvature. That is how a saddle at a zero
/// diagonal of Lambda is left.
Step trust_region_step(const Vector& g, const Matrix& h, double radius);

/// Trust-region Newton from an evaluated point.
///
/// `move(point, p)` returns the point that step p leads to, in a chart of its own;
/// `evaluate(point)` returns a Local, whose non-finite value shrinks the region. The stopping
/// rule is the promised decrease itself, which is the accuracy of the objective; a gradient
/// norm would depend on the parametrisation.
template <class Point, class Move, class Evaluate>
TrustRegionResult<Point> trust_region(TrustRegionResult<Point> best, Move&& move,
                                      Evaluate&& evaluate, const TrustRegionOptions& options) {
    if (!best.local.ok()) return best;
    if (best.local.gradient.size() == 0) {
        best.converged = true;
        return best;
    }
    double radius = options.radius;
    for (int count = 0;; ++count) {
        const Step step = trust_region_step(best.local.gradient, best.local.curvature, radius);
        best.promised = step.promised;
        if (step.promised < options.tolerance) {
            best.converged = true;
            return best;
        }
        if (count >= options.max_evaluations) return best;
        Point trial = move(best.point, step.p);
        Local next = evaluate(trial);
        const double decrease = best.local.value - next.value;
        const double rho = next.ok() ? decrease / step.promised : -1.0;
        const double length = step.p.norm();
        if (step.promised < 1e-11 * std::abs(best.local.value) && next.ok()) {
            // The objective can't resolve this step, but its gradient can: the step is good
            // if less is promised after it.
            const double left = trust_region_step(next.gradient, next.curvature, radius).promised;
            if (!(left < step.promised)) {
                best.converged = true;
                return best;
            }
            best.point = std::move(trial);
            best.local = std::move(next);
            continue;
        }
        if (rho < 0.25)
            radius = 0.25 * length;
        else if (rho > 0.75)
            radius = std::max(radius, 2.0 * length);
        if (rho > 1e-4) {
            best.point = std::move(trial);
            best.local = std::move(next);
        } else if (radius < 1e-12) {
            best.converged = true;
            return best;
        }
    }
}

}  // namespace partialpool
