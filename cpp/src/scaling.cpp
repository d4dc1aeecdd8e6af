#include "partialpool/cross_products.hpp"
#include "rank_columns.hpp"

namespace partialpool {
namespace detail {
namespace {

/// Centres and scales of some columns; those beside a constant first one may be centred.
ColumnScales find_scales(const ColumnSummary& summary, bool may_centre) {
    const Index k = summary.mean.size();
    ColumnScales out{Vector::Zero(k), Vector(k)};
    if (may_centre && k > 0 && summary.low(0) == summary.high(0)) out.constant = summary.low(0);
    if (out.constant != 0.0) out.centre.tail(k - 1) = summary.mean.tail(k - 1);
    for (Index c = 0; c < k; ++c) {
        out.scale(c) = summary.deviation(c, out.centre(c));
        if (out.scale(c) > 0.0) continue;
        out.flat = c;
        out.scale(c) = 1.0;
    }
    return out;
}

/// Centre and scale the columns of rows from `first` on, and multiply the rows by the roots of
/// their weights.
void standardise(const Rows& rows, const ColumnScales& columns, Index first,
                 Eigen::Ref<Matrix> out) {
    for (Index c = 0; c < out.cols(); ++c)
        out.col(c) = (out.col(c).array() - columns.centre(c)) / columns.scale(c);
    if (!rows.weights) return;
    const Vector roots = ConstVectorMap(rows.weights + first, out.rows()).cwiseSqrt();
    for (Index c = 0; c < out.cols(); ++c) out.col(c).array() *= roots.array();
}

/// Of one term: with a covariance of its own for every pair of effects they may be centred.
ColumnScales scales_of_z(const TermRows& term, const ColumnSummary& summary) {
    return find_scales(summary, term.form.kind == Structure::unstructured);
}

/// Of [X y]; with an intercept y is centred too.
ColumnScales scales_of_xy(const ColumnScales& x, const ColumnSummary& y) {
    ColumnScales out = x;
    const Index p = x.scale.size();
    const double centre = x.constant != 0.0 ? y.mean(0) : 0.0;
    const double scale = y.deviation(0, centre);
    out.centre.conservativeResize(p + 1);
    out.scale.conservativeResize(p + 1);
    out.centre(p) = centre;
    out.scale(p) = scale > 0.0 ? scale : 1.0;
    return out;
}

void read_x(const Rows& rows, Index first, Eigen::Ref<Matrix> to) {
    to = ConstRowMap(rows.X + first * rows.p, to.rows(), rows.p);
}

void read_y(const Rows& rows, Index first, Eigen::Ref<Matrix> to) {
    for (Index i = 0; i < to.rows(); ++i) to(i, 0) = response(rows, first + i);
}

void read_z(const TermRows& term, Index first, Eigen::Ref<Matrix> to) {
    to = ConstRowMap(term.basis + first * term.k, to.rows(), term.k);
}

ColumnSummary summarise_y(const Rows& rows) {
    return summarise(rows.n, 1, rows.weights,
                     [&](Index first, auto&& to) { read_y(rows, first, to); });
}

Matrix factor_xy(const Rows& rows, const ColumnScales& scales) {
    return triangular_factor(rows.n, rows.p + 1, [&](Index first, auto& to) {
        read_x(rows, first, to.leftCols(rows.p));
        read_y(rows, first, to.rightCols(1));
        standardise(rows, scales, first, to);
    });
}

/// Undo the scaling of columns in their triangle.
Matrix plain(const ColumnScales& columns, const Matrix& r) {
    Matrix out = r * columns.scale.asDiagonal();
    if (columns.constant != 0.0)
        out += out.col(0) * (columns.centre.transpose() / columns.constant);
    return out;
}

/// Map of one term's columns to whitened coordinates, Z'Z / n = I as far as its structure
/// allows: full for an unstructured term, a scale per column or one scale for the others.
RowMapping whiten(const TermRows& term, const ColumnScales& columns, const Matrix& r, double n,
                  Index& deficient) {
    const Index k = term.k;
    const Vector& scale = columns.scale;
    RowMapping map;
    map.centre = columns.centre;
    map.constant = columns.constant;
    for (Index c = 0; c < k; ++c) map.kept.push_back(c);
    deficient = columns.flat;
    const double root_n = std::sqrt(n);
    map.transform = Matrix::Zero(k, k);
    if (term.form.kind == Structure::unstructured) {
        for (Index c = 0; c < k; ++c)
            if (!(std::abs(r(c, c)) > 1e-9 * r.col(c).norm())) deficient = c;
        if (deficient >= 0) return map;
        map.transform =
            root_n * scale.cwiseInverse().asDiagonal() * solve_upper(r, Matrix::Identity(k, k));
    } else if (term.form.kind == Structure::diagonal || structure::squared_scales(term.form.kind)) {
        for (Index c = 0; c < k; ++c) map.transform(c, c) = root_n / (scale(c) * r.col(c).norm());
    } else {
        double square = 0.0;
        for (Index c = 0; c < k; ++c) square += std::pow(scale(c) * r.col(c).norm(), 2);
        map.transform.diagonal().setConstant(root_n * std::sqrt(static_cast<double>(k) / square));
    }
    return map;
}

/// Least squares of y on X: which columns are aliased, what is left of y.
void scale_fixed(const ColumnScales& columns, const ColumnSummary& y, const Matrix& r,
                 Scaling& out) {
    const Index p = r.cols() - 1;
    const bool intercept = columns.constant != 0.0;
    const Vector &centre = columns.centre, &scale = columns.scale;
    out.y_deviation = y.deviation(0, y.mean(0));
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
    out.x.constant = columns.constant;
    out.x.transform =
        kept_scale.cwiseInverse().asDiagonal() * solve_upper(ranked.r, Matrix::Identity(m, m));
    const double y_norm = r.col(p).norm();
    out.residual_ratio = y_norm > 0.0 ? ranked.residual / y_norm : 0.0;
    const double rms = ranked.residual / std::sqrt(std::max(y.count, 1.0));
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
void scale_random(const Rows& rows, const RowSummary& summary, const RowTriangles& triangles,
                  Scaling& out) {
    for (std::size_t b = 0; b < rows.blocks.size(); ++b) {
        out.z.emplace_back();
        for (std::size_t t = 0; t < rows.blocks[b].terms.size(); ++t) {
            const TermRows& term = rows.blocks[b].terms[t];
            Index deficient = -1;
            out.z.back().push_back(whiten(term, scales_of_z(term, summary.z[b][t]),
                                          triangles.z[b][t], summary.y.count, deficient));
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

void RowSummary::add(const RowSummary& other) {
    log_weights += other.log_weights;
    x.add(other.x);
    y.add(other.y);
    for (std::size_t b = 0; b < z.size(); ++b)
        for (std::size_t t = 0; t < z[b].size(); ++t) z[b][t].add(other.z[b][t]);
}

void RowTriangles::add(const RowTriangles& other) {
    const auto append = [](Matrix& r, Matrix more) { append_rows(r, more); };
    append(xy, other.xy);
    for (std::size_t b = 0; b < z.size(); ++b)
        for (std::size_t t = 0; t < z[b].size(); ++t) append(z[b][t], other.z[b][t]);
}

Matrix plain_fixed(const RowSummary& summary, const RowTriangles& triangles) {
    return detail::plain(detail::scales_of_xy(detail::find_scales(summary.x, true), summary.y),
                         triangles.xy);
}

Matrix plain_random(const Rows& rows, const RowSummary& summary, const RowTriangles& triangles,
                    std::size_t block, std::size_t term) {
    return detail::plain(
        detail::scales_of_z(rows.blocks[block].terms[term], summary.z[block][term]),
        triangles.z[block][term]);
}

RowSummary summarise_rows(const Rows& rows) {
    RowSummary out;
    out.x = summarise(rows.n, rows.p, rows.weights,
                      [&](Index first, auto&& to) { detail::read_x(rows, first, to); });
    out.y = detail::summarise_y(rows);
    for (const auto& block : rows.blocks) {
        out.z.emplace_back();
        for (const auto& term : block.terms)
            out.z.back().push_back(
                summarise(rows.n, term.k, rows.weights,
                          [&](Index first, auto&& to) { detail::read_z(term, first, to); }));
    }
    if (rows.weights) {
        for (Index i = 0; i < rows.n; ++i)
            if (rows.weights[i] > 0.0) out.log_weights += std::log(rows.weights[i]);
    }
    return out;
}

RowTriangles factor_rows(const Rows& rows, const RowSummary& summary) {
    const auto x = detail::find_scales(summary.x, true);
    RowTriangles out{detail::factor_xy(rows, detail::scales_of_xy(x, summary.y)), {}};
    for (std::size_t b = 0; b < rows.blocks.size(); ++b) {
        out.z.emplace_back();
        for (std::size_t t = 0; t < rows.blocks[b].terms.size(); ++t) {
            const TermRows& term = rows.blocks[b].terms[t];
            const auto scales = detail::scales_of_z(term, summary.z[b][t]);
            out.z.back().push_back(triangular_factor(rows.n, term.k, [&](Index first, auto& to) {
                detail::read_z(term, first, to);
                detail::standardise(rows, scales, first, to);
            }));
        }
    }
    return out;
}

Scaling find_scaling(const Rows& rows, const RowSummary& summary, const RowTriangles& triangles) {
    Scaling out;
    out.columns = detail::find_scales(summary.x, true);
    detail::scale_fixed(detail::scales_of_xy(out.columns, summary.y), summary.y, triangles.xy, out);
    detail::scale_random(rows, summary, triangles, out);
    out.log_weights = summary.log_weights;
    return out;
}

Scaling find_scaling(const Rows& rows) {
    const auto summary = summarise_rows(rows);
    return find_scaling(rows, summary, factor_rows(rows, summary));
}

Scaling with_response(Scaling scaling, const Rows& rows) {
    const auto y = detail::summarise_y(rows);
    const auto scales = detail::scales_of_xy(scaling.columns, y);
    detail::scale_fixed(scales, y, detail::factor_xy(rows, scales), scaling);
    return scaling;
}

}  // namespace partialpool
