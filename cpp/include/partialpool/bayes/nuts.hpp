#pragma once

#include <atomic>
#include <functional>

#include "partialpool/bayes/random.hpp"
#include "partialpool/matrix.hpp"

namespace partialpool::bayes {

/// Log density and its gradient at a point; minus infinity where there is none.
using LogDensity = std::function<double(const Vector& q, Vector& gradient)>;

struct NutsOptions {
    int tune = 1000;
    int draws = 1000;
    double target_accept = 0.8;
    int max_depth = 10;
};

/// What one draw says about how it came about.
struct Transition {
    double accept = 0.0;     ///< mean acceptance probability along the trajectory
    double step_size = 0.0;  ///< of the leapfrog steps
    double energy = 0.0;     ///< Hamiltonian at the draw
    double log_density = 0.0;
    int steps = 0;  ///< leapfrog steps
    int depth = 0;  ///< doublings
    bool diverged = false;
};

/// Receives the kept draws, in order.
using Keep = std::function<void(int draw, const Vector& q, const Transition& how)>;

enum class ChainEnd : int { done, stopped, no_start };

/// One chain of the no-U-turn sampler with multinomial weights and a dense metric.
///
/// Hoffman & Gelman (2014), Journal of Machine Learning Research 15, algorithm 6 for the step
/// size; Betancourt (2017), arXiv:1701.02434, appendix A for the trajectories; the windows of
/// the warm-up are those of Stan's reference manual, section "HMC algorithm parameters".
/// `centre` is where to start, up to a uniform(-1, 1) in every coordinate. `done` counts
/// iterations, `stop` ends the chain.
ChainEnd run_chain(const LogDensity& density, const Vector& centre, const NutsOptions& options,
                   Random& random, const Keep& keep, std::atomic<long>& done,
                   const std::atomic<bool>& stop);

}  // namespace partialpool::bayes
