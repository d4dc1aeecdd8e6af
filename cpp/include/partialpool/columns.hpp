#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "partialpool/matrix.hpp"
#include "partialpool/threads.hpp"

namespace partialpool {

/// Rows per parallel chunk: fixed, so that sums don't depend on the number of threads.
inline constexpr Index chunk_rows = 32768;
/// Rows worked on at a time, column by column: few enough to stay in the cache.
inline constexpr Index batch_rows = 256;

/// Room for a batch of rows, which its thread keeps for the next one: asking for so much anew
/// takes longer than the arithmetic of a small problem.
class Batch {
public:
    Batch(Index rows, Index columns) : rows_(rows), columns_(columns) {
        if (!spare().empty()) {
            numbers_ = std::move(spare().back());
            spare().pop_back();
        }
        const auto size = static_cast<std::size_t>(rows * columns);
        if (numbers_.size() < size) numbers_.resize(size);
    }
    ~Batch() {
        if (numbers_.size() <= most_kept && spare().size() < 4)
            spare().push_back(std::move(numbers_));
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    MatrixMap rows() { return {numbers_.data(), rows_, columns_}; }
    Eigen::Map<const Matrix> rows() const { return {numbers_.data(), rows_, columns_}; }

private:
    static constexpr std::size_t most_kept = 1 << 16;
    static std::vector<std::vector<double>>& spare() {
        thread_local std::vector<std::vector<double>> batches;
        return batches;
    }

    Index rows_, columns_;
    std::vector<double> numbers_;
};

/// Mean and extremes of each column over the rows with weight.
struct ColumnSummary {
    double count = 0.0;  ///< rows with weight
    Vector mean, low, high;

    explicit ColumnSummary(Index k = 0)
        : mean(Vector::Zero(k)),
          low(Vector::Constant(k, std::numeric_limits<double>::infinity())),
          high(Vector::Constant(k, -std::numeric_limits<double>::infinity())) {}

    double deviation(Index c, double centre) const {
        return std::max(std::abs(high(c) - centre), std::abs(low(c) - centre));
    }

    /// Take in what other rows say.
    void add(const ColumnSummary& other) {
        const double all = count + other.count;
        if (!(other.count > 0.0)) return;
        // Shares before sums: those of 1e300 would overflow.
        mean = mean * (count / all) + other.mean * (other.count / all);
        low = low.cwiseMin(other.low);
        high = high.cwiseMax(other.high);
        count = all;
    }
};

/// Move the rows with weight to the front and count them.
inline Index drop_unused(const double* weights, Eigen::Ref<Matrix> rows) {
    if (!weights) return rows.rows();
    Index size = 0;
    for (Index i = 0; i < rows.rows(); ++i)
        if (weights[i] > 0.0) rows.row(size++) = rows.row(i);
    return size;
}

/// `read(i, out)` writes rows i, i + 1, ... as many as `out` has, k columns.
template <class Read>
ColumnSummary summarise(Index n, Index k, const double* weights, const Read& read) {
    const Index n_chunks = (n + chunk_rows - 1) / chunk_rows;
    std::vector<ColumnSummary> parts(static_cast<std::size_t>(n_chunks));
    for_chunks(n_chunks, [&](Index chunk) {
        ColumnSummary s(k);
        const Index begin = chunk * chunk_rows, end = std::min(n, begin + chunk_rows);
        Batch room(std::min(batch_rows, end - begin), k);
        MatrixMap batch = room.rows();
        for (Index i = begin; i < end; i += batch_rows) {
            const Index size = std::min(batch_rows, end - i);
            read(i, batch.topRows(size));
            const Index used = drop_unused(weights ? weights + i : nullptr, batch.topRows(size));
            s.count += static_cast<double>(used);
            for (Index c = 0; c < k && used > 0; ++c) {
                const auto column = batch.col(c).head(used);
                s.mean(c) += column.sum();
                s.low(c) = std::min(s.low(c), column.minCoeff());
                s.high(c) = std::max(s.high(c), column.maxCoeff());
            }
        }
        if (s.count > 0.0) s.mean /= s.count;
        parts[static_cast<std::size_t>(chunk)] = std::move(s);
    });
    ColumnSummary total(k);
    for (const auto& part : parts) total.add(part);
    return total;
}

/// Upper triangular factor of the QR factorisation of n rows, read in batches.
///
/// Every batch is reduced together with the triangle so far by Householder reflections, so no
/// copy of the rows exists and no digits go into forming X'X. `read` as above.
template <class Read>
Matrix triangular_factor(Index n, Index k, const Read& read) {
    const Index n_chunks = std::max<Index>(1, (n + chunk_rows - 1) / chunk_rows);
    std::vector<Matrix> parts(static_cast<std::size_t>(n_chunks));
    for_chunks(n_chunks, [&](Index chunk) {
        const Index begin = chunk * chunk_rows, end = std::min(n, begin + chunk_rows);
        Matrix r = Matrix::Zero(k, k);
        Batch room(std::min(batch_rows, end - begin), k);
        MatrixMap batch = room.rows();
        for (Index i = begin; i < end; i += batch_rows) {
            auto rows = batch.topRows(std::min(batch_rows, end - i));
            read(i, rows);
            append_rows(r, rows);
        }
        parts[static_cast<std::size_t>(chunk)] = std::move(r);
    });
    for (std::size_t chunk = 1; chunk < parts.size(); ++chunk) append_rows(parts[0], parts[chunk]);
    return parts[0];
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

    /// Map rows of the kept columns, in place.
    void apply(Eigen::Ref<Matrix> rows) const {
        const Index m = size();
        if (constant != 0.0)
            for (Index c = m - 1; c >= 0; --c) {
                if (centre(c) == 0.0) continue;
                rows.col(c) -= centre(c) * (rows.col(0) / constant);
            }
        // From the last column to the first, as each needs those before it.
        for (Index c = m - 1; c >= 0; --c) {
            rows.col(c) *= transform(c, c);
            for (Index r = 0; r < c; ++r) rows.col(c) += transform(r, c) * rows.col(r);
        }
    }

    void apply(const double* row, double factor, double* out) const {
        MatrixMap mapped(out, 1, size());
        for (Index c = 0; c < size(); ++c) mapped(0, c) = row[kept[static_cast<std::size_t>(c)]];
        apply(mapped);
        mapped *= factor;
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
