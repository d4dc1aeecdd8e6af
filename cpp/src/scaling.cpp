#include "partialpool/cross_products.hpp"

namespace partialpool {
namespace detail {
namespace {

/// Drop columns that depend on those to their left (R's rule) and solve for y.
///
/// `r` is the triangle of the centred, scaled [X y]. A dropped column's row of the triangle
/// is a direction of rounding noise, so the rest is reduced again without the column.
struct Ranked {
    std::vector<Index> kept, aliased;
    Matrix r;           ///< (m, m) triangle of the kept columns
    Vector rhs;         ///< (m,) their products with y
    double residual;    ///< norm of the rest of y
    Matrix dependence;  ///< (m, aliased) coordinates of the aliased columns
};

Ranked rank_columns(Matrix r, double tolerance) {
    const Index p = r.cols() - 1;
    std::vector<Index> columns(static_cast<std::size_t>(p));
    for (Index c = 0; c < p; ++c) columns[static_cast<std::size_t>(c)] = c;
    Ranked out;
    Matrix work = r;
    Index at = 0;
    std::vector<Vector> dropped;
    std::vector<Index> order = columns;
    while (at < static_cast<Index>(order.size())) {
        const double norm = r.col(order[static_cast<std::size_t>(at)]).norm();
        if (std::abs(work(at, at)) > tolerance * norm) {
            ++at;
            continue;
        }
        out.aliased.push_back(order[static_cast<std::size_t>(at)]);
        order.erase(order.begin() + at);
        const Index m = static_cast<Index>(order.size());
        Matrix rest(r.rows(), m + 1);
        for (Index c = 0; c < m; ++c) rest.col(c) = r.col(order[static_cast<std::size_t>(c)]);
        rest.col(m) = r.col(p);
        work.setZero(m + 1, m + 1);
        append_rows(work, rest);
    }
    const Index m = static_cast<Index>(order.size());
    out.kept = order;
    out.r = work.topLeftCorner(m, m);
    out.rhs = work.col(m).head(m);
    out.residual = std::abs(work(m, m));
    out.dependence = Matrix::Zero(m, static_cast<Index>(out.aliased.size()));
    if (!out.aliased.empty()) {
        Matrix basis(r.rows(), m);
        for (Index c = 0; c < m; ++c) basis.col(c) = r.col(order[static_cast<std::size_t>(c)]);
        for (std::size_t a = 0; a < out.aliased.size(); ++a)
            out.dependence.col(static_cast<Index>(a)) = least_squares(basis, r.col(out.aliased[a]));
    }
    return out;
}

/// Centre and scale the columns of some rows, and multiply the rows by the roots of their weights.
void standardise(const Rows& rows, Index first, const Vector& centre, const Vector& scale,
                 Eigen::Ref<Matrix> out) {
    for (Index c = 0; c < out.cols(); ++c) out.col(c) = (out.col(c).array() - centre(c)) / scale(c);
    if (!rows.weights) return;
    const Vector roots = ConstVectorMap(rows.weights + first, out.rows()).cwiseSqrt();
    for (Index c = 0; c < out.cols(); ++c) out.col(c).array() *= roots.array();
}

/// Map of one term's columns to whitened coordinates, Z'Z / n = I as far as its structure
/// allows: full for an unstructured term, a scale per column or one scale for the others.
RowMapping whiten(const Rows& rows, const TermRows& term, Index n_used, Index& deficient) {
    const Index k = term.k;
    const auto read = [&](Index first, auto&& to) {
        to = ConstRowMap(term.basis + first * k, to.rows(), k);
    };
    const auto summary = summarise(rows.n, k, rows.weights, read);
    RowMapping map;
    map.centre = Vector::Zero(k);
    for (Index c = 0; c < k; ++c) map.kept.push_back(c);
    const bool full = term.structure == Structure::unstructured;
    if (full && summary.low(0) == summary.high(0) && summary.low(0) != 0.0) {
        map.constant = summary.low(0);
        map.centre.tail(k - 1) = summary.mean.tail(k - 1);
    }
    Vector scale(k);
    for (Index c = 0; c < k; ++c) {
        scale(c) = summary.deviation(c, map.centre(c));
        if (!(scale(c) > 0.0)) {
            deficient = c;
            scale(c) = 1.0;
        }
    }
    const Matrix r = triangular_factor(rows.n, k, [&](Index first, auto& to) {
        read(first, to);
        standardise(rows, first, map.centre, scale, to);
    });
    const double root_n = std::sqrt(static_cast<double>(n_used));
    map.transform = Matrix::Zero(k, k);
    if (full) {
        for (Index c = 0; c < k; ++c)
            if (!(std::abs(r(c, c)) > 1e-9 * r.col(c).norm())) deficient = c;
        if (deficient >= 0) return map;
        map.transform =
            root_n * scale.cwiseInverse().asDiagonal() * solve_upper(r, Matrix::Identity(k, k));
    } else if (term.structure == Structure::diagonal || term.structure == Structure::cs) {
        for (Index c = 0; c < k; ++c) map.transform(c, c) = root_n / (scale(c) * r.col(c).norm());
    } else {
        double square = 0.0;
        for (Index c = 0; c < k; ++c) square += std::pow(scale(c) * r.col(c).norm(), 2);
        map.transform.diagonal().setConstant(root_n * std::sqrt(static_cast<double>(k) / square));
    }
    return map;
}

/// Centres and scales of X; with an intercept the other columns are centred.
ColumnScales scale_columns(const Rows& rows) {
    const Index p = rows.p;
    const auto summary = summarise(rows.n, p, rows.weights, [&](Index first, auto&& to) {
        to = ConstRowMap(rows.X + first * p, to.rows(), p);
    });
    ColumnScales out{Vector::Zero(p), Vector(p), 0.0};
    if (p > 0 && summary.low(0) == summary.high(0)) out.constant = summary.low(0);
    if (out.constant != 0.0) out.centre.tail(p - 1) = summary.mean.tail(p - 1);
    for (Index c = 0; c < p; ++c) {
        out.scale(c) = summary.deviation(c, out.centre(c));
        if (!(out.scale(c) > 0.0)) out.scale(c) = 1.0;
    }
    return out;
}

/// Least squares of y on X: which columns are aliased, what is left of y.
void scale_fixed(const Rows& rows, Index n_used, Scaling& out) {
    const Index p = rows.p;
    const auto read_response = [&](Index first, auto&& to) {
        for (Index i = 0; i < to.rows(); ++i) to(i, 0) = response(rows, first + i);
    };
    const auto summary = summarise(rows.n, 1, rows.weights, read_response);
    const bool intercept = out.columns.constant != 0.0;
    Vector centre(p + 1), scale(p + 1);
    centre.head(p) = out.columns.centre;
    centre(p) = intercept ? summary.mean(0) : 0.0;
    scale.head(p) = out.columns.scale;
    scale(p) = summary.deviation(0, centre(p));
    if (!(scale(p) > 0.0)) scale(p) = 1.0;
    out.y_deviation = summary.deviation(0, summary.mean(0));
    const Matrix r = triangular_factor(rows.n, p + 1, [&](Index first, auto& to) {
        to.leftCols(p) = ConstRowMap(rows.X + first * p, to.rows(), p);
        read_response(first, to.rightCols(1));
        standardise(rows, first, centre, scale, to);
    });
    const auto ranked = rank_columns(r, 1e-7);
    const auto m = static_cast<Index>(ranked.kept.size());
    out.aliased = ranked.aliased;
    out.x.kept = ranked.kept;
    out.x.centre = Vector(m);
    Vector kept_scale(m);
    for (Index c = 0; c < m; ++c) {
        out.x.centre(c) = centre(ranked.kept[static_cast<std::size_t>(c)]);
        kept_scale(c) = scale(ranked.kept[static_cast<std::size_t>(c)]);
    }
    out.x.constant = out.columns.constant;
    out.x.transform =
        kept_scale.cwiseInverse().asDiagonal() * solve_upper(ranked.r, Matrix::Identity(m, m));
    const double y_norm = r.col(p).norm();
    out.residual_ratio = y_norm > 0.0 ? ranked.residual / y_norm : 0.0;
    const double rms = ranked.residual / std::sqrt(static_cast<double>(std::max<Index>(n_used, 1)));
    out.y_scale = scale(p) * (rms > 0.0 ? rms : 1.0);
    out.gamma = ranked.rhs;
    out.y_centre = centre(p);
    out.y_unit = scale(p);
    const Matrix back = out.x.matrix();
    out.beta0 = scale(p) * (back * ranked.rhs);
    if (intercept && m > 0) out.beta0(0) += centre(p) / out.x.constant;
    out.aliases = Matrix(m, static_cast<Index>(ranked.aliased.size()));
    for (std::size_t a = 0; a < ranked.aliased.size(); ++a) {
        const Index source = ranked.aliased[a], column = static_cast<Index>(a);
        // dependence is in scaled, centred columns; take it back to the columns themselves.
        Vector coefficients =
            ranked.dependence.col(column).cwiseQuotient(kept_scale) * scale(source);
        if (intercept)
            coefficients(0) += (centre(source) - out.x.centre.dot(coefficients)) / out.x.constant;
        out.aliases.col(column) = coefficients;
    }
}

/// Whitening of Z.
void scale_random(const Rows& rows, Index n_used, Scaling& out) {
    for (std::size_t b = 0; b < rows.blocks.size(); ++b) {
        out.z.emplace_back();
        for (std::size_t t = 0; t < rows.blocks[b].terms.size(); ++t) {
            Index deficient = -1;
            out.z.back().push_back(whiten(rows, rows.blocks[b].terms[t], n_used, deficient));
            if (deficient >= 0 && out.deficient_block < 0) {
                out.deficient_block = static_cast<Index>(b);
                out.deficient_term = static_cast<Index>(t);
                out.deficient_column = deficient;
            }
        }
    }
}

}  // namespace
}  // namespace detail

Scaling find_scaling(const Rows& rows, Index n_used) {
    Scaling out;
    out.columns = detail::scale_columns(rows);
    detail::scale_fixed(rows, n_used, out);
    detail::scale_random(rows, n_used, out);
    if (rows.weights) {
        for (Index i = 0; i < rows.n; ++i)
            if (rows.weights[i] > 0.0) out.log_weights += std::log(rows.weights[i]);
    }
    return out;
}

Scaling with_response(Scaling scaling, const Rows& rows, Index n_used) {
    detail::scale_fixed(rows, n_used, scaling);
    return scaling;
}

}  // namespace partialpool
