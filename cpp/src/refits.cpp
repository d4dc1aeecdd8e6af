#include "partialpool/refits.hpp"

#include "partialpool/results.hpp"

namespace partialpool {
namespace {

constexpr Index responses_per_chunk = 16;

Refits make_room(const Problem& model, Index count, bool effects) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const auto n = static_cast<std::size_t>(count);
    const auto m = static_cast<std::size_t>(model.cross_products().p);
    Refits out;
    for (auto* numbers : {&out.objective, &out.sigma, &out.penalised_residual, &out.residual_ratio,
                          &out.y_deviation})
        numbers->assign(n, nan);
    out.evaluations.assign(n, 0);
    out.converged.assign(n, 0);
    out.beta.assign(n * m, nan);
    out.root.assign(n * m * m, nan);
    out.psi.assign(n * static_cast<std::size_t>(model.n_params()), nan);
    for (const auto& term : model.terms())
        out.factors.emplace_back(n * static_cast<std::size_t>(term.k * term.k), nan);
    if (effects)
        for (const auto& block : model.cross_products().blocks)
            out.effects.emplace_back(n * static_cast<std::size_t>(block.q * block.k), nan);
    return out;
}

void store(const RowMatrix& values, Index at, std::vector<double>& to) {
    std::copy(values.data(), values.data() + values.size(), to.data() + at * values.size());
}

void store(const Problem& problem, const Optimum& optimum, const RefitOptions& options, Index at,
           Refits& out) {
    const auto i = static_cast<std::size_t>(at);
    out.objective[i] = optimum.value;
    out.sigma[i] =
        options.sigma > 0.0 ? options.sigma : results::sigma(problem, optimum, options.reml);
    out.penalised_residual[i] = optimum.pieces.s;
    out.evaluations[i] = optimum.evaluations;
    out.converged[i] = optimum.converged;
    store(results::beta(problem, optimum), at, out.beta);
    store(results::root(problem, optimum), at, out.root);
    store(optimum.psi.transpose(), at, out.psi);
    for (std::size_t t = 0; t < out.factors.size(); ++t)
        store(results::factor(problem, optimum, t), at, out.factors[t]);
    for (std::size_t b = 0; b < out.effects.size(); ++b)
        store(results::effects(problem, optimum, b), at, out.effects[b]);
}

}  // namespace

Refits refit(const Problem& model, const Rows& rows, const double* responses, Index count,
             const RefitOptions& options) {
    Refits out = make_room(model, count, options.effects);
    const auto fit_chunk = [&](Index chunk) {
        Problem problem(model.cross_products(), model.scaling(), model.terms());
        const Index end = std::min(count, (chunk + 1) * responses_per_chunk);
        for (Index at = chunk * responses_per_chunk; at < end; ++at) {
            Rows own = rows;
            own.y = responses + at * rows.n;
            const bool solvable = problem.set_response(own);
            const auto i = static_cast<std::size_t>(at);
            out.residual_ratio[i] = problem.scaling().residual_ratio;
            out.y_deviation[i] = problem.scaling().y_deviation;
            if (!solvable) continue;
            const auto optimum =
                problem.optimise(problem.likelihood(options.reml, options.sigma), std::nullopt,
                                 options.tolerance, options.max_evaluations);
            if (optimum.pieces.ok) store(problem, optimum, options, at, out);
        }
    };
    const Index n_chunks = (count + responses_per_chunk - 1) / responses_per_chunk;
    // The threads are for the responses, or within each where there are many rows.
    if (rows.n <= chunk_rows)
        for_chunks(n_chunks, fit_chunk);
    else
        for (Index chunk = 0; chunk < n_chunks; ++chunk) fit_chunk(chunk);
    return out;
}

}  // namespace partialpool
