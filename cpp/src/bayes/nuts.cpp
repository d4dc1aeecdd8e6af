#include "partialpool/bayes/nuts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "partialpool/bayes/adaptation.hpp"

namespace partialpool::bayes {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// An error of the energy this large means that the steps don't follow the trajectory.
constexpr double divergence = 1000.0;

double log_add(double a, double b) {
    const double high = std::max(a, b);
    return high == -infinity ? -infinity : high + std::log(std::exp(a - high) + std::exp(b - high));
}

/// A point in phase space.
struct State {
    Vector q, p, gradient;
    double log_density = -infinity;
};

/// What a subtree hands to the tree that it joins.
struct Edge {
    Vector p, velocity;
};
struct Subtree {
    Edge begin, end;
    Vector rho;  ///< sum of the momenta
    State sample;
    double log_weight = -infinity;
};

class Sampler {
public:
    Sampler(const LogDensity& density, const NutsOptions& options, Random& random, Index m)
        : density_(density),
          options_(options),
          random_(random),
          metric_(m),
          step_(options.target_accept) {}

    bool start(const Vector& centre) {
        for (int attempt = 0; attempt < 100; ++attempt) {
            now_.q = centre;
            for (Index i = 0; i < centre.size(); ++i) now_.q(i) += 2.0 * random_.uniform() - 1.0;
            now_.log_density = density_(now_.q, now_.gradient);
            if (std::isfinite(now_.log_density) && now_.gradient.allFinite()) return true;
        }
        return false;
    }

    /// A step size whose first step is accepted about as often as wanted.
    void guess_step() {
        double step = 1.0;
        int direction = 0;
        for (int i = 0; i < 60; ++i) {
            State z = now_;
            z.p = metric_.draw(random_);
            const double before = energy(z);
            leap(z, step);
            double change = before - energy(z);
            if (std::isnan(change)) change = -infinity;
            const int wanted = change > std::log(0.8) ? 1 : -1;
            if (direction == 0) direction = wanted;
            if (wanted != direction) break;
            step = direction > 0 ? 2.0 * step : 0.5 * step;
        }
        step_.restart(step);
    }

    Transition transition() {
        State z = now_;
        z.p = metric_.draw(random_);
        energy0_ = energy(z);
        how_ = Transition{};
        how_.step_size = step_.value();
        accept_sum_ = 0.0;
        const Edge edge{z.p, metric_.velocity(z.p)};
        Subtree tree{edge, edge, z.p, z, 0.0};
        State low = z, high = z;
        while (how_.depth < options_.max_depth) {
            const bool forward = random_.uniform() > 0.5;
            Subtree more;
            // A subtree's begin is where it joins.
            if (!build(how_.depth, forward ? high : low, forward ? 1.0 : -1.0, more)) break;
            ++how_.depth;
            if (std::log(random_.uniform()) < more.log_weight - tree.log_weight)
                tree.sample = std::move(more.sample);
            tree.log_weight = log_add(tree.log_weight, more.log_weight);
            if (!join(tree, more, forward)) break;
        }
        now_ = std::move(tree.sample);
        how_.accept = accept_sum_ / std::max(how_.steps, 1);
        how_.energy = energy(now_);
        how_.log_density = now_.log_density;
        return how_;
    }

    void learn_step(double accept) { step_.learn(accept); }
    void set_metric(const Matrix& covariance) {
        metric_.set(covariance);
        guess_step();
    }
    void fix_step() { step_.fix(step_.averaged()); }
    const Vector& q() const { return now_.q; }

private:
    double energy(const State& z) const {
        return 0.5 * z.p.dot(metric_.velocity(z.p)) - z.log_density;
    }

    void leap(State& z, double step) const {
        z.p += 0.5 * step * z.gradient;
        z.q += step * metric_.velocity(z.p);
        z.log_density = density_(z.q, z.gradient);
        if (!std::isfinite(z.log_density) || !z.gradient.allFinite()) {
            z.log_density = -infinity;
            z.gradient.setZero();
        }
        z.p += 0.5 * step * z.gradient;
    }

    static bool straight(const Vector& a, const Vector& b, const Vector& rho) {
        return a.dot(rho) > 0.0 && b.dot(rho) > 0.0;
    }

    /// Join the whole tree and what was added to one of its ends; false when it turns.
    static bool join(Subtree& tree, const Subtree& more, bool forward) {
        const Edge& near = forward ? tree.end : tree.begin;  // where they meet
        const Edge& far = forward ? tree.begin : tree.end;
        const Vector rho = tree.rho + more.rho;
        const bool on = straight(far.velocity, more.end.velocity, rho) &&
                        straight(far.velocity, more.begin.velocity, tree.rho + more.begin.p) &&
                        straight(near.velocity, more.end.velocity, more.rho + near.p);
        tree.rho = rho;
        (forward ? tree.end : tree.begin) = more.end;
        return on;
    }

    /// Double from `z`, which ends at the far edge; false when the subtree is of no use.
    bool build(int depth, State& z, double sign, Subtree& out) {
        if (depth == 0) return leaf(z, sign, out);
        Subtree first, second;
        if (!build(depth - 1, z, sign, first) || !build(depth - 1, z, sign, second)) return false;
        out.log_weight = log_add(first.log_weight, second.log_weight);
        const bool later = std::log(random_.uniform()) < second.log_weight - out.log_weight;
        out.sample = std::move(later ? second.sample : first.sample);
        out.rho = first.rho + second.rho;
        const bool on =
            straight(first.begin.velocity, second.end.velocity, out.rho) &&
            straight(first.begin.velocity, second.begin.velocity, first.rho + second.begin.p) &&
            straight(first.end.velocity, second.end.velocity, second.rho + first.end.p);
        out.begin = std::move(first.begin);
        out.end = std::move(second.end);
        return on;
    }

    bool leaf(State& z, double sign, Subtree& out) {
        leap(z, sign * step_.value());
        ++how_.steps;
        double change = energy0_ - energy(z);
        if (std::isnan(change)) change = -infinity;
        how_.diverged = -change > divergence;
        accept_sum_ += std::min(1.0, std::exp(change));
        if (how_.diverged) return false;
        // Backwards in time the momenta keep their sign, and so does the criterion.
        out.begin = {z.p, metric_.velocity(z.p)};
        out.end = out.begin;
        out.rho = z.p;
        out.sample = z;
        out.log_weight = change;
        return true;
    }

    const LogDensity& density_;
    const NutsOptions& options_;
    Random& random_;
    Metric metric_;
    StepSize step_;
    State now_;
    Transition how_;
    double energy0_ = 0.0, accept_sum_ = 0.0;
};

}  // namespace

ChainEnd run_chain(const LogDensity& density, const Vector& centre, const NutsOptions& options,
                   Random& random, const Keep& keep, std::atomic<long>& done,
                   const std::atomic<bool>& stop) {
    const Index m = centre.size();
    Sampler sampler(density, options, random, m);
    if (!sampler.start(centre)) return ChainEnd::no_start;
    sampler.guess_step();
    Spread spread(m);
    Windows windows(options.tune);
    for (int i = 0; i < options.tune; ++i) {
        if (stop) return ChainEnd::stopped;
        sampler.learn_step(sampler.transition().accept);
        if (windows.gathers(i)) spread.add(sampler.q());
        if (windows.closes(i)) {
            sampler.set_metric(spread.covariance());
            spread.restart();
        }
        ++done;
    }
    if (options.tune > 0) sampler.fix_step();
    for (int i = 0; i < options.draws; ++i) {
        if (stop) return ChainEnd::stopped;
        const Transition how = sampler.transition();
        keep(i, sampler.q(), how);
        ++done;
    }
    return ChainEnd::done;
}

}  // namespace partialpool::bayes
