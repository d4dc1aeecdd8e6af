#include "partialpool/generalized/rows.hpp"

namespace partialpool::generalized {
RowState ModelRows::make_state() const {
    RowState state;
    const auto size = at(n);
    const auto d = static_cast<std::size_t>(predictors);
    state.value.resize(size);
    for (std::size_t a = 0; a < d; ++a)
        for (auto* arrays : {&state.fixed, &state.random, &state.eta, &state.first})
            (*arrays)[a].assign(size, 0.0);
    for (std::size_t a = 0; a < d * (d + 1) / 2; ++a) state.second[a].resize(size);
    for (std::size_t a = 0; a < d * (d + 1) * (d + 2) / 6; ++a) state.third[a].resize(size);
    return state;
}

void ModelRows::set_fixed(const Vector& beta, RowState& state) const {
    for (std::size_t a = 0; a < at(predictors); ++a) {
        if (offset[a].empty())
            std::fill(state.fixed[a].begin(), state.fixed[a].end(), 0.0);
        else
            state.fixed[a] = offset[a];
    }
    for (const auto& part : fixed) {
        auto& out = state.fixed[static_cast<std::size_t>(part.predictor)];
        const Index p = part.p();
        Vector own(p);
        for (Index c = 0; c < p; ++c) own(c) = beta(part.parameters[at(c)]);
        for (Index i = 0; i < n; ++i) {
            const double* x = part.row(i);
            double sum = 0.0;
            for (Index c = 0; c < p; ++c) sum += x[c] * own(c);
            out[at(i)] += sum;
        }
    }
}

void ModelRows::add_random(const double* b, PerPredictor& out) const {
    for (const int a : random)
        std::fill(out[static_cast<std::size_t>(a)].begin(), out[static_cast<std::size_t>(a)].end(),
                  0.0);
    for (const auto& block : effects) {
        const Index k = block.k;
        if (mean_only()) {
            double* to = out[0].data();
            if (k == 1) {
                for (Index i = 0; i < n; ++i) to[i] += block.z[at(i)] * b[block.level(i)];
                continue;
            }
            for (Index i = 0; i < n; ++i) {
                const double *z = block.row(i), *own = b + block.level(i);
                double sum = 0.0;
                for (Index c = 0; c < k; ++c) sum += z[c] * own[c];
                to[i] += sum;
            }
            continue;
        }
        for (Index i = 0; i < n; ++i) {
            const double *z = block.row(i), *own = b + block.level(i);
            for (Index c = 0; c < k; ++c)
                out[static_cast<std::size_t>(block.predictor[at(c)])][at(i)] += z[c] * own[c];
        }
    }
}

double ModelRows::evaluate(const Density& density, int order, bool all, RowState& state) const {
    const auto d = static_cast<std::size_t>(predictors);
    for (std::size_t a = 0; a < d; ++a) {
        const bool moves =
            std::find(random.begin(), random.end(), static_cast<int>(a)) != random.end();
        const double *f = state.fixed[a].data(), *r = state.random[a].data();
        double* to = state.eta[a].data();
        if (moves)
            for (Index i = 0; i < n; ++i) to[i] = f[i] + r[i];
        else
            std::copy(f, f + n, to);
    }
    const Index chunk = density.concurrent() ? 2048 : std::max<Index>(n, 1);
    const Index n_chunks = (n + chunk - 1) / chunk;
    const auto work = [&](Index c) {
        const Index begin = c * chunk, size = std::min(n, begin + chunk) - begin;
        std::array<const double*, max_predictors> eta{};
        RowDerivatives out{};
        out.value = state.value.data() + begin;
        for (std::size_t a = 0; a < d; ++a) eta[a] = state.eta[a].data() + begin;
        const std::size_t active = all ? d : 1;
        for (std::size_t a = 0; order > 0 && a < active; ++a)
            out.first[a] = state.first[a].data() + begin;
        for (std::size_t a = 0; order > 1 && a < active * (active + 1) / 2; ++a)
            out.second[a] = state.second[a].data() + begin;
        for (std::size_t a = 0; order > 2 && a < active * (active + 1) * (active + 2) / 6; ++a)
            out.third[a] = state.third[a].data() + begin;
        density.evaluate(begin, size, eta.data(), order, all, out);
    };
    if (n_chunks > 16)
        for_chunks(n_chunks, work);
    else
        for (Index c = 0; c < n_chunks; ++c) work(c);
    double sum = 0.0;
    for (const double value : state.value) sum += value;
    return sum;
}

Vector ModelRows::effects_score(const PerPredictor& v) const {
    Vector out = Vector::Zero(n_effects());
    for (const auto& block : effects) {
        const Index k = block.k;
        if (mean_only()) {
            const double* from = v[0].data();
            for (Index i = 0; i < n; ++i) {
                const double* z = block.row(i);
                double* to = out.data() + block.level(i);
                for (Index c = 0; c < k; ++c) to[c] += z[c] * from[i];
            }
            continue;
        }
        for (Index i = 0; i < n; ++i) {
            const double* z = block.row(i);
            double* to = out.data() + block.level(i);
            for (Index c = 0; c < k; ++c)
                to[c] += z[c] * v[static_cast<std::size_t>(block.predictor[at(c)])][at(i)];
        }
    }
    return out;
}

Vector ModelRows::fixed_score(const PerPredictor& v) const {
    Vector out = Vector::Zero(n_parameters);
    for (const auto& part : fixed) {
        const Index p = part.p();
        const auto& own = v[static_cast<std::size_t>(part.predictor)];
        Vector sum = Vector::Zero(p);
        for (Index i = 0; i < n; ++i) {
            const double* x = part.row(i);
            for (Index c = 0; c < p; ++c) sum(c) += x[c] * own[at(i)];
        }
        for (Index c = 0; c < p; ++c) out(part.parameters[at(c)]) += sum(c);
    }
    return out;
}

void ModelRows::add_forms(const Matrix& kzx, const Matrix& root, const std::vector<Index>& inner,
                          std::array<std::vector<double>, 6>& h) const {
    const auto p = static_cast<Index>(inner.size());
    std::vector<Vector> x(random.size(), Vector(p));
    for (Index i = 0; i < n; ++i) {
        for (std::size_t a = 0; a < random.size(); ++a) {
            x[a].setZero();
            for (const auto& part : fixed) {
                if (part.predictor != 0 || random[a] != 0) continue;
                for (Index c = 0; c < part.p(); ++c)
                    x[a](std::find(inner.begin(), inner.end(), part.parameters[at(c)]) -
                         inner.begin()) += part.row(i)[c];
            }
            for (const auto& block : effects)
                for (Index c = 0; c < block.k; ++c)
                    if (block.in(c, random[a]))
                        x[a] -= block.row(i)[c] * kzx.row(block.level(i) + c).transpose();
            x[a] = root.transpose().lazyProduct(x[a]).eval();
        }
        for (std::size_t a = 0; a < random.size(); ++a)
            for (std::size_t b = a; b < random.size(); ++b)
                h[static_cast<std::size_t>(pair_of(random[a], random[b]))][at(i)] += x[a].dot(x[b]);
    }
}

}  // namespace partialpool::generalized
