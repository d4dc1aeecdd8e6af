#include "partialpool/bayes/chains.hpp"

#include <chrono>

namespace partialpool::bayes {

Chains::Chains(const Problem& problem, const MarginalPrior& prior, const NutsOptions& options,
               int chains, std::uint64_t seed)
    : problem_(problem), prior_(prior), options_(options), chains_(chains), seed_(seed) {}

Chains::~Chains() {
    stop();
    for (auto& thread : threads_) thread.join();
}

void Chains::start(const ChainOutput& output) {
    const int n_threads = std::min(chains_, std::max(1, thread_limit().load()));
    const bool many = n_threads > 1;
    for (int t = 0; t < n_threads; ++t)
        threads_.emplace_back([this, output, many] {
            one_of_many() = many;
            for (int chain = next_++; chain < chains_; chain = next_++) {
                run(chain, output);
                ++ended_;
            }
        });
}

bool Chains::wait(int milliseconds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (ended_ < chains_ && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return ended_ >= chains_;
}

void Chains::run(int chain, const ChainOutput& output) {
    Marginal target(problem_, prior_);
    // Two streams: the path doesn't depend on how many effects there are to draw.
    Random path(seed_, static_cast<std::uint64_t>(2 * chain));
    Random effects(seed_, static_cast<std::uint64_t>(2 * chain + 1));
    const auto& cp = target.cross_products();
    Index n_effects = 0;
    for (const auto& block : cp.blocks) n_effects += block.q * block.k;
    Vector rounded(output.single ? n_effects : 0);
    const LogDensity density = [&](const Vector& q, Vector& g) { return target.evaluate(q, g); };
    const Keep keep = [&](int draw, const Vector& q, const Transition& how) {
        const Index at = static_cast<Index>(chain) * options_.draws + draw;
        std::copy(q.data(), q.data() + q.size(), output.points + at * q.size());
        target.describe(q, output.described + at * target.n_described());
        double* own = output.single ? rounded.data() : output.effects + at * n_effects;
        target.draw(q, effects, output.beta + at * cp.p, own);
        if (output.single) std::copy(own, own + n_effects, output.single + at * n_effects);
        const double numbers[n_how] = {how.accept,
                                       how.step_size,
                                       how.energy,
                                       how.log_density,
                                       static_cast<double>(how.steps),
                                       static_cast<double>(how.depth),
                                       how.diverged ? 1.0 : 0.0};
        std::copy(numbers, numbers + n_how, output.how + at * n_how);
    };
    const ChainEnd end = run_chain(density, target.centre(), options_, path, keep, done_, stop_);
    if (end == ChainEnd::no_start) no_start_ = true;
}

}  // namespace partialpool::bayes
