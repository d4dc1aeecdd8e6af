#pragma once

#include "partialpool/bayes/marginal.hpp"
#include "partialpool/bayes/nuts.hpp"

namespace partialpool::bayes {

/// Where the draws of all chains go, chain by chain and draw by draw.
struct ChainOutput {
    double* points;     ///< (chains, draws, m) unconstrained
    double* described;  ///< (chains, draws, d), as `Marginal::describe`
    double* beta;       ///< (chains, draws, p)
    double* effects;    ///< (chains, draws, e), blocks in a row; or null
    float* single;      ///< the same in single precision; or null
    double* how;        ///< (chains, draws, n_how)
};
/// accept, step size, energy, log density, steps, depth, diverged
inline constexpr Index n_how = 7;

/// Chains on threads of their own; every chain has its own stream of random numbers, so that
/// any number of threads gives the same draws.
class Chains {
public:
    Chains(const Problem& problem, const MarginalPrior& prior, const NutsOptions& options,
           int chains, std::uint64_t seed);
    ~Chains();
    Chains(const Chains&) = delete;
    Chains& operator=(const Chains&) = delete;

    void start(const ChainOutput& output);
    long done() const { return done_; }
    long total() const { return static_cast<long>(chains_) * (options_.tune + options_.draws); }
    /// Whether the chains have ended, after waiting for so long.
    bool wait(int milliseconds);
    void stop() { stop_ = true; }
    /// After the end: whether some chain found no point to start from.
    bool no_start() const { return no_start_; }

private:
    void run(int chain, const ChainOutput& output);

    const Problem& problem_;
    MarginalPrior prior_;
    NutsOptions options_;
    int chains_;
    std::uint64_t seed_;
    std::vector<std::thread> threads_;
    std::atomic<int> next_{0}, ended_{0};
    std::atomic<long> done_{0};
    std::atomic<bool> stop_{false}, no_start_{false};
};

}  // namespace partialpool::bayes
