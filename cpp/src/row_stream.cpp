#include "partialpool/row_stream.hpp"

#include <algorithm>
#include <stdexcept>

namespace partialpool {
namespace {

Rows without_numbers(Rows rows) {
    rows.n = 0;
    rows.X = rows.y = rows.weights = rows.offset = nullptr;
    for (auto& block : rows.blocks) {
        block.codes = nullptr;
        for (auto& term : block.terms) term.basis = nullptr;
    }
    return rows;
}

/// Union of the pairs that two sets of rows hold.
Pairs merged(const Pairs& a, const Pairs& b, Index numbers) {
    Pairs out;
    const auto size = static_cast<std::size_t>(numbers);
    out.ptr.push_back(0);
    const auto append = [&](const Pairs& from, std::size_t at) {
        const auto begin = from.values.begin() + static_cast<Index>(at * size);
        out.other.push_back(from.other[at]);
        out.values.insert(out.values.end(), begin, begin + numbers);
    };
    for (std::size_t l = 0; l + 1 < a.ptr.size(); ++l) {
        auto i = static_cast<std::size_t>(a.ptr[l]), j = static_cast<std::size_t>(b.ptr[l]);
        const auto end_i = static_cast<std::size_t>(a.ptr[l + 1]);
        const auto end_j = static_cast<std::size_t>(b.ptr[l + 1]);
        while (i < end_i || j < end_j) {
            const bool first = j == end_j || (i < end_i && a.other[i] <= b.other[j]);
            const bool both = i < end_i && j < end_j && a.other[i] == b.other[j];
            append(first ? a : b, first ? i++ : j);
            if (both) {
                const double* more = b.values.data() + j * size;
                double* sum = out.values.data() + (out.other.size() - 1) * size;
                for (std::size_t v = 0; v < size; ++v) sum[v] += more[v];
            }
            if (both || !first) ++j;
        }
        out.ptr.push_back(static_cast<Index>(out.other.size()));
    }
    return out;
}

void require(bool fits) {
    if (!fits) throw std::invalid_argument("the sums of a saved model don't fit its design");
}

void require_columns(const ColumnSummary& summary, Index k) {
    require(summary.mean.size() == k && summary.low.size() == k && summary.high.size() == k);
}

void require_square(const Matrix& r, Index k) { require(r.rows() <= k && r.cols() == k); }

/// What finding the scaling reads.
void require_fit(const Rows& rows, const RowSummary& summary, const RowTriangles& triangles) {
    require_columns(summary.x, rows.p);
    require_columns(summary.y, 1);
    require_square(triangles.xy, rows.p + 1);
    require(summary.z.size() == rows.blocks.size() && triangles.z.size() == rows.blocks.size());
    for (std::size_t b = 0; b < rows.blocks.size(); ++b) {
        const auto& terms = rows.blocks[b].terms;
        require(summary.z[b].size() == terms.size() && triangles.z[b].size() == terms.size());
        for (std::size_t t = 0; t < terms.size(); ++t) {
            require_columns(summary.z[b][t], terms[t].k);
            require_square(triangles.z[b][t], terms[t].k);
        }
    }
}

void require_fit(const Pairs& pairs, const Block& first, const Block& second) {
    require(static_cast<Index>(pairs.ptr.size()) == first.q + 1 && pairs.ptr.front() == 0 &&
            std::is_sorted(pairs.ptr.begin(), pairs.ptr.end()) &&
            pairs.ptr.back() == static_cast<Index>(pairs.other.size()) &&
            pairs.values.size() ==
                pairs.other.size() * static_cast<std::size_t>(first.k * second.k));
    require(std::all_of(pairs.other.begin(), pairs.other.end(),
                        [&](std::int32_t level) { return level >= 0 && level < second.q; }));
}

void require_fit(const Rows& rows, const CrossProducts& products, Index p) {
    require(products.p == p && products.C.rows() == p + 1 && products.C.cols() == p + 1);
    require(products.blocks.size() == rows.blocks.size());
    const auto size = [](Index q, Index k, Index width) {
        return static_cast<std::size_t>(q * k * width);
    };
    for (std::size_t b = 0; b < products.blocks.size(); ++b) {
        const Block& block = products.blocks[b];
        require(block.q == rows.blocks[b].q && block.k == detail::block_width(rows.blocks[b]));
        require(block.A.size() == size(block.q, block.k, block.k) &&
                block.B.size() == size(block.q, block.k, p + 1));
    }
    const auto n = products.blocks.size();
    require(products.pairs.size() == n * (n - std::min<std::size_t>(n, 1)) / 2);
    std::size_t at = 0;
    for (std::size_t t = 0; t < n; ++t)
        for (std::size_t u = t + 1; u < n; ++u, ++at)
            require_fit(products.pairs[at], products.blocks[t], products.blocks[u]);
}

}  // namespace

void add(CrossProducts& products, const CrossProducts& other) {
    // Without random terms C is what the scaling has made it.
    if (products.blocks.empty()) return;
    products.C += other.C;
    for (std::size_t t = 0; t < products.blocks.size(); ++t) {
        Block& block = products.blocks[t];
        for (std::size_t i = 0; i < block.A.size(); ++i) block.A[i] += other.blocks[t].A[i];
        for (std::size_t i = 0; i < block.B.size(); ++i) block.B[i] += other.blocks[t].B[i];
    }
    std::size_t at = 0;
    for (std::size_t t = 0; t < products.blocks.size(); ++t)
        for (std::size_t u = t + 1; u < products.blocks.size(); ++u, ++at)
            products.pairs[at] = merged(products.pairs[at], other.pairs[at],
                                        products.blocks[t].k * products.blocks[u].k);
}

void RowStream::summarise(const Rows& rows) {
    RowSummary batch = summarise_rows(rows);
    if (summarised_) {
        summary_.add(batch);
        return;
    }
    structure_ = without_numbers(rows);
    summary_ = std::move(batch);
    summarised_ = true;
}

void RowStream::factor(const Rows& rows) {
    RowTriangles batch = factor_rows(rows, summary_);
    if (factored_)
        triangles_.add(batch);
    else
        triangles_ = std::move(batch);
    factored_ = true;
}

void RowStream::find_scaling() {
    scaling_ = partialpool::find_scaling(structure_, summary_, triangles_);
}

void RowStream::accumulate(const Rows& rows) {
    CrossProducts batch = partialpool::accumulate(rows, scaling_, used());
    if (accumulated_)
        add(products_, batch);
    else
        products_ = std::move(batch);
    accumulated_ = true;
}

void RowStream::restore(const Rows& structure, RowSummary summary, RowTriangles triangles,
                        CrossProducts products) {
    structure_ = without_numbers(structure);
    require_fit(structure_, summary, triangles);
    summary_ = std::move(summary);
    triangles_ = std::move(triangles);
    find_scaling();
    require(scaling_.solvable());
    require_fit(structure_, products, scaling_.x.size());
    products_ = std::move(products);
}

}  // namespace partialpool
