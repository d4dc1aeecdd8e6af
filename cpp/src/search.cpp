#include "partialpool/problem.hpp"
#include "partialpool/starts.hpp"

namespace partialpool {

using detail::full;
using detail::lower_of;
using detail::of_term;
using detail::store_lower;

namespace {

/// Least <G, R> over the correlations of a structure with one scale: the slope of the objective
/// where that scale leaves zero. Of several correlations' parameters only the first is moved.
double steepest_correlation(const Term& term, const Matrix& g, Vector& tau) {
    const Structure s = term.form.kind;
    if (s == Structure::homdiag) return g.trace();
    double least = std::numeric_limits<double>::infinity();
    Vector trial = Vector::Zero(structure::n_correlations(s, term.k));
    // Compound symmetry is linear in rho, so its ends would do; a power series is not.
    constexpr int points = 16;
    for (int i = 0; i <= points; ++i) {
        const double share = static_cast<double>(i) / points;
        const double low = structure::lowest_correlation(s, term.k);
        trial(0) = structure::by_distance(s)
                       ? std::exp(3.0 * (2.0 * share - 1.0))
                       : structure::correlation_angle(s, term.k, low + (1.0 - low) * share);
        const Matrix r = structure::correlations(term.form, term.k, trial.data(), 0).value;
        const double slope = g.cwiseProduct(r).sum();
        if (slope < least) {
            least = slope;
            tau = trial;
        }
    }
    return least;
}

}  // namespace

Point Problem::start(double scale) const {
    Point point{Vector(n_params()), {}};
    for (const auto& term : terms_)
        structure::start(term.form, term.k, scale, point.psi.data() + term.first);
    return point;
}

/// One Fellner-Schall step (Wood & Fasiolo 2017), in matrix form: Sigma <- G B G with B the
/// outer products of the scores and G the geometric mean of Sigma and information^-1. It goes
/// far in one evaluation where the start is far off; near the optimum Newton is better.
Point Problem::fellner_schall(const Point& point) const {
    Point out = point;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const auto b = static_cast<std::size_t>(term.block);
        const Matrix a = of_term(pieces_.information[b], term);
        const Matrix outer = pieces_.scale * of_term(pieces_.outer[b], term);
        const Matrix lambda = factor(point, t), sigma = lambda * lambda.transpose();
        double* at = out.psi.data() + term.first;
        if (full(term)) {
            const Eigenpairs eigen = eigen_symmetric(a);
            if (!(eigen.values(0) > 1e-10 * eigen.values(term.k - 1))) continue;
            const Matrix root = eigen.apply([](double x) { return std::sqrt(x); });
            const Matrix inverse = eigen.apply([](double x) { return 1.0 / std::sqrt(x); });
            const Matrix middle = eigen_symmetric(root * sigma * root).apply([](double x) {
                return std::sqrt(std::max(x, 0.0));
            });
            const Matrix mean = inverse * middle * inverse;
            store_lower(semidefinite_factor(mean * outer * mean), term, out.psi);
            if (t < out.axes.size()) out.axes[t] = Matrix();
        } else if (term.form.kind == Structure::diagonal) {
            for (Index c = 0; c < term.k; ++c)
                at[c] *= std::sqrt(std::max(outer(c, c) / a(c, c), 1e-6));
        } else {
            const double ratio = outer.cwiseProduct(sigma).sum() / a.cwiseProduct(sigma).sum();
            const double power = structure::squared_scales(term.form.kind) ? 0.25 : 0.5;
            for (Index c = 0; c < structure::n_scales(term.form.kind, term.k); ++c)
                at[c] *= std::pow(std::max(ratio, 1e-6), power);
        }
    }
    return out;
}

/// Trust-region Newton from a start, after a Fellner-Schall step if that is far away.
Problem::Result Problem::descend(Point from, const Likelihood& likelihood,
                                 const TrustRegionOptions& options) {
    Result best;
    best.point = principal(std::move(from));
    best.local = evaluate(best.point, likelihood, level());
    if (best.local.ok() && n_params() > 0) {
        const Step step =
            trust_region_step(best.local.gradient, best.local.curvature, options.radius);
        if (step.p.norm() > 0.99 * options.radius) {
            Point trial = principal(fellner_schall(best.point));
            Local next = evaluate(trial, likelihood, level());
            if (next.value < best.local.value) {
                best.point = std::move(trial);
                best.local = std::move(next);
            }
        }
    }
    return trust_region(
        std::move(best),
        [&](const Point& point, const Vector& p) {
            Point next = point;
            next.psi += p;
            return principal(std::move(next));
        },
        [&](const Point& point) { return evaluate(point, likelihood, level()); }, options);
}

/// Are there scales that have all but vanished, or correlations at an end of their range? Some
/// structures may have a second minimum anywhere.
bool Problem::may_have_other_minima(const Point& point) const {
    for (const auto& term : terms_) {
        const Structure s = term.form.kind;
        if (structure::often_has_other_minima(s)) return true;
        const double* at = point.psi.data() + term.first;
        const double* tau = at + structure::n_scales(s, term.k);
        if (!structure::squared_scales(s) && !structure::by_lag(s)) continue;
        for (Index a = 0; a < structure::n_correlations(s, term.k); ++a)
            if (std::abs(std::cos(tau[a])) < 1e-2) return true;
        for (Index c = 0; structure::squared_scales(s) && c < term.k; ++c)
            if (at[c] * at[c] < 1e-3) return true;
    }
    return false;
}

/// A start whose correlations are high (share > 0), or low.
Point Problem::start_correlated(double scale, double share) const {
    Point from = start(scale);
    for (const auto& term : terms_)
        structure::correlate(term.form, term.k, share, from.psi.data() + term.first);
    return from;
}

/// Is some direction of some term's Sigma exactly zero?
bool Problem::at_boundary(const Point& point) const {
    for (const auto& term : terms_)
        if ((lower_of(term, point.psi).diagonal().array() == 0.0).any()) return true;
    return false;
}

/// Set what has all but vanished to zero, if that costs nothing: a singular fit is then
/// recognised exactly, not by a tolerance in every later place.
bool Problem::settle_singular(Result& best, const Likelihood& likelihood) {
    Point trial = best.point;
    bool any = false;
    for (const auto& term : terms_) {
        // Squared scales have no sign to lose: they may stay small.
        if (structure::squared_scales(term.form.kind)) continue;
        double* at = trial.psi.data() + term.first;
        // In principal axes the diagonal of L holds the standard deviations.
        const Index scales = full(term) || term.form.kind == Structure::diagonal ? term.k : 1;
        for (Index c = 0, a = 0; c < scales; ++c) {
            if (at[a] != 0.0 && at[a] * at[a] < 1e-8) {
                at[a] = 0.0;
                any = true;
            }
            a += full(term) ? term.k - c : 1;
        }
    }
    if (!any) return false;
    Local next = evaluate(trial, likelihood, final_level());
    if (!next.ok() || next.value > best.local.value + 1e-8) return false;
    best.point = std::move(trial);
    best.local = std::move(next);
    return true;
}

/// Where a direction of Sigma is zero the gradient in Sigma has to be non-negative along it
/// (Karush-Kuhn-Tucker; the mixed entries vanish with the gradient, since in principal axes the
/// zero directions stand last). If it isn't, step into the cone.
bool Problem::leave_boundary(Result& best, const Likelihood& likelihood) {
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const Vector diagonal = lower_of(term, best.point.psi).diagonal();
        const Index zeros = (diagonal.array() == 0.0).count();
        if (zeros == 0) continue;
        const Matrix g = of_term(pieces_.G(static_cast<std::size_t>(term.block)), term);
        Vector v = Vector::Zero(term.k);
        Vector tau;
        double slope = 0.0;
        if (full(term)) {
            const Matrix axes = best.point.axes[t].size() > 0 ? best.point.axes[t]
                                                              : Matrix::Identity(term.k, term.k);
            const Matrix null = axes.rightCols(zeros);
            const Eigenpairs eigen = eigen_symmetric(null.transpose() * g * null);
            slope = eigen.values(0);
            v = null * eigen.vectors.col(0);
        } else if (term.form.kind == Structure::diagonal) {
            for (Index c = 0; c < term.k; ++c)
                if (diagonal(c) == 0.0 && g(c, c) <= slope) {
                    slope = g(c, c);
                    v.setZero();
                    v(c) = 1.0;
                }
        } else if (best.point.psi(term.first) == 0.0) {
            slope = steepest_correlation(term, g, tau);
        }
        if (slope >= -1e-4) continue;
        for (double step = 0.3; step > 1e-6; step *= 0.25) {
            Point trial = best.point;
            if (full(term)) {
                const Matrix f = factor(best.point, t);
                trial.axes[t] = Matrix();
                store_lower(semidefinite_factor(f * f.transpose() + step * v * v.transpose()), term,
                            trial.psi);
            } else if (term.form.kind == Structure::diagonal) {
                double* at = trial.psi.data() + term.first;
                for (Index c = 0; c < term.k; ++c)
                    at[c] = std::sqrt(at[c] * at[c] + step * v(c) * v(c));
            } else {
                trial.psi(term.first) = std::sqrt(step);
                if (tau.size() > 0) trial.psi.segment(term.first + 1, tau.size()) = tau;
            }
            trial = principal(std::move(trial));
            Local next = evaluate(trial, likelihood, final_level());
            if (next.ok() && next.value < best.local.value) {
                best.point = std::move(trial);
                best.local = std::move(next);
                return true;
            }
        }
    }
    return false;
}

Optimum Problem::optimise(const Likelihood& likelihood, std::optional<Vector> given,
                          double tolerance, int max_evaluations) {
    evaluations_ = 0;
    TrustRegionOptions options;
    options.tolerance = tolerance;
    options.max_evaluations = max_evaluations;
    // With a known residual variance the effects may be large beside it.
    const double scale = likelihood.profiled()
                             ? 0.3
                             : 0.3 * std::max(1.0, 1.0 / std::sqrt(likelihood.fixed_variance));
    auto best = descend(given ? Point{*given, {}} : start(scale), likelihood, options);
    if (!best.converged && n_params() > 0) {
        auto again = descend(start(scale / 0.3), likelihood, options);
        if (again.local.ok() && (!best.local.ok() || again.local.value < best.local.value))
            best = std::move(again);
    }
    // Where a standard deviation has gone to zero or a correlation to its end, there may be a
    // better minimum with correlations of the other sign, or over other distances.
    if (may_have_other_minima(best.point))
        for (Point from :
             {start_correlated(scale, 0.8), start_correlated(scale, -0.8), start(scale / 0.3)}) {
            auto again = descend(std::move(from), likelihood, options);
            if (again.local.ok() && again.local.value < best.local.value - 1e-9)
                best = std::move(again);
        }
    for (int round = 0; round < 5 && best.local.ok() && n_params() > 0; ++round) {
        settle_singular(best, likelihood);
        if (!at_boundary(best.point)) break;
        // A rejected trial may have been evaluated last.
        if (!is_last(best.point, likelihood)) evaluate(best.point, likelihood, final_level());
        if (!leave_boundary(best, likelihood)) break;
        auto next = descend(best.point, likelihood, options);
        if (!(next.local.value < best.local.value)) break;
        best = std::move(next);
    }
    Optimum out = collect(best.point, likelihood);
    out.evaluations = evaluations_;
    out.converged = best.converged && best.local.ok();
    return out;
}

}  // namespace partialpool
