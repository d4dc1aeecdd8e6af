#include "partialpool/row_stream.hpp"

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

}  // namespace partialpool
