#pragma once

#include <numeric>

#include "partialpool/columns.hpp"

namespace partialpool::detail {

struct Ranked {
    std::vector<Index> kept, aliased;
    Matrix r;           ///< (m, m) triangle of the kept columns
    Vector rhs;         ///< (m,) their products with y
    double residual;    ///< norm of the rest of y
    Matrix dependence;  ///< (m, aliased) coordinates of the aliased columns
};

inline Matrix pick(const Matrix& from, const std::vector<Index>& columns) {
    Matrix out(from.rows(), static_cast<Index>(columns.size()));
    for (Index c = 0; c < out.cols(); ++c)
        out.col(c) = from.col(columns[static_cast<std::size_t>(c)]);
    return out;
}

/// Drop columns that depend on those to their left (R's rule) and solve for y.
///
/// `r` is the triangle of the centred, scaled [X y]. A dropped column's row of the triangle
/// is a direction of rounding noise, so the rest is reduced again without the column.
inline Ranked rank_columns(const Matrix& r, double tolerance) {
    const Index p = r.cols() - 1;
    Ranked out;
    std::vector<Index>& kept = out.kept;
    kept.resize(static_cast<std::size_t>(p));
    std::iota(kept.begin(), kept.end(), Index{0});
    Matrix work = r;
    for (std::size_t at = 0; at < kept.size();) {
        const auto place = static_cast<Index>(at);
        if (std::abs(work(place, place)) > tolerance * r.col(kept[at]).norm()) {
            ++at;
            continue;
        }
        out.aliased.push_back(kept[at]);
        kept.erase(kept.begin() + place);
        Matrix rest(r.rows(), static_cast<Index>(kept.size()) + 1);
        rest.leftCols(rest.cols() - 1) = pick(r, kept);
        rest.rightCols(1) = r.col(p);
        work.setZero(rest.cols(), rest.cols());
        append_rows(work, rest);
    }
    const auto m = static_cast<Index>(kept.size());
    out.r = work.topLeftCorner(m, m);
    out.rhs = work.col(m).head(m);
    out.residual = std::abs(work(m, m));
    out.dependence = Matrix::Zero(m, static_cast<Index>(out.aliased.size()));
    if (out.aliased.empty()) return out;
    const Matrix basis = pick(r, kept);
    for (std::size_t a = 0; a < out.aliased.size(); ++a)
        out.dependence.col(static_cast<Index>(a)) = least_squares(basis, r.col(out.aliased[a]));
    return out;
}

}  // namespace partialpool::detail
