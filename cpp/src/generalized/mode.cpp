#include "partialpool/generalized/problem.hpp"

// The conditional mode of the random effects by penalised iteratively reweighted least
// squares: Newton steps with halving, for v with b = Sigma v, so that a singular Sigma is no
// special case.

namespace partialpool::generalized {
namespace {

// Half the decrease that a Newton step promises; the mode is then known to its square.
constexpr double tolerance = 1e-8;
constexpr int most_steps = 200, most_halvings = 40, most_crawling = 5;

}  // namespace

Vector GeneralizedProblem::times_sigma(const std::vector<Matrix>& lambda, const Vector& v) const {
    Vector out(v.size());
    for (std::size_t t = 0; t < lambda.size(); ++t) {
        const auto& block = rows_.effects[t];
        const Index k = block.k;
        const Matrix sigma = lambda[t].lazyProduct(lambda[t].transpose());
        if (k == 1) {
            out.segment(block.first, block.q) = sigma(0, 0) * v.segment(block.first, block.q);
            continue;
        }
        for (Index l = 0; l < block.q; ++l)
            out.segment(block.first + l * k, k) =
                sigma.lazyProduct(v.segment(block.first + l * k, k));
    }
    return out;
}

/// Weights from the second derivatives in `state_`.
void GeneralizedProblem::set_weights(bool clamp) {
    for (int b = 0; b < rows_.predictors; ++b)
        for (int a = 0; a <= b; ++a) {
            const auto e = static_cast<std::size_t>(pair_of(a, b));
            auto& w = weights_[e];
            const auto& second = state_.second[e];
            w.resize(second.size());
            for (std::size_t i = 0; i < w.size(); ++i) w[i] = -second[i];
            // A step with weights that are not negative goes downhill all the same.
            if (clamp)
                for (double& x : w) x = a == b ? std::max(x, 0.0) : 0.0;
        }
}

bool GeneralizedProblem::factor_at_mode(const std::vector<Matrix>& lambda, bool clamp) {
    set_weights(clamp);
    if (!system_) return true;
    system_->fill(weights_);
    return system_->factor(lambda);
}

/// Z'WX and what is left of X'WX after the random effects, for the weights of the mode.
void GeneralizedProblem::make_border() {
    zx_ = rows_.effects_border(weights_);
    xx_ = rows_.fixed_border(weights_);
    if (!system_) {
        kzx_ = zx_;
        schur_ = xx_ + penalty_;
        return;
    }
    kzx_ = system_->solve(zx_);
    schur_ = xx_ + penalty_ - dense::multiply_transposed(zx_, kzx_);
}

/// W Z b + r, of which Z' makes the right-hand side of the next effects.
PerPredictor GeneralizedProblem::working_response() const {
    PerPredictor out;
    for (const int a : rows_.random) {
        out[at(a)] = state_.first[at(a)];
        for (const int b : rows_.random) {
            const auto& w = weights_[at(pair_of(std::min(a, b), std::max(a, b)))];
            const auto& zb = state_.random[at(b)];
            for (std::size_t i = 0; i < zb.size(); ++i) out[at(a)][i] += w[i] * zb[i];
        }
    }
    return out;
}

/// Derivative of the log-density from the linear predictors `from` towards those of `state_`.
double GeneralizedProblem::slope_along(const PerPredictor& from) const {
    double sum = 0.0;
    for (const int a : rows_.random) {
        const auto &r = state_.first[at(a)], &to = state_.random[at(a)], &was = from[at(a)];
        for (std::size_t i = 0; i < r.size(); ++i) sum += r[i] * (to[i] - was[i]);
    }
    return sum;
}

/// Where the mode should be at a new point, by its derivatives at the last one.
void GeneralizedProblem::predict_mode(const Parameters& point) {
    if (!tangent_ || tangent_->slope.cols() == 0) return;
    const Parameters& from = tangent_->point;
    if (point.axes.size() != from.axes.size()) return;
    for (std::size_t t = 0; t < point.axes.size(); ++t)
        if (point.axes[t] != from.axes[t]) return;
    Vector step(n_psi() + n_parameters());
    step << point.psi - from.psi, point.beta - from.beta;
    mode_.v = tangent_->v + tangent_->slope.lazyProduct(step);
}

void GeneralizedProblem::go_back() {
    if (!kept_) return;
    tangent_ = kept_;
    mode_.v = kept_->v;
}

/// v of the next effects: what is left of the right-hand side, Sigma v = b. Where the information
/// is so large that the difference drowns in rounding (counts of millions), by Sigma itself, if
/// that is far from singular.
Vector GeneralizedProblem::penalties(const std::vector<Matrix>& lambda, const Vector& b,
                                     const Vector& rhs) const {
    Vector v = rhs - system_->multiply(b);
    constexpr double drowned = 1e-4, singular = 1e-4;
    for (std::size_t t = 0; t < lambda.size(); ++t) {
        const auto& block = rows_.effects[t];
        const auto size = block.q * block.k;
        if (!(v.segment(block.first, size).norm() <
              drowned * rhs.segment(block.first, size).norm()))
            continue;
        Matrix root = lambda[t].lazyProduct(lambda[t].transpose());
        if (!cholesky_in_place(root)) continue;
        if (!(root.diagonal().minCoeff() > singular * root.diagonal().maxCoeff())) continue;
        for (Index l = 0; l < block.q; ++l) {
            const Index from = block.first + l * block.k;
            const Vector own = b.segment(from, block.k);
            const Vector half = solve_upper(root.transpose(), own, true);
            v.segment(from, block.k) = solve_upper(root.transpose(), half);
        }
    }
    return v;
}

/// Full Newton step from the derivatives in `state_`: for b = Sigma v the next effects solve
/// (A + Sigma^-1) b = Z'(W Z b + r), with the mean's coefficients in a border where they move.
bool GeneralizedProblem::newton_step(const std::vector<Matrix>& lambda, const Vector& beta,
                                     const Criterion& criterion, ModeStep& step) {
    if (!factor_at_mode(lambda, false) && !factor_at_mode(lambda, true)) return false;
    Vector rhs = system_ ? rows_.effects_score(working_response()) : Vector(0);
    step.beta = Vector::Zero(beta.size());
    step.promised = 0.0;
    if (criterion.joint) {
        make_border();
        const Vector slope = rows_.fixed_score(state_.first) - penalty_.lazyProduct(beta);
        Vector full = slope;
        if (system_) full += zx_.transpose().lazyProduct(mode_.b - system_->solve(rhs).col(0));
        Matrix s = schur_(inner_, inner_);
        // Where columns separate the rows nothing is left to tell some coefficients by.
        if (s.size() > 0) s.diagonal().array() += 1e-10 * s.diagonal().cwiseAbs().maxCoeff();
        if (!cholesky_in_place(s)) return false;
        const Vector half = solve_upper(s.transpose(), full(inner_), true);
        step.beta(inner_) = solve_upper(s.transpose(), half);
        step.promised += step.beta.dot(slope);
        if (system_) rhs -= zx_.lazyProduct(step.beta);
    }
    if (system_) {
        const Vector b = system_->solve(rhs);
        step.b = b - mode_.b;
        step.v = penalties(lambda, b, rhs) - mode_.v;
        step.from = state_.random;
        rows_.add_random(b.data(), state_.random);
        step.to = state_.random;
        step.promised += slope_along(step.from) - step.b.dot(mode_.v);
    }
    return std::abs(step.promised) < 1e300;
}

/// Minus twice the log-density with the penalties of effects and coefficients.
double GeneralizedProblem::penalised(int order, const Vector& beta) {
    return -2.0 * rows_.evaluate(*density_, order, all_predictors(), state_) +
           mode_.v.dot(mode_.b) + beta.dot(penalty_.lazyProduct(beta));
}

/// Take the step, or so much of it as leads down; how much that was, zero for none.
double GeneralizedProblem::take(const ModeStep& step, bool last, const Criterion& criterion,
                                Vector& beta) {
    const Vector v = mode_.v, b = mode_.b, start = beta;
    // Close by, rounding hides the decrease that a step makes. The last one is to be taken whole:
    // it also mends the rounding of b = Sigma v, which a large information makes visible.
    const double most = mode_.penalised + 1e-12 * std::abs(mode_.penalised) + (last ? 1e-6 : 0.0);
    double share = 1.0;
    for (int halving = 0; halving < most_halvings; ++halving, share *= 0.5) {
        if (system_) {
            mode_.v = v + share * step.v;
            mode_.b = b + share * step.b;
        }
        beta = start + share * step.beta;
        if (criterion.joint) rows_.set_fixed(beta, state_);
        for (const int a : rows_.random) {
            const auto &from = step.from[at(a)], &to = step.to[at(a)];
            auto& random = state_.random[at(a)];
            for (std::size_t i = 0; i < to.size(); ++i)
                random[i] = share == 1.0 ? to[i] : from[i] + share * (to[i] - from[i]);
        }
        const double trial = penalised(last ? 3 : 2, beta);
        if (!(trial <= most)) continue;
        mode_.penalised = trial;
        return share;
    }
    return 0.0;
}

bool GeneralizedProblem::find_mode(const std::vector<Matrix>& lambda, Vector& beta,
                                   const Criterion& criterion) {
    if (mode_.v.size() != rows_.n_effects()) mode_.v = Vector::Zero(rows_.n_effects());
    const Vector start = beta;
    const bool informed = (mode_.v.array() != 0.0).any();
    if (climb(lambda, beta, criterion)) return true;
    if (!informed) return false;
    // The modes of another place may be so far off that no step leads back.
    mode_.v.setZero();
    beta = start;
    return climb(lambda, beta, criterion);
}

/// Newton steps to the mode from the effects that `mode_.v` stands for.
bool GeneralizedProblem::climb(const std::vector<Matrix>& lambda, Vector& beta,
                               const Criterion& criterion) {
    mode_.steps = 0;
    mode_.b = times_sigma(lambda, mode_.v);
    rows_.set_fixed(beta, state_);
    rows_.add_random(mode_.b.data(), state_.random);
    mode_.penalised = penalised(2, beta);
    if (!std::isfinite(mode_.penalised)) return false;
    ModeStep step;
    int crawling = 0;
    for (bool last = !system_ && !criterion.joint; !last; ++mode_.steps) {
        if (mode_.steps == most_steps || !newton_step(lambda, beta, criterion, step)) return false;
        last = step.promised < tolerance;
        const double share = take(step, last, criterion, beta);
        // At the end of the range there is no mode, only ever smaller steps towards it.
        crawling = share < 1e-2 ? crawling + 1 : 0;
        if (share == 0.0 || crawling == most_crawling) return false;
    }
    mode_steps_ += mode_.steps;
    // The other predictors' derivatives are needed at the mode only.
    if (!all_predictors() && (rows_.predictors > 1 || mode_.steps == 0))
        rows_.evaluate(*density_, 3, true, state_);
    return factor_at_mode(lambda, false);
}

Vector GeneralizedProblem::fixed_only(Vector beta) {
    if (beta.size() == 0) return beta;
    for (const int a : rows_.random)
        std::fill(state_.random[at(a)].begin(), state_.random[at(a)].end(), 0.0);
    const auto value = [&](const Vector& trial) {
        rows_.set_fixed(trial, state_);
        const double h = -2.0 * rows_.evaluate(*density_, 2, true, state_) +
                         trial.dot(penalty_.lazyProduct(trial));
        return std::isfinite(h) ? h : std::numeric_limits<double>::infinity();
    };
    double current = value(beta), radius = 4.0;
    for (int count = 0; count < 50 && std::isfinite(current) && radius > 1e-8; ++count) {
        set_weights(false);
        const Vector slope = 2.0 * (penalty_.lazyProduct(beta) - rows_.fixed_score(state_.first));
        const Matrix curvature = 2.0 * (rows_.fixed_border(weights_) + penalty_);
        double promised = 0.0;
        while (radius > 1e-8) {
            const Step step = trust_region_step(slope, curvature, radius);
            promised = step.promised;
            const double trial = value(beta + step.p);
            const double rho = (current - trial) / step.promised;
            if (rho > 0.75) radius *= 2.0;
            if (rho > 1e-3 || promised < 1e-9) {
                beta += step.p;
                current = trial;
                break;
            }
            radius = 0.25 * step.p.norm();
        }
        // A start only: the search goes on from here.
        if (promised < 1e-3) break;
    }
    return beta;
}

}  // namespace partialpool::generalized
