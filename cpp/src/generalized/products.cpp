#include "partialpool/generalized/rows.hpp"

// Weighted products of the rows: Z'WZ on a pattern that stays, Z'WX and X'WX.

namespace partialpool::generalized {
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

}  // namespace partialpool::generalized
