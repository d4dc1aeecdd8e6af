#include "partialpool/generalized/prepare.hpp"

#include <cstring>
#include <numeric>

namespace partialpool::generalized {
namespace {

RowMapping identity(Index p) {
    RowMapping map;
    map.kept.resize(at(p));
    std::iota(map.kept.begin(), map.kept.end(), Index{0});
    map.centre = Vector::Zero(p);
    map.transform = Matrix::Identity(p, p);
    return map;
}

/// Rows in the order of the first factor's levels, and where each level starts.
std::vector<Index> sort_rows(const RawRows& raw, std::vector<Index>& start) {
    std::vector<Index> order(at(raw.n));
    if (raw.blocks.empty()) {
        std::iota(order.begin(), order.end(), Index{0});
        return order;
    }
    const auto& block = raw.blocks[0].rows;
    start.assign(at(block.q) + 1, 0);
    for (Index i = 0; i < raw.n; ++i) ++start[at(block.codes[i]) + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    auto next = start;
    for (Index i = 0; i < raw.n; ++i) order[at(next[at(block.codes[i])]++)] = i;
    return order;
}

/// What a row consists of besides its response, as bytes.
class RowBytes {
public:
    explicit RowBytes(const RawRows& raw) {
        for (const auto& part : raw.parts) add(part.X, part.p);
        for (const double* offset : raw.offset)
            if (offset) add(offset, 1);
        for (const auto& block : raw.blocks) {
            codes_.push_back(block.rows.codes);
            for (const auto& term : block.rows.terms) add(term.basis, term.k);
        }
    }

    std::uint64_t hash(Index i) const {
        std::uint64_t h = 0x9e3779b97f4a7c15ULL;
        const auto mix = [&](std::uint64_t x) {
            h = (h ^ x) * 0xff51afd7ed558ccdULL;
            h ^= h >> 32;
        };
        for (const auto* codes : codes_) mix(static_cast<std::uint64_t>(codes[i]));
        for (const auto& [data, k] : numbers_)
            for (Index c = 0; c < k; ++c) {
                std::uint64_t bits;
                std::memcpy(&bits, data + i * k + c, sizeof bits);
                mix(bits);
            }
        return h;
    }

    bool same(Index i, Index j) const {
        for (const auto* codes : codes_)
            if (codes[i] != codes[j]) return false;
        for (const auto& [data, k] : numbers_)
            if (!std::equal(data + i * k, data + (i + 1) * k, data + j * k)) return false;
        return true;
    }

private:
    void add(const double* data, Index k) { numbers_.emplace_back(data, k); }
    std::vector<std::pair<const double*, Index>> numbers_;
    std::vector<const std::int32_t*> codes_;
};

/// Bring equal rows of a level together, in the order of their first appearance.
void gather_equal(const RawRows& raw, const std::vector<Index>& level_start, Prepared& out) {
    const RowBytes bytes(raw);
    std::vector<std::pair<std::uint64_t, Index>> keyed;
    std::vector<Index> order, bounds = level_start;
    if (bounds.empty()) bounds = {0, raw.n};
    for (std::size_t j = 0; j + 1 < bounds.size(); ++j) {
        keyed.clear();
        for (Index i = bounds[j]; i < bounds[j + 1]; ++i)
            keyed.emplace_back(bytes.hash(out.order[at(i)]), out.order[at(i)]);
        std::sort(keyed.begin(), keyed.end());
        for (std::size_t i = 0; i < keyed.size(); ++i) {
            if (i == 0 || keyed[i].first != keyed[i - 1].first ||
                !bytes.same(keyed[i].second, keyed[i - 1].second))
                out.start.push_back(static_cast<Index>(order.size()));
            order.push_back(keyed[i].second);
        }
    }
    out.order = std::move(order);
}

/// One given row for each row of the model.
std::vector<Index> first_rows(const Prepared& prepared) {
    std::vector<Index> out;
    for (const Index s : prepared.start) out.push_back(prepared.order[at(s)]);
    return out;
}

/// The order of the rows and which of them become one; levels start where their first row stands.
void order_rows(const RawRows& raw, bool merge, Prepared& out) {
    auto& level_start = out.rows.level_start;
    out.order = sort_rows(raw, level_start);
    if (merge) {
        gather_equal(raw, level_start, out);
    } else {
        out.start.resize(at(raw.n));
        std::iota(out.start.begin(), out.start.end(), Index{0});
    }
    out.rows.n = static_cast<Index>(out.start.size());
    for (Index& s : level_start)
        s = std::lower_bound(out.start.begin(), out.start.end(), s) - out.start.begin();
}

/// Maps of the random terms, found with those of the first part's columns.
void keep_effect_maps(const RawRows& raw, const Scaling& scaling, Prepared& out) {
    out.z = scaling.z;
    for (std::size_t b = 0; b < out.z.size(); ++b)
        for (std::size_t t = 0; t < out.z[b].size(); ++t)
            out.z[b][t].transform *= raw.units[at(raw.blocks[b].predictor[t])];
    out.deficient_block = scaling.deficient_block;
    out.deficient_term = scaling.deficient_term;
    out.deficient_column = scaling.deficient_column;
}

/// The map of a part's columns; of the first part asked for, those of the random terms as well.
GroupMap map_group(const RawRows& raw, const PartRows& part, bool effects_mapped, Prepared& out) {
    if (part.shared && effects_mapped) return {identity(part.p), {}, Matrix(), 0};
    const std::vector<double> zero(at(raw.n), 0.0);
    Rows mapped{raw.n, part.p, part.X, zero.data(), nullptr, nullptr, {}};
    if (!effects_mapped)
        for (const auto& block : raw.blocks) mapped.blocks.push_back(block.rows);
    const Scaling scaling = find_scaling(mapped);
    if (!effects_mapped) keep_effect_maps(raw, scaling, out);
    if (part.shared) return {identity(part.p), {}, Matrix(), 0};
    GroupMap group{scaling.x, scaling.aliased, scaling.aliases, 0};
    group.map.transform *= std::sqrt(static_cast<double>(raw.n)) * raw.units[at(part.predictor)];
    return group;
}

Fixed map_part(const PartRows& part, const GroupMap& group, const std::vector<Index>& chosen) {
    const auto& map = group.map;
    Fixed fixed{part.predictor, {}, {}};
    for (Index c = 0; c < map.size(); ++c) fixed.parameters.push_back(group.first + c);
    fixed.x.resize(chosen.size() * at(map.size()));
    double* to = fixed.x.data();
    for (const Index i : chosen) {
        map.apply(part.X + i * part.p, 1.0, to);
        to += map.size();
    }
    return fixed;
}

void map_parts(const RawRows& raw, const std::vector<Index>& chosen, Prepared& out) {
    bool effects_mapped = raw.blocks.empty();
    for (const auto& part : raw.parts) {
        if (at(part.group) >= out.groups.size()) {
            GroupMap group = map_group(raw, part, effects_mapped, out);
            effects_mapped = true;
            group.first = out.rows.n_parameters;
            out.rows.n_parameters += group.map.size();
            out.groups.push_back(std::move(group));
        }
        out.rows.fixed.push_back(map_part(part, out.groups[at(part.group)], chosen));
    }
}

Effects map_block(const EffectRows& block, const std::vector<RowMapping>& maps, Index first,
                  const std::vector<Index>& chosen) {
    Effects effects;
    effects.q = block.rows.q;
    effects.k = detail::block_width(block.rows);
    effects.first = first;
    for (std::size_t t = 0; t < block.rows.terms.size(); ++t)
        effects.predictor.insert(effects.predictor.end(), at(block.rows.terms[t].k),
                                 block.predictor[t]);
    effects.codes.reserve(chosen.size());
    effects.z.resize(chosen.size() * at(effects.k));
    double* to = effects.z.data();
    for (const Index i : chosen) {
        effects.codes.push_back(block.rows.codes[i]);
        detail::map_z(block.rows, maps, i, 1.0, to);
        to += effects.k;
    }
    return effects;
}

void map_effects(const RawRows& raw, const std::vector<Index>& chosen, Prepared& out) {
    auto& random = out.rows.random;
    Index first = 0;
    for (std::size_t b = 0; b < raw.blocks.size(); ++b) {
        out.rows.effects.push_back(map_block(raw.blocks[b], out.z[b], first, chosen));
        first += out.rows.effects.back().q * out.rows.effects.back().k;
        for (const int a : raw.blocks[b].predictor)
            if (std::find(random.begin(), random.end(), a) == random.end()) random.push_back(a);
    }
    std::sort(random.begin(), random.end());
}

}  // namespace

Prepared prepare(const RawRows& raw, bool merge) {
    Prepared out;
    out.rows.predictors = raw.predictors;
    order_rows(raw, merge, out);
    const std::vector<Index> chosen = first_rows(out);
    for (std::size_t a = 0; a < raw.offset.size(); ++a)
        if (raw.offset[a])
            for (const Index i : chosen) out.rows.offset[a].push_back(raw.offset[a][i]);
    map_parts(raw, chosen, out);
    if (out.deficient_block < 0) map_effects(raw, chosen, out);
    return out;
}

}  // namespace partialpool::generalized
