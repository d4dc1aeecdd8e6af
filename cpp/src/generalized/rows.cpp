#include "partialpool/generalized/rows.hpp"

namespace partialpool::generalized {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

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

namespace {

/// Weight between two linear predictors in one row.
double weight(const std::array<std::vector<double>, 6>& weights, int a, int b, Index i) {
    return weights[static_cast<std::size_t>(pair_of(std::min(a, b), std::max(a, b)))][at(i)];
}

}  // namespace

CrossProducts ModelRows::pattern() const {
    CrossProducts cp;
    cp.n = n;
    for (const auto& block : effects) {
        cp.blocks.push_back({block.q, block.k, {}, {}});
        cp.blocks.back().A.assign(at(block.q * block.k * block.k), 0.0);
    }
    for (std::size_t t = 0; t < effects.size(); ++t)
        for (std::size_t u = t + 1; u < effects.size(); ++u) {
            const auto &left = effects[t], &right = effects[u];
            std::vector<std::int64_t> keys(at(n));
            for (Index i = 0; i < n; ++i)
                keys[at(i)] =
                    static_cast<std::int64_t>(left.codes[at(i)]) * right.q + right.codes[at(i)];
            std::sort(keys.begin(), keys.end());
            keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
            Pairs pairs;
            pairs.ptr.assign(at(left.q) + 1, 0);
            for (const auto key : keys) {
                ++pairs.ptr[at(key / right.q) + 1];
                pairs.other.push_back(static_cast<std::int32_t>(key % right.q));
            }
            for (Index l = 0; l < left.q; ++l) pairs.ptr[at(l) + 1] += pairs.ptr[at(l)];
            pairs.values.assign(keys.size() * at(left.k * right.k), 0.0);
            cp.pairs.push_back(std::move(pairs));
        }
    return cp;
}

void ModelRows::find_slots(const CrossProducts& cp) {
    slots_.clear();
    for (std::size_t t = 0, e = 0; t < effects.size(); ++t)
        for (std::size_t u = t + 1; u < effects.size(); ++u, ++e) {
            const auto& pairs = cp.pairs[e];
            std::vector<std::int32_t> slots(at(n));
            for (Index i = 0; i < n; ++i) {
                const auto l = at(effects[t].codes[at(i)]);
                const auto begin = pairs.other.begin() + pairs.ptr[l];
                const auto end = pairs.other.begin() + pairs.ptr[l + 1];
                slots[at(i)] = static_cast<std::int32_t>(
                    std::lower_bound(begin, end, effects[u].codes[at(i)]) - pairs.other.begin());
            }
            slots_.push_back(std::move(slots));
        }
    contacts_.clear();
    for (std::size_t u = 1; u < effects.size(); ++u) {
        std::vector<std::int32_t> contacts(at(n));
        for (Index i = 0; i < n; ++i) {
            const auto j = at(effects[0].codes[at(i)]);
            Index before = 0;
            for (std::size_t t = 1; t < u; ++t)
                before += (cp.pairs[t - 1].ptr[j + 1] - cp.pairs[t - 1].ptr[j]) * effects[t].k;
            contacts[at(i)] = static_cast<std::int32_t>(
                before + (slots_[u - 1][at(i)] - cp.pairs[u - 1].ptr[j]) * effects[u].k);
        }
        contacts_.push_back(std::move(contacts));
    }
}

void ModelRows::fill(const std::array<std::vector<double>, 6>& weights, CrossProducts& cp) const {
    for (std::size_t t = 0; t < effects.size(); ++t) {
        fill_block(weights, effects[t], cp.blocks[t].A);
        for (std::size_t u = t + 1; u < effects.size(); ++u) {
            const auto e = at(cp.pair_index(static_cast<Index>(t), static_cast<Index>(u)));
            fill_pairs(weights, effects[t], effects[u], slots_[e], cp.pairs[e].values);
        }
    }
}

/// Z_l'WZ_l of one factor.
void ModelRows::fill_block(const std::array<std::vector<double>, 6>& weights, const Effects& block,
                           std::vector<double>& A) const {
    std::fill(A.begin(), A.end(), 0.0);
    const Index k = block.k;
    const double *w = weights[0].data(), *z = block.z.data();
    if (mean_only() && k == 1) {
        for (Index i = 0; i < n; ++i) A[at(block.codes[at(i)])] += w[i] * z[i] * z[i];
        return;
    }
    for (Index i = 0; i < n; ++i, z += k) {
        double* to = A.data() + block.codes[at(i)] * k * k;
        for (Index r = 0; r < k; ++r)
            for (Index c = 0; c <= r; ++c)
                to[r * k + c] += (mean_only() ? w[i]
                                              : weight(weights, block.predictor[at(r)],
                                                       block.predictor[at(c)], i)) *
                                 z[r] * z[c];
    }
    for (Index l = 0; l < block.q; ++l)
        for (Index r = 0; r < k; ++r)
            for (Index c = 0; c < r; ++c)
                A[at(l * k * k + c * k + r)] = A[at(l * k * k + r * k + c)];
}

/// Z_l'WZ_j between two factors, by the rows' entries on the pattern.
void ModelRows::fill_pairs(const std::array<std::vector<double>, 6>& weights, const Effects& left,
                           const Effects& right, const std::vector<std::int32_t>& slots,
                           std::vector<double>& values) const {
    std::fill(values.begin(), values.end(), 0.0);
    const Index kl = left.k, kr = right.k;
    const double *w = weights[0].data(), *zl = left.z.data(), *zr = right.z.data();
    if (mean_only() && kl == 1 && kr == 1) {
        for (Index i = 0; i < n; ++i) values[at(slots[at(i)])] += w[i] * zl[i] * zr[i];
        return;
    }
    for (Index i = 0; i < n; ++i, zl += kl, zr += kr) {
        double* to = values.data() + slots[at(i)] * kl * kr;
        for (Index r = 0; r < kr; ++r)
            for (Index c = 0; c < kl; ++c)
                to[r * kl + c] += (mean_only() ? w[i]
                                               : weight(weights, right.predictor[at(r)],
                                                        left.predictor[at(c)], i)) *
                                  zr[r] * zl[c];
    }
}

Matrix ModelRows::effects_border(const std::array<std::vector<double>, 6>& weights) const {
    RowMatrix rows = RowMatrix::Zero(n_effects(), n_parameters);
    for (const auto& block : effects)
        for (const auto& part : fixed)
            for (Index i = 0; i < n; ++i) {
                const double *z = block.row(i), *x = part.row(i);
                for (Index c = 0; c < block.k; ++c) {
                    const double wz =
                        weight(weights, block.predictor[at(c)], part.predictor, i) * z[c];
                    if (wz == 0.0) continue;
                    double* to = rows.data() + (block.level(i) + c) * n_parameters;
                    for (Index p = 0; p < part.p(); ++p) to[part.parameters[at(p)]] += wz * x[p];
                }
            }
    return rows;
}

Matrix ModelRows::fixed_border(const std::array<std::vector<double>, 6>& weights) const {
    Matrix out = Matrix::Zero(n_parameters, n_parameters);
    for (std::size_t l = 0; l < fixed.size(); ++l)
        for (std::size_t r = l; r < fixed.size(); ++r) {
            const auto &left = fixed[l], &right = fixed[r];
            RowMatrix sum = RowMatrix::Zero(left.p(), right.p());
            const auto& w = weights[at(pair_of(std::min(left.predictor, right.predictor),
                                               std::max(left.predictor, right.predictor)))];
            for (Index i = 0; i < n; ++i) {
                const double *x = left.row(i), *y = right.row(i);
                for (Index a = 0; a < left.p(); ++a) {
                    const double wx = w[at(i)] * x[a];
                    double* to = sum.data() + a * right.p();
                    // Of X_l'WX_l the lower triangle will do.
                    const Index end = l == r ? a + 1 : right.p();
                    for (Index c = 0; c < end; ++c) to[c] += wx * y[c];
                }
            }
            if (l == r) sum = Matrix(sum.selfadjointView<Eigen::Lower>());
            for (Index a = 0; a < left.p(); ++a)
                for (Index c = 0; c < right.p(); ++c) {
                    out(left.parameters[at(a)], right.parameters[at(c)]) += sum(a, c);
                    if (l != r) out(right.parameters[at(c)], left.parameters[at(a)]) += sum(a, c);
                }
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
            x[a] = (root.transpose() * x[a]).eval();
        }
        for (std::size_t a = 0; a < random.size(); ++a)
            for (std::size_t b = a; b < random.size(); ++b)
                h[static_cast<std::size_t>(pair_of(random[a], random[b]))][at(i)] += x[a].dot(x[b]);
    }
}

}  // namespace partialpool::generalized
