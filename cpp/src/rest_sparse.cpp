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

template <class Visit>
void SparseRest::visit_values(const CrossProducts& cp, Visit&& visit) const {
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const auto& block = cp.blocks[at(t) + 1];
        const Index k = block.k, offset = layout_.offset[at(t)];
        for (Index l = 0; l < block.q; ++l)
            for (Index r = 0; r < k; ++r)
                for (Index c = 0; c <= r; ++c)
                    visit(offset + l * k + r, offset + l * k + c, block.a(l)(r, c));
        for (Index u = t + 1; u < layout_.n_blocks(); ++u) {
            const auto& pairs = cp.pair(t + 1, u + 1);
            const Index ku = layout_.k[at(u)];
            for (Index l = 0; l < block.q; ++l)
                for (Index e = pairs.ptr[at(l)]; e < pairs.ptr[at(l) + 1]; ++e)
                    for (Index r = 0; r < ku; ++r)
                        for (Index c = 0; c < k; ++c)
                            visit(layout_.offset[at(u)] + pairs.other[at(e)] * ku + r,
                                  offset + l * k + c, pairs.values[at((e * ku + r) * k + c)]);
        }
    }
}

SparseRest::SparseRest(RestLayout layout, SparsePattern pattern, const CrossProducts& cp,
                       const Contacts& contacts)
    : layout_(std::move(layout)), pattern_(std::move(pattern)) {
    visit_values(cp, [&](Index row, Index column, double) {
        const Index r = pattern_.position[at(row)], c = pattern_.position[at(column)];
        places_.push_back(pattern_.find(std::max(r, c), std::min(r, c)));
    });
    refill(cp);
    slot_start_.assign(1, 0);
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        const auto* cols = contacts.cols(j);
        for (Index a = 0; a < contacts.count(j); ++a)
            for (Index b = 0; b <= a; ++b) {
                const Index r = pattern_.position[at(cols[a])], c = pattern_.position[at(cols[b])];
                slots_.push_back(pattern_.find(std::max(r, c), std::min(r, c)));
            }
        slot_start_.push_back(static_cast<Index>(slots_.size()));
    }
}

void SparseRest::refill(const CrossProducts& cp) {
    a22_.assign(at(pattern_.n_values()), 0.0);
    auto place = places_.begin();
    visit_values(cp, [&](Index, Index, double value) { a22_[at(*place++)] = value; });
}

void SparseRest::form(const Contacts& contacts) {
    K_ = a22_;
    const Index k = contacts.k;
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        const double* u = contacts.u.data() + contacts.ptr[at(j)] * k;
        const Index* slot = slots_.data() + slot_start_[at(j)];
        for (Index a = 0; a < contacts.count(j); ++a)
            for (Index b = 0; b <= a; ++b) {
                double sum = 0.0;
                for (Index r = 0; r < k; ++r) sum += u[a * k + r] * u[b * k + r];
                K_[at(*slot++)] -= sum;
            }
    }
}

Matrix SparseRest::block_diagonal(const std::vector<double>& values, Index node) const {
    const Index k = pattern_.size(node), first = pattern_.start[at(node)];
    Matrix out(k, k);
    for (Index c = 0; c < k; ++c) {
        const Index begin = pattern_.column[at(first + c)];
        for (Index r = c; r < k; ++r) out(r, c) = out(c, r) = values[at(begin + r - c)];
    }
    return out;
}

/// Visit the nodes below a node: visit(other, first entry's offset behind the own rows).
template <class Visit>
void SparseRest::visit_below(Index node, Visit&& visit) const {
    Index offset = 0;
    for (Index e = pattern_.ptr[at(node)]; e < pattern_.ptr[at(node) + 1]; ++e) {
        const Index other = pattern_.below[at(e)];
        visit(other, offset);
        offset += pattern_.size(other);
    }
}

Matrix SparseRest::block_below(const std::vector<double>& values, Index node, Index offset) const {
    // `offset` rows behind the node's own; the caller resizes to the other node's rows.
    const Index k = pattern_.size(node), first = pattern_.start[at(node)];
    const Index begin = pattern_.column[at(first)] + k + offset;
    const Index other_row = pattern_.row[at(begin)];
    const auto found =
        std::upper_bound(pattern_.start.begin(), pattern_.start.end(), other_row) - 1;
    const Index rows = pattern_.size(found - pattern_.start.begin());
    Matrix out(rows, k);
    for (Index c = 0; c < k; ++c) {
        const Index from = pattern_.column[at(first + c)] + (k - c) + offset;
        for (Index r = 0; r < rows; ++r) out(r, c) = values[at(from + r)];
    }
    return out;
}

bool SparseRest::factor(const std::vector<Matrix>& lambda) {
    lambda_ = lambda;
    factor_.assign(K_.size(), 0.0);
    for (Index node = 0; node < pattern_.nodes(); ++node) {
        const Index k = pattern_.size(node), first = pattern_.start[at(node)];
        const Matrix& right = lambda_of(node);
        const Matrix own = right.transpose() * block_diagonal(K_, node) * right;
        for (Index c = 0; c < k; ++c)
            for (Index r = c; r < k; ++r)
                factor_[at(pattern_.column[at(first + c)] + r - c)] = own(r, c) + (r == c);
        visit_below(node, [&](Index other, Index offset) {
            if (k == 1 && pattern_.size(other) == 1) {
                const Index i = pattern_.column[at(first)] + 1 + offset;
                factor_[at(i)] = lambda_of(other)(0, 0) * K_[at(i)] * right(0, 0);
                return;
            }
            const Matrix scaled =
                lambda_of(other).transpose() * block_below(K_, node, offset) * right;
            for (Index c = 0; c < k; ++c)
                for (Index r = 0; r < scaled.rows(); ++r)
                    factor_[at(pattern_.column[at(first + c)] + (k - c) + offset + r)] =
                        scaled(r, c);
        });
    }
    // Left-looking: column j takes what the columns with an entry in row j leave behind.
    const Index m = layout_.m;
    std::vector<Index> next(at(m), -1), head(at(m), -1), cursor(at(m), 0);
    std::vector<double> work(at(m), 0.0);
    for (Index j = 0; j < m; ++j) {
        const Index begin = pattern_.column[at(j)], end = pattern_.column[at(j) + 1];
        for (Index i = begin; i < end; ++i) work[at(pattern_.row[at(i)])] = factor_[at(i)];
        for (Index c = head[at(j)]; c >= 0;) {
            const Index following = next[at(c)], from = cursor[at(c)];
            const Index stop = pattern_.column[at(c) + 1];
            const double x = factor_[at(from)];
            for (Index i = from; i < stop; ++i) work[at(pattern_.row[at(i)])] -= x * factor_[at(i)];
            if (from + 1 < stop) {
                cursor[at(c)] = from + 1;
                const auto row = at(pattern_.row[at(from + 1)]);
                next[at(c)] = head[row];
                head[row] = c;
            }
            c = following;
        }
        // Not (pivot > 0): a NaN slips past pivot <= 0.
        if (!(work[at(j)] > 0.0)) return false;
        const double pivot = std::sqrt(work[at(j)]);
        factor_[at(begin)] = pivot;
        for (Index i = begin + 1; i < end; ++i)
            factor_[at(i)] = work[at(pattern_.row[at(i)])] / pivot;
        if (begin + 1 < end) {
            cursor[at(j)] = begin + 1;
            const auto row = at(pattern_.row[at(begin + 1)]);
            next[at(j)] = head[row];
            head[row] = j;
        }
    }
    return true;
}

double SparseRest::log_determinant() const {
    LogProduct product;
    for (Index j = 0; j < layout_.m; ++j) product.multiply(factor_[at(pattern_.column[at(j)])]);
    return 2.0 * product.value();
}

void SparseRest::half_solve(Matrix& b) const {
    Matrix x(b.rows(), b.cols());
    for (Index i = 0; i < layout_.m; ++i) x.row(pattern_.position[at(i)]) = b.row(i);
    for (Index c = 0; c < x.cols(); ++c)
        for (Index j = 0; j < layout_.m; ++j) {
            const Index begin = pattern_.column[at(j)];
            const double value = x(j, c) / factor_[at(begin)];
            x(j, c) = value;
            if (value == 0.0) continue;
            for (Index i = begin + 1; i < pattern_.column[at(j) + 1]; ++i)
                x(pattern_.row[at(i)], c) -= factor_[at(i)] * value;
        }
    b = x;
}

void SparseRest::back_solve(Matrix& b) const {
    Matrix x = b;
    for (Index c = 0; c < x.cols(); ++c)
        for (Index j = layout_.m - 1; j >= 0; --j) {
            const Index begin = pattern_.column[at(j)];
            double value = x(j, c);
            for (Index i = begin + 1; i < pattern_.column[at(j) + 1]; ++i)
                value -= factor_[at(i)] * x(pattern_.row[at(i)], c);
            x(j, c) = value / factor_[at(begin)];
        }
    for (Index i = 0; i < layout_.m; ++i) b.row(i) = x.row(pattern_.position[at(i)]);
}

Matrix SparseRest::multiply(const Matrix& b) const {
    Matrix x(b.rows(), b.cols()), y = Matrix::Zero(b.rows(), b.cols());
    for (Index i = 0; i < layout_.m; ++i) x.row(pattern_.position[at(i)]) = b.row(i);
    for (Index j = 0; j < layout_.m; ++j) {
        const Index begin = pattern_.column[at(j)];
        y.row(j) += K_[at(begin)] * x.row(j);
        for (Index i = begin + 1; i < pattern_.column[at(j) + 1]; ++i) {
            const Index r = pattern_.row[at(i)];
            y.row(r) += K_[at(i)] * x.row(j);
            y.row(j) += K_[at(i)] * x.row(r);
        }
    }
    for (Index i = 0; i < layout_.m; ++i) x.row(i) = y.row(pattern_.position[at(i)]);
    return x;
}

/// S^-1 on the pattern of the factor (Takahashi, Fagan & Chen 1973), last column first.
void SparseRest::invert() {
    inverse_.assign(factor_.size(), 0.0);
    std::vector<double> sum(at(layout_.m), 0.0), l(at(layout_.m), 0.0);
    std::vector<char> here(at(layout_.m), 0);
    for (Index j = layout_.m - 1; j >= 0; --j) {
        const Index begin = pattern_.column[at(j)], end = pattern_.column[at(j) + 1];
        for (Index i = begin + 1; i < end; ++i) {
            const auto r = at(pattern_.row[at(i)]);
            here[r] = 1;
            sum[r] = 0.0;
            l[r] = factor_[at(i)];
        }
        for (Index i = begin + 1; i < end; ++i) {
            const auto k = at(pattern_.row[at(i)]);
            for (Index e = pattern_.column[k]; e < pattern_.column[k + 1]; ++e) {
                const auto r = at(pattern_.row[at(e)]);
                if (!here[r]) continue;
                sum[r] += inverse_[at(e)] * l[k];
                if (r != k) sum[k] += inverse_[at(e)] * l[r];
            }
        }
        const double pivot = factor_[at(begin)];
        double own = 1.0 / pivot;
        for (Index i = begin + 1; i < end; ++i) {
            const auto r = at(pattern_.row[at(i)]);
            inverse_[at(i)] = -sum[r] / pivot;
            own -= l[r] * inverse_[at(i)];
            here[r] = 0;
        }
        inverse_[at(begin)] = own / pivot;
    }
}

Matrix SparseRest::mixed_trace(Index t) const {
    const Index k = layout_.k[at(t)];
    Matrix sum = Matrix::Zero(k, k);
    for (Index node = 0; node < pattern_.nodes(); ++node) {
        const bool mine = pattern_.block[at(node)] == t;
        if (mine)
            sum += block_diagonal(K_, node) * lambda_of(node) * block_diagonal(inverse_, node);
        visit_below(node, [&](Index other, Index offset) {
            const bool theirs = pattern_.block[at(other)] == t;
            if (!mine && !theirs) return;
            const Matrix kb = block_below(K_, node, offset);
            const Matrix ib = block_below(inverse_, node, offset);
            if (mine) sum += kb.transpose() * lambda_of(other) * ib;
            if (theirs) sum += kb * lambda_of(node) * ib.transpose();
        });
    }
    return sum;
}

Matrix SparseRest::exact_trace(Index t) const {
    const Index k = layout_.k[at(t)];
    Matrix sum = Matrix::Zero(k, k);
    Matrix unit(layout_.m, k);
    for (Index l = 0; l < layout_.q[at(t)]; ++l) {
        const Index first = layout_.offset[at(t)] + l * k;
        unit.setZero();
        for (Index c = 0; c < k; ++c) unit(first + c, c) = 1.0;
        Matrix column = multiply(unit);
        sum += column.middleRows(first, k);
        multiply_levels(layout_, lambda_, true, column);
        half_solve(column);
        sum -= column.transpose() * column;
    }
    return sum;
}

void SparseRest::contact_forms(const Contacts& contacts, const std::vector<double>& scaled,
                               std::vector<double>& forms) const {
    const Index k = contacts.k;
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        const double* s = scaled.data() + contacts.ptr[at(j)] * k;
        const Index* slot = slots_.data() + slot_start_[at(j)];
        double* form = forms.data() + j * k * k;
        std::fill(form, form + k * k, 0.0);
        for (Index a = 0; a < contacts.count(j); ++a)
            for (Index b = 0; b <= a; ++b) {
                const double z = inverse_[at(*slot++)];
                for (Index r = 0; r < k; ++r)
                    for (Index c = 0; c < k; ++c) {
                        form[r * k + c] += s[a * k + r] * z * s[b * k + c];
                        if (a != b) form[r * k + c] += s[b * k + r] * z * s[a * k + c];
                    }
            }
    }
}

void SparseRest::gather(const Contacts& contacts, Index j, double* out) const {
    const Index count = contacts.count(j);
    const Index* slot = slots_.data() + slot_start_[at(j)];
    for (Index a = 0; a < count; ++a)
        for (Index b = 0; b <= a; ++b)
            out[a * count + b] = out[b * count + a] = inverse_[at(*slot++)];
}

void SparseRest::diagonal_blocks(Index t, double* out) const {
    const Index k = layout_.k[at(t)];
    for (Index node = 0; node < pattern_.nodes(); ++node)
        if (pattern_.block[at(node)] == t)
            RowMap(out + pattern_.level[at(node)] * k * k, k, k) = block_diagonal(inverse_, node);
}

}  // namespace partialpool
