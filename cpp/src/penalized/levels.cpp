#include "partialpool/penalized/levels.hpp"

#include <algorithm>
#include <cmath>

#include "partialpool/threads.hpp"

namespace partialpool::penalized {
namespace {

// Chunks don't depend on the number of threads, so that sums come out the same for any.
constexpr Index levels_per_chunk = 64;
constexpr Index rows_per_chunk = 8192;
constexpr Index rows_at_once = 256;

Index chunks(Index n, Index size) { return (n + size - 1) / size; }

template <class Work>
void for_levels(Index q, Work&& work) {
    for_chunks(chunks(q, levels_per_chunk), [&](Index chunk) {
        const Index last = std::min(q, (chunk + 1) * levels_per_chunk);
        for (Index j = chunk * levels_per_chunk; j < last; ++j) work(j);
    });
}

/// Copy some rows below each other, the first of the two times their weights.
void gather(const Index* rows, Index count, const Table& table, const double* weights,
            RowMatrix& out) {
    for (Index i = 0; i < count; ++i) {
        const double* from = table.row(rows[i]);
        const double w = weights ? weights[rows[i]] : 1.0;
        double* to = out.data() + i * table.columns;
        for (Index c = 0; c < table.columns; ++c) to[c] = w * from[c];
    }
}

/// Lower Cholesky factor of a row-major matrix in place, zeros above.
bool cholesky(double* a, Index k) noexcept {
    for (Index r = 0; r < k; ++r) {
        double* row = a + r * k;
        for (Index c = 0; c <= r; ++c) {
            const double* other = a + c * k;
            double value = row[c];
            for (Index i = 0; i < c; ++i) value -= row[i] * other[i];
            if (c < r) {
                row[c] = value / other[c];
            } else {
                // Not "value <= 0": a NaN would pass.
                if (!(value > 0.0)) return false;
                row[c] = std::sqrt(value);
            }
        }
        std::fill(row + r + 1, row + k, 0.0);
    }
    return true;
}

/// x <- L^-1 x for the m columns of a row-major x.
void solve_lower(const double* L, Index k, Index m, double* x) noexcept {
    for (Index r = 0; r < k; ++r) {
        double* row = x + r * m;
        for (Index c = 0; c < r; ++c) {
            const double l = L[r * k + c];
            const double* other = x + c * m;
            for (Index i = 0; i < m; ++i) row[i] -= l * other[i];
        }
        const double inverse = 1.0 / L[r * k + r];
        for (Index i = 0; i < m; ++i) row[i] *= inverse;
    }
}

/// P_j, row major.
void penalty_of(const Levels& levels, Index j, double* P) noexcept {
    const Index k = levels.k;
    std::fill(P, P + k * k, 0.0);
    for (Index i = 0; i < k; ++i) P[i * k + i] = levels.diag[j * k + i];
}

double trace(const double* a, Index k) noexcept {
    double sum = 0.0;
    for (Index i = 0; i < k; ++i) sum += a[i * k + i];
    return sum;
}

/// Room for what is left of the border's own columns at one level.
struct Left {
    std::vector<double> P, W, A;
    std::vector<char> own;

    explicit Left(const Levels& levels)
        : P(static_cast<std::size_t>(levels.k * levels.k)),
          W(P.size()),
          A(P.size()),
          own(static_cast<std::size_t>(levels.m), 0) {
        if (levels.shared)
            for (Index i = 0; i < levels.k; ++i)
                own[static_cast<std::size_t>(levels.shared[i])] = 1;
    }
};

/// Replace the products of own columns in S, where V'V has been added, by what is left of them.
void add_left(const Levels& levels, Index j, const double* L, const double* V, Left& left,
              double* S) noexcept {
    const Index k = levels.k, m = levels.m;
    double* P = left.P.data();
    double* W = left.W.data();
    double* A = left.A.data();
    for (Index i = 0; i < k * k; ++i) A[i] = levels.scale * levels.A[j * k * k + i];
    std::copy(P, P + k * k, W);
    solve_lower(L, k, k, W);  // W = L^-1 P: A - A M^-1 A = P - W'W
    const bool heavy = trace(A, k) > trace(P, k);
    const double omega = levels.omega[j];
    for (Index r = 0; r < k; ++r)
        for (Index c = 0; c < k; ++c) {
            double value = omega * omega * (heavy ? P[r * k + c] : A[r * k + c]);
            for (Index i = 0; i < k; ++i)
                value -= heavy ? omega * omega * W[i * k + r] * W[i * k + c]
                               : V[i * m + levels.shared[r]] * V[i * m + levels.shared[c]];
            S[levels.shared[r] * m + levels.shared[c]] += value;
        }
    for (Index c = 0; c < m; ++c) {
        if (left.own[static_cast<std::size_t>(c)]) continue;
        for (Index r = 0; r < k; ++r) {
            double value = 0.0;  // P M^-1 B = W'V
            for (Index i = 0; i < k; ++i) value += W[i * k + r] * V[i * m + c];
            value *= omega;
            S[levels.shared[r] * m + c] += value;
            S[c * m + levels.shared[r]] += value;
        }
    }
}

/// S += V'V for the columns that are not Z's own; both triangles.
void add_others(const double* V, Index k, Index m, const std::vector<char>& own,
                double* S) noexcept {
    for (Index r = 0; r < m; ++r) {
        if (own[static_cast<std::size_t>(r)]) continue;
        for (Index i = 0; i < k; ++i) {
            const double v = V[i * m + r];
            for (Index c = 0; c < m; ++c)
                if (!own[static_cast<std::size_t>(c)]) S[r * m + c] += v * V[i * m + c];
        }
    }
}

}  // namespace

LevelOrder::LevelOrder(const std::int32_t* codes, Index n, Index q)
    : start_(static_cast<std::size_t>(q) + 1, 0) {
    for (Index i = 0; i < n; ++i)
        if (codes[i] >= 0) ++start_[static_cast<std::size_t>(codes[i]) + 1];
    for (std::size_t j = 1; j < start_.size(); ++j) start_[j] += start_[j - 1];
    rows_.resize(static_cast<std::size_t>(start_.back()));
    auto next = start_;
    for (Index i = 0; i < n; ++i)
        if (codes[i] >= 0)
            rows_[static_cast<std::size_t>(next[static_cast<std::size_t>(codes[i])]++)] = i;
}

void products(const LevelOrder& order, const Table& Z, const Table& X, const double* weights,
              double* out) {
    const Index k = Z.columns, m = X.columns;
    for_chunks(chunks(order.levels(), levels_per_chunk), [&](Index chunk) {
        RowMatrix z(rows_at_once, k), x(rows_at_once, m);
        const Index last = std::min(order.levels(), (chunk + 1) * levels_per_chunk);
        for (Index j = chunk * levels_per_chunk; j < last; ++j) {
            RowMap product(out + j * k * m, k, m);
            product.setZero();
            for (const Index* at = order.begin(j); at < order.end(j); at += rows_at_once) {
                const Index count = std::min<Index>(rows_at_once, order.end(j) - at);
                gather(at, count, Z, weights, z);
                gather(at, count, X, nullptr, x);
                product.noalias() += z.topRows(count).transpose() * x.topRows(count);
            }
        }
    });
}

void sums(const LevelOrder& order, const Table& Z, const double* a, double* out) {
    const Index k = Z.columns;
    for_levels(order.levels(), [&](Index j) {
        double* to = out + j * k;
        std::fill(to, to + k, 0.0);
        for (const Index* at = order.begin(j); at < order.end(j); ++at) {
            const double* z = Z.row(*at);
            for (Index c = 0; c < k; ++c) to[c] += a[*at] * z[c];
        }
    });
}

void add_values(const std::int32_t* codes, const Table& Z, const double* v, double* out) noexcept {
    for_chunks(chunks(Z.rows, rows_per_chunk), [&](Index chunk) {
        const Index last = std::min(Z.rows, (chunk + 1) * rows_per_chunk);
        for (Index i = chunk * rows_per_chunk; i < last; ++i) {
            if (codes[i] < 0) continue;
            const double* z = Z.row(i);
            const double* own = v + static_cast<Index>(codes[i]) * Z.columns;
            double value = 0.0;
            for (Index c = 0; c < Z.columns; ++c) value += z[c] * own[c];
            out[i] += value;
        }
    });
}

bool factor(const Levels& levels, double* L, double* V, double* S) {
    const Index q = levels.q, k = levels.k, m = levels.m;
    const Index n_chunks = chunks(q, levels_per_chunk);
    const auto square = static_cast<std::size_t>(m * m);
    // Sums of chunks are added in their order: a few hundred of them at a time.
    constexpr Index batch = 256;
    std::vector<double> parts;
    std::vector<char> ok(static_cast<std::size_t>(n_chunks), 1);
    for (Index first = 0; first < n_chunks; first += batch) {
        const Index count = std::min(batch, n_chunks - first);
        if (S) parts.assign(static_cast<std::size_t>(count) * square, 0.0);
        for_chunks(count, [&](Index at) {
            const Index chunk = first + at;
            const Index last = std::min(q, (chunk + 1) * levels_per_chunk);
            double* sum = S ? parts.data() + static_cast<std::size_t>(at) * square : nullptr;
            Left left(levels);
            for (Index j = chunk * levels_per_chunk; j < last; ++j) {
                double* l = L + j * k * k;
                penalty_of(levels, j, left.P.data());
                for (Index i = 0; i < k * k; ++i)
                    l[i] = levels.scale * levels.A[j * k * k + i] +
                           left.P[static_cast<std::size_t>(i)];
                if (!cholesky(l, k)) ok[static_cast<std::size_t>(chunk)] = 0;
                double* v = V + j * k * m;
                for (Index i = 0; i < k * m; ++i) v[i] = levels.scale * levels.B[j * k * m + i];
                solve_lower(l, k, m, v);
                if (!S) continue;
                add_others(v, k, m, left.own, sum);
                if (levels.shared) add_left(levels, j, l, v, left, sum);
            }
        });
        if (S)
            for (Index at = 0; at < count; ++at)
                for (std::size_t i = 0; i < square; ++i)
                    S[i] += parts[static_cast<std::size_t>(at) * square + i];
    }
    return std::all_of(ok.begin(), ok.end(), [](char good) { return good != 0; });
}

void forward(Index q, Index k, Index m, const double* L, const double* V, double* x,
             double* border) {
    for (Index j = 0; j < q; ++j) {
        double* own = x + j * k;
        solve_lower(L + j * k * k, k, 1, own);
        for (Index i = 0; i < k; ++i) {
            const double* v = V + (j * k + i) * m;
            for (Index c = 0; c < m; ++c) border[c] += v[c] * own[i];
        }
    }
}

void backward(Index q, Index k, Index m, const double* L, const double* V, const double* w,
              double* x) {
    for_levels(q, [&](Index j) {
        double* own = x + j * k;
        const double* l = L + j * k * k;
        for (Index i = 0; i < k; ++i) {
            const double* v = V + (j * k + i) * m;
            for (Index c = 0; c < m; ++c) own[i] -= v[c] * w[c];
        }
        for (Index r = k - 1; r >= 0; --r) {
            own[r] /= l[r * k + r];
            for (Index c = 0; c < r; ++c) own[c] -= l[r * k + c] * own[r];
        }
    });
}

void forms(const std::int32_t* codes, const Table& Z, const Table& X, const double* L,
           const double* V, const double* R, double* out) {
    const Index k = Z.columns, m = X.columns;
    for_chunks(chunks(X.rows, rows_per_chunk), [&](Index chunk) {
        std::vector<double> z(static_cast<std::size_t>(k)), x(static_cast<std::size_t>(m));
        const Index last = std::min(X.rows, (chunk + 1) * rows_per_chunk);
        for (Index i = chunk * rows_per_chunk; i < last; ++i) {
            std::copy(X.row(i), X.row(i) + m, x.begin());
            double value = 0.0;
            if (codes[i] >= 0) {
                const Index j = codes[i];
                std::copy(Z.row(i), Z.row(i) + k, z.begin());
                solve_lower(L + j * k * k, k, 1, z.data());
                for (Index r = 0; r < k; ++r) {
                    const double at = z[static_cast<std::size_t>(r)];
                    const double* v = V + (j * k + r) * m;
                    value += at * at;
                    for (Index c = 0; c < m; ++c) x[static_cast<std::size_t>(c)] -= at * v[c];
                }
            }
            solve_lower(R, m, 1, x.data());
            for (const double entry : x) value += entry * entry;
            out[i] = value;
        }
    });
}

}  // namespace partialpool::penalized
