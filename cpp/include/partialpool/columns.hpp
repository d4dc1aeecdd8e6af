#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "partialpool/matrix.hpp"
#include "partialpool/threads.hpp"

namespace partialpool {

/// Rows per parallel chunk: fixed, so that sums don't depend on the number of threads.
inline constexpr Index chunk_rows = 32768;

/// Columns of a row-major array, with the weights of its rows.
struct Columns {
    const double* data;
    Index n, k;
    const double* weights;  ///< (n,) or null

    double operator()(Index i, Index c) const { return data[i * k + c]; }
    double weight(Index i) const { return weights ? weights[i] : 1.0; }
};

/// Mean, extremes and largest deviation of each column over the rows with weight.
struct ColumnSummary {
    Vector mean, low, high;

    double deviation(Index c, double centre) const {
        return std::max(std::abs(high(c) - centre), std::abs(low(c) - centre));
    }
};

template <class Get>
ColumnSummary summarise(Index n, Index k, const double* weights, const Get& get) {
    const Index n_chunks = (n + chunk_rows - 1) / chunk_rows;
    std::vector<ColumnSummary> parts(static_cast<std::size_t>(n_chunks));
    std::vector<double> counts(static_cast<std::size_t>(n_chunks), 0.0);
    const double inf = std::numeric_limits<double>::infinity();
    for_chunks(n_chunks, [&](Index chunk) {
        ColumnSummary s{Vector::Zero(k), Vector::Constant(k, inf), Vector::Constant(k, -inf)};
        double count = 0.0;
        const Index end = std::min(n, (chunk + 1) * chunk_rows);
        for (Index i = chunk * chunk_rows; i < end; ++i) {
            if (weights && weights[i] == 0.0) continue;
            count += 1.0;
            for (Index c = 0; c < k; ++c) {
                const double x = get(i, c);
                s.mean(c) += x;
                s.low(c) = std::min(s.low(c), x);
                s.high(c) = std::max(s.high(c), x);
            }
        }
        // Divide before adding chunks up: sums of 1e300 would overflow.
        if (count > 0.0) s.mean /= count;
        counts[static_cast<std::size_t>(chunk)] = count;
        parts[static_cast<std::size_t>(chunk)] = std::move(s);
    });
    ColumnSummary total{Vector::Zero(k), Vector::Constant(k, inf), Vector::Constant(k, -inf)};
    double all = 0.0;
    for (const double count : counts) all += count;
    for (std::size_t chunk = 0; chunk < parts.size(); ++chunk) {
        if (counts[chunk] > 0.0) total.mean += parts[chunk].mean * (counts[chunk] / all);
        total.low = total.low.cwiseMin(parts[chunk].low);
        total.high = total.high.cwiseMax(parts[chunk].high);
    }
    return total;
}

/// Upper triangular factor of the QR factorisation of n rows, read in blocks.
///
/// Blocks of rows are stacked under the triangle so far and reduced by Householder
/// reflections, so no copy of the rows exists and no digits go into forming X'X.
/// `get_row(i, out)` writes row i, k numbers.
template <class GetRow>
Matrix triangular_factor(Index n, Index k, const GetRow& get_row) {
    constexpr Index block_rows = 256;
    const Index n_chunks = std::max<Index>(1, (n + chunk_rows - 1) / chunk_rows);
    std::vector<Matrix> parts(static_cast<std::size_t>(n_chunks));
    for_chunks(n_chunks, [&](Index chunk) {
        Matrix r = Matrix::Zero(k, k);
        Vector row(k);
        const Index end = std::min(n, (chunk + 1) * chunk_rows);
        for (Index i0 = chunk * chunk_rows; i0 < end; i0 += block_rows) {
            const Index rows = std::min(block_rows, end - i0);
            Matrix stacked(k + rows, k);
            stacked.topRows(k) = r;
            for (Index i = 0; i < rows; ++i) {
                get_row(i0 + i, row.data());
                stacked.row(k + i) = row.transpose();
            }
            r = triangle(std::move(stacked));
        }
        parts[static_cast<std::size_t>(chunk)] = std::move(r);
    });
    Matrix r = parts[0];
    for (std::size_t chunk = 1; chunk < parts.size(); ++chunk) {
        Matrix stacked(2 * k, k);
        stacked.topRows(k) = r;
        stacked.bottomRows(k) = parts[chunk];
        r = triangle(std::move(stacked));
    }
    return r;
}

/// Linear map of a row: out' = (row - (row_0 / constant) centre)' transform.
///
/// Applied in that order, because row * matrix would cancel digits when a column's mean is
/// far from zero. For a row whose first column is the constant the factor is exactly one.
struct RowMapping {
    std::vector<Index> kept;  ///< source columns, in order
    Vector centre;            ///< per kept column
    Matrix transform;         ///< scale^-1 R^-1, upper triangular
    double constant = 0.0;    ///< value of the first column, if it is what carries the centring

    Index size() const { return static_cast<Index>(kept.size()); }

    void apply(const double* row, double factor, double* out) const {
        const Index m = size();
        const double share = constant != 0.0 ? row[kept[0]] / constant : 0.0;
        for (Index c = 0; c < m; ++c) {
            double sum = 0.0;
            for (Index r = 0; r <= c; ++r)
                sum +=
                    (row[kept[static_cast<std::size_t>(r)]] - share * centre(r)) * transform(r, c);
            out[c] = factor * sum;
        }
    }

    /// T with mapped row = row * T; coefficients go back by beta = T * mapped beta.
    Matrix matrix() const {
        Matrix t = transform;
        if (constant != 0.0) t.row(0) -= (centre.transpose() / constant) * transform;
        return t;
    }

    double log_determinant() const { return transform.diagonal().array().abs().log().sum(); }
};

}  // namespace partialpool
