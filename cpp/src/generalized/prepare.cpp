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

}  // namespace

Prepared prepare(const RawRows& raw, bool merge) {
    Prepared out;
    ModelRows& rows = out.rows;
    rows.predictors = raw.predictors;
    out.order = sort_rows(raw, rows.level_start);
    if (merge) {
        gather_equal(raw, rows.level_start, out);
    } else {
        out.start.resize(at(raw.n));
        std::iota(out.start.begin(), out.start.end(), Index{0});
    }
    rows.n = static_cast<Index>(out.start.size());
    // One given row for each row of the model; levels start where their first row stands.
    std::vector<Index> chosen;
    for (const Index s : out.start) chosen.push_back(out.order[at(s)]);
    for (Index& s : rows.level_start)
        s = std::lower_bound(out.start.begin(), out.start.end(), s) - out.start.begin();
    for (std::size_t a = 0; a < raw.offset.size(); ++a) {
        if (!raw.offset[a]) continue;
        for (const Index i : chosen) rows.offset[a].push_back(raw.offset[a][i]);
    }
    const std::vector<double> zero(at(raw.n), 0.0);
    const double root_n = std::sqrt(static_cast<double>(raw.n));
    bool effects_mapped = raw.blocks.empty();
    for (const auto& part : raw.parts) {
        const bool known = at(part.group) < out.groups.size();
        GroupMap group;
        if (!known && (!part.shared || !effects_mapped)) {
            Rows mapped{raw.n, part.p, part.X, zero.data(), nullptr, nullptr, {}};
            if (!effects_mapped)
                for (const auto& block : raw.blocks) mapped.blocks.push_back(block.rows);
            const Scaling scaling = find_scaling(mapped, raw.n);
            if (!effects_mapped) {
                out.z = scaling.z;
                for (std::size_t b = 0; b < out.z.size(); ++b)
                    for (std::size_t t = 0; t < out.z[b].size(); ++t)
                        out.z[b][t].transform *= raw.units[at(raw.blocks[b].predictor[t])];
                out.deficient_block = scaling.deficient_block;
                out.deficient_term = scaling.deficient_term;
                out.deficient_column = scaling.deficient_column;
                effects_mapped = true;
            }
            group.map = scaling.x;
            group.map.transform *= root_n * raw.units[at(part.predictor)];
            group.aliased = scaling.aliased;
            group.aliases = scaling.aliases;
        }
        if (!known) {
            if (part.shared) group = {identity(part.p), {}, Matrix(), 0};
            group.first = rows.n_parameters;
            rows.n_parameters += group.map.size();
            out.groups.push_back(std::move(group));
        }
        const auto& map = out.groups[at(part.group)].map;
        Fixed fixed{part.predictor, {}, {}};
        for (Index c = 0; c < map.size(); ++c)
            fixed.parameters.push_back(out.groups[at(part.group)].first + c);
        fixed.x.resize(at(rows.n * map.size()));
        double* to = fixed.x.data();
        for (const Index i : chosen) {
            map.apply(part.X + i * part.p, 1.0, to);
            to += map.size();
        }
        rows.fixed.push_back(std::move(fixed));
    }
    Index first = 0;
    for (std::size_t b = 0; b < raw.blocks.size(); ++b) {
        const auto& block = raw.blocks[b];
        Effects effects;
        effects.q = block.rows.q;
        effects.k = detail::block_width(block.rows);
        effects.first = first;
        first += effects.q * effects.k;
        for (std::size_t t = 0; t < block.rows.terms.size(); ++t)
            effects.predictor.insert(effects.predictor.end(), at(block.rows.terms[t].k),
                                     block.predictor[t]);
        for (const int a : block.predictor)
            if (std::find(rows.random.begin(), rows.random.end(), a) == rows.random.end())
                rows.random.push_back(a);
        effects.codes.reserve(at(rows.n));
        effects.z.resize(at(rows.n * effects.k));
        double* to = effects.z.data();
        for (const Index i : chosen) {
            effects.codes.push_back(block.rows.codes[i]);
            detail::map_z(block.rows, out.z[b], i, 1.0, to);
            to += effects.k;
        }
        rows.effects.push_back(std::move(effects));
    }
    std::sort(rows.random.begin(), rows.random.end());
    return out;
}

}  // namespace partialpool::generalized
