#include "partialpool/rest_sparse.hpp"

#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>
#include <algorithm>

namespace partialpool {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

using Edges = std::vector<std::pair<std::int32_t, std::int32_t>>;

/// First node of every block, levels as nodes in layout order.
std::vector<Index> node_offsets(const RestLayout& layout) {
    std::vector<Index> out{0};
    for (const Index q : layout.q) out.push_back(out.back() + q);
    return out;
}

/// Nodes that a level of the first factor meets: one per k columns of its contacts.
void touched_nodes(const Contacts& contacts, Index j, const std::vector<std::int32_t>& node_of,
                   std::vector<std::int32_t>& nodes) {
    nodes.clear();
    for (Index e = 0; e < contacts.count(j); ++e) {
        const auto node = node_of[at(contacts.cols(j)[e])];
        if (nodes.empty() || nodes.back() != node) nodes.push_back(node);
    }
}

std::vector<std::int32_t> nodes_of_columns(const RestLayout& layout) {
    std::vector<std::int32_t> out;
    std::int32_t node = 0;
    for (Index t = 0; t < layout.n_blocks(); ++t)
        for (Index l = 0; l < layout.q[at(t)]; ++l, ++node)
            out.insert(out.end(), at(layout.k[at(t)]), node);
    return out;
}

/// Pairs of levels that meet, larger node first; nothing when there are too many.
std::optional<Edges> find_edges(const CrossProducts& cp, const RestLayout& layout,
                                const Contacts& contacts) {
    const auto node_of = nodes_of_columns(layout);
    const auto offsets = node_offsets(layout);
    constexpr std::size_t most = 20'000'000;
    Edges edges;
    std::vector<std::int32_t> nodes;
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        touched_nodes(contacts, j, node_of, nodes);
        if (edges.size() + nodes.size() * nodes.size() / 2 > most) return std::nullopt;
        for (std::size_t a = 0; a < nodes.size(); ++a)
            for (std::size_t b = 0; b < a; ++b) edges.emplace_back(nodes[a], nodes[b]);
    }
    for (Index t = 0; t < layout.n_blocks(); ++t)
        for (Index u = t + 1; u < layout.n_blocks(); ++u) {
            const auto& pairs = cp.pair(t + 1, u + 1);
            for (Index l = 0; l < layout.q[at(t)]; ++l)
                for (Index e = pairs.ptr[at(l)]; e < pairs.ptr[at(l) + 1]; ++e)
                    edges.emplace_back(
                        static_cast<std::int32_t>(offsets[at(u)] + pairs.other[at(e)]),
                        static_cast<std::int32_t>(offsets[at(t)] + l));
        }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    return edges;
}

/// Do so many pairs of levels meet that ordering them is a waste of time? Fill only adds.
bool surely_dense(const RestLayout& layout, const Contacts& contacts) {
    const auto node_of = nodes_of_columns(layout);
    const auto n_nodes = at(node_offsets(layout).back());
    if (n_nodes > 8192) return false;
    std::vector<bool> meet(n_nodes * n_nodes, false);
    std::size_t count = 0;
    std::vector<std::int32_t> nodes;
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        touched_nodes(contacts, j, node_of, nodes);
        for (std::size_t a = 0; a < nodes.size(); ++a)
            for (std::size_t b = 0; b < a; ++b) {
                auto cell = meet[at(nodes[a]) * n_nodes + at(nodes[b])];
                count += !cell;
                cell = true;
            }
    }
    return static_cast<double>(count) > 0.08 * 0.5 * static_cast<double>(n_nodes * n_nodes);
}

/// Approximate minimum degree: elimination position of every node.
std::vector<std::int32_t> order_nodes(const Edges& edges, Index n_nodes) {
    std::vector<Eigen::Triplet<double>> triplets;
    triplets.reserve(2 * edges.size() + at(n_nodes));
    for (const auto& [a, b] : edges) {
        triplets.emplace_back(a, b, 1.0);
        triplets.emplace_back(b, a, 1.0);
    }
    for (Index i = 0; i < n_nodes; ++i)
        triplets.emplace_back(static_cast<int>(i), static_cast<int>(i), 1.0);
    Eigen::SparseMatrix<double> graph(n_nodes, n_nodes);
    graph.setFromTriplets(triplets.begin(), triplets.end());
    Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, int> order;
    Eigen::AMDOrdering<int>()(graph, order);
    // order.indices()(i) is the node eliminated at step i.
    std::vector<std::int32_t> position(at(n_nodes));
    for (Index i = 0; i < n_nodes; ++i)
        position[at(order.indices()(i))] = static_cast<std::int32_t>(i);
    return position;
}

}  // namespace

Index SparsePattern::find(Index row_index, Index column_index) const {
    const auto* begin = row.data() + column[at(column_index)];
    const auto* end = row.data() + column[at(column_index) + 1];
    return std::lower_bound(begin, end, static_cast<std::int32_t>(row_index)) - row.data();
}

std::optional<SparsePattern> find_pattern(const CrossProducts& cp, const RestLayout& layout,
                                          const Contacts& contacts) {
    const Index m = layout.m;
    if (m < 32 || surely_dense(layout, contacts)) return std::nullopt;
    const auto edges = find_edges(cp, layout, contacts);
    if (!edges) return std::nullopt;
    const auto offsets = node_offsets(layout);
    const Index n_nodes = offsets.back();
    const auto position = order_nodes(*edges, n_nodes);

    SparsePattern out;
    out.block.resize(at(n_nodes));
    out.level.resize(at(n_nodes));
    for (Index t = 0; t < layout.n_blocks(); ++t)
        for (Index l = 0; l < layout.q[at(t)]; ++l) {
            const auto i = at(position[at(offsets[at(t)] + l)]);
            out.block[i] = t;
            out.level[i] = l;
        }
    out.start.assign(1, 0);
    for (Index i = 0; i < n_nodes; ++i)
        out.start.push_back(out.start.back() + layout.k[at(out.block[at(i)])]);
    out.position.resize(at(m));
    for (Index i = 0; i < n_nodes; ++i) {
        const Index k = out.size(i);
        for (Index c = 0; c < k; ++c)
            out.position[at(layout.offset[at(out.block[at(i)])] + out.level[at(i)] * k + c)] =
                out.start[at(i)] + c;
    }
    // Symbolic factorisation by nodes: a column takes over what its children leave below it.
    std::vector<std::vector<std::int32_t>> below(at(n_nodes)), children(at(n_nodes));
    for (const auto& [a, b] : *edges) {
        const auto i = position[at(a)], j = position[at(b)];
        below[at(std::min(i, j))].push_back(std::max(i, j));
    }
    const double budget = 0.25 * 0.5 * static_cast<double>(m) * static_cast<double>(m);
    double values = 0.0;
    std::vector<std::int32_t> merged;
    for (Index i = 0; i < n_nodes; ++i) {
        auto& mine = below[at(i)];
        std::sort(mine.begin(), mine.end());
        for (const auto child : children[at(i)]) {
            merged.clear();
            std::set_union(mine.begin(), mine.end(), below[at(child)].begin() + 1,
                           below[at(child)].end(), std::back_inserter(merged));
            mine = merged;
        }
        double rows = static_cast<double>(out.size(i));
        for (const auto other : mine) rows += static_cast<double>(out.size(other));
        values += rows * static_cast<double>(out.size(i));
        if (values > budget) return std::nullopt;
        if (!mine.empty()) children[at(mine.front())].push_back(static_cast<std::int32_t>(i));
    }
    out.ptr.assign(1, 0);
    out.column.assign(1, 0);
    for (Index i = 0; i < n_nodes; ++i) {
        out.below.insert(out.below.end(), below[at(i)].begin(), below[at(i)].end());
        out.ptr.push_back(static_cast<Index>(out.below.size()));
        for (Index c = 0; c < out.size(i); ++c) {
            for (Index r = c; r < out.size(i); ++r)
                out.row.push_back(static_cast<std::int32_t>(out.start[at(i)] + r));
            for (const auto other : below[at(i)])
                for (Index r = 0; r < out.size(other); ++r)
                    out.row.push_back(static_cast<std::int32_t>(out.start[at(other)] + r));
            out.column.push_back(static_cast<Index>(out.row.size()));
        }
    }
    return out;
}

}  // namespace partialpool
