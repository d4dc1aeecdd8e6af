#include "partialpool/problem.hpp"

namespace partialpool {

using detail::full;
using detail::lower_of;
using detail::store_lower;

Problem::Problem(CrossProducts cp, Scaling scaling, std::vector<Term> terms)
    : cp_(std::move(cp)), scaling_(std::move(scaling)), terms_(std::move(terms)) {
    if (cp_.n_blocks() == 1) single_.emplace(cp_);
    if (cp_.n_blocks() > 1) crossed_.emplace(cp_);
}

Index Problem::n_params() const {
    if (terms_.empty()) return 0;
    const Term& last = terms_.back();
    return last.first + structure::n_params(last.structure, last.k);
}

Likelihood Problem::likelihood(bool reml, double sigma) const {
    const double mapped = sigma / scaling_.y_scale;
    // A known variance may not underflow to zero, which stands for an unknown one.
    return {reml, sigma > 0.0 ? std::max(mapped * mapped, 1e-300) : 0.0};
}

double Problem::shift(const Likelihood& likelihood) const {
    return 2.0 * degrees(cp_, likelihood) * std::log(scaling_.y_scale) - scaling_.log_weights -
           (likelihood.reml ? 2.0 * scaling_.x.log_determinant() : 0.0);
}

/// Lambda of one term: any factor of Sigma will do.
Matrix Problem::factor(const Point& point, std::size_t term) const {
    const Matrix lower = lower_of(terms_[term], point.psi);
    if (term >= point.axes.size() || point.axes[term].size() == 0) return lower;
    return point.axes[term] * lower;
}

Local Problem::evaluate(const Point& point, const Likelihood& likelihood, Level level) {
    Local out;
    ++evaluations_;
    last_ = point;
    last_likelihood_ = likelihood;
    last_level_ = level;
    std::vector<Matrix> lambda;
    for (const auto& block : cp_.blocks) lambda.push_back(Matrix::Zero(block.k, block.k));
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        Matrix f = factor(point, t);
        if (t < point.axes.size() && point.axes[t].size() > 0) f = lower_triangular(f);
        lambda[static_cast<std::size_t>(term.block)].block(term.offset, term.offset, term.k,
                                                           term.k) = f;
    }
    bool ok = true;
    if (single_)
        ok = single_->evaluate(lambda, likelihood, level, pieces_);
    else if (crossed_)
        ok = crossed_->evaluate(lambda, likelihood, level, pieces_);
    else
        ok = finish_border(cp_.C, cp_, likelihood, pieces_);
    pieces_.ok = ok;
    if (!ok) return last_local_ = out;
    out.value = objective_value(cp_, likelihood, pieces_);
    if (level == Level::value) return last_local_ = out;

    const Index m = n_params();
    out.gradient = Vector::Zero(m);
    out.curvature = Matrix::Zero(m, m);
    std::vector<Direction> directions;
    directions.reserve(static_cast<std::size_t>(m));
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const Index k = cp_.blocks[static_cast<std::size_t>(term.block)].k;
        const bool turned = t < point.axes.size() && point.axes[t].size() > 0;
        Matrix g = cut(pieces_.G(static_cast<std::size_t>(term.block)), term);
        if (turned) g = (point.axes[t].transpose() * g * point.axes[t]).eval();
        const double* at = point.psi.data() + term.first;
        const Index count = structure::n_params(term.structure, term.k);
        Index a = term.first;
        for (const auto& e : structure::directions(term.structure, term.k, at)) {
            out.gradient(a++) = g.cwiseProduct(e).sum();
            if (level == Level::gradient) continue;
            Direction direction{term.block, Matrix::Zero(k, k)};
            direction.e.block(term.offset, term.offset, term.k, term.k) =
                turned ? Matrix(point.axes[t] * e * point.axes[t].transpose()) : e;
            directions.push_back(std::move(direction));
        }
        if (level >= Level::average)
            out.curvature.block(term.first, term.first, count, count) =
                structure::chart(term.structure, term.k, at, g);
    }
    if (level == Level::gradient || m == 0) return last_local_ = out;
    const Curvature second = single_ ? single_->curvature(directions, likelihood, level)
                                     : crossed_->curvature(directions, likelihood, level);
    const bool exact = second.tau.size() > 0;
    out.curvature += (exact ? 2.0 : 1.0) * pieces_.scale * second.q;
    if (exact) out.curvature -= second.tau;
    if (likelihood.profiled())
        out.curvature -= (pieces_.scale / pieces_.s) * second.c * second.c.transpose();
    return last_local_ = out;
}

/// The same Sigma in its principal axes, largest first.
Point Problem::principal(const Point& point) const {
    Point out = point;
    out.axes.resize(terms_.size());
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        if (!full(terms_[t]) || terms_[t].k == 1) continue;
        const Axes axes = principal_axes(factor(point, t));
        out.axes[t] = axes.vectors;
        store_lower(axes.sizes.asDiagonal(), terms_[t], out.psi);
    }
    return out;
}

Vector Problem::fixed_axes(const Point& point) const {
    Vector psi = point.psi;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        double* at = psi.data() + term.first;
        if (full(term)) {
            Matrix lower = lower_triangular(factor(point, t));
            // Rounding of the turn would hide an exact zero.
            lower = (lower.array().abs() > 1e-13 * lower.norm()).select(lower, 0.0);
            store_lower(lower, term, psi);
        } else if (term.structure != Structure::cs) {
            const Index scales = term.structure == Structure::diagonal ? term.k : 1;
            for (Index c = 0; c < scales; ++c) at[c] = std::abs(at[c]);
        }
    }
    return psi;
}

/// Average information far away, where it is the better model, exact Hessian near by; with
/// crossed factors that is dear, and average information gets there as well.
Level Problem::level() const {
    return crossed_ || evaluations_ < 5 ? Level::average : Level::exact;
}

/// What a resultis described by.
Level Problem::final_level() const { return crossed_ ? Level::average : Level::exact; }

bool Problem::is_last(const Point& point, const Likelihood& likelihood) const {
    const auto same = [](const Matrix& a, const Matrix& b) {
        return a.rows() == b.rows() && a.cols() == b.cols() && a == b;
    };
    return last_likelihood_.reml == likelihood.reml &&
           last_likelihood_.fixed_variance == likelihood.fixed_variance &&
           same(last_.psi, point.psi) &&
           std::equal(last_.axes.begin(), last_.axes.end(), point.axes.begin(), point.axes.end(),
                      same);
}

Optimum Problem::collect(const Point& point, const Likelihood& likelihood) {
    Optimum out;
    const bool current = is_last(point, likelihood) && pieces_.ok && last_level_ >= final_level();
    const Local local = current ? last_local_ : evaluate(point, likelihood, final_level());
    if (!local.ok()) return out;
    out.psi = fixed_axes(point);
    out.value = local.value + shift(likelihood);
    out.gradient = local.gradient;
    out.curvature = local.curvature;
    out.evaluations = 1;
    out.converged = true;
    out.pieces = pieces_;
    if (crossed_) out.effects = crossed_->effects();
    if (single_) {
        const auto& block = cp_.blocks[0];
        Vector beta_y(cp_.p + 1);
        beta_y.head(cp_.p) = -pieces_.beta;
        beta_y(cp_.p) = 1.0;
        Vector b(block.q * block.k);
        for (Index l = 0; l < block.q; ++l) {
            const auto p = single_->P(l);
            b.segment(l * block.k, block.k) =
                p * (p.transpose() * (block.b(l, cp_.p + 1) * beta_y));
        }
        out.effects.push_back(std::move(b));
    }
    return out;
}

std::vector<std::vector<double>> Problem::conditional() const {
    if (crossed_) return crossed_->conditional();
    std::vector<std::vector<double>> out;
    if (!single_) return out;
    const auto& block = cp_.blocks[0];
    out.emplace_back(static_cast<std::size_t>(block.q * block.k * block.k));
    for (Index l = 0; l < block.q; ++l)
        RowMap(out[0].data() + l * block.k * block.k, block.k, block.k) =
            single_->P(l) * single_->P(l).transpose();
    return out;
}

void Problem::quadratic_forms(const Rows& rows, std::span<double> out) const {
    const Index p = cp_.p, width = p + 1;
    const auto n_blocks = cp_.n_blocks();
    constexpr Index batch = 128;
    for (Index begin = 0; begin < rows.n; begin += batch) {
        const Index size = std::min(batch, rows.n - begin);
        Matrix x(p, size);
        std::vector<Matrix> z;  // per block (k, size)
        for (const auto& block : cp_.blocks) z.push_back(Matrix::Zero(block.k, size));
        for (Index i = 0; i < size; ++i) {
            scaling_.x.apply(rows.X + (begin + i) * rows.p, 1.0, x.col(i).data());
            for (Index t = 0; t < n_blocks; ++t) {
                const auto at = static_cast<std::size_t>(t);
                if (rows.blocks[at].codes[begin + i] >= 0)
                    detail::map_z(rows.blocks[at], scaling_.z[at], begin + i, 1.0,
                                  z[at].col(i).data());
            }
        }
        if (crossed_) {
            crossed_->quadratic_forms(
                rows, begin, x, z,
                out.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size)));
            continue;
        }
        for (Index i = 0; i < size; ++i) {
            double value = 0.0;
            Vector rest = x.col(i);
            if (single_ && rows.blocks[0].codes[begin + i] >= 0) {
                const Index l = rows.blocks[0].codes[begin + i];
                const Vector w = single_->P(l).transpose() * z[0].col(i);
                value += w.squaredNorm();
                rest -= cp_.blocks[0].b(l, width).leftCols(p).transpose() * (single_->P(l) * w);
            }
            value += (pieces_.root.transpose() * rest).squaredNorm();
            out[static_cast<std::size_t>(begin + i)] = value;
        }
    }
}

}  // namespace partialpool
