#include "partialpool/problem.hpp"

namespace partialpool {

using detail::full;
using detail::lower_of;
using detail::of_term;
using detail::store_lower;

Problem::Problem(CrossProducts cp, Scaling scaling, std::vector<Term> terms)
    : cp_(std::move(cp)), scaling_(std::move(scaling)), terms_(std::move(terms)) {
    // The exact curvature of one factor takes (k^2 / 2)^2 numbers: wide terms do without it.
    constexpr Index widest = 48;
    if (cp_.n_blocks() == 1 && cp_.blocks[0].k <= widest)
        single_.emplace(cp_);
    else if (cp_.n_blocks() > 0)
        crossed_.emplace(cp_);
    for (const auto& block : cp_.blocks) lambda_.push_back(Matrix::Zero(block.k, block.k));
    for (const auto& term : terms_) {
        const Index k = cp_.blocks[static_cast<std::size_t>(term.block)].k;
        const Index count = structure::n_params(term.form, term.k);
        directions_.insert(directions_.end(), static_cast<std::size_t>(count),
                           {term.block, Matrix::Zero(k, k)});
    }
}

bool Problem::set_response(const Rows& rows) {
    scaling_ = with_response(std::move(scaling_), rows);
    if (!(scaling_.residual_ratio > 0.0)) return false;
    cp_ = with_response(std::move(cp_), rows, scaling_);
    if (single_) single_->read_response();
    // Another response, another factor.
    last_ = Point{};
    return true;
}

Index Problem::n_params() const {
    if (terms_.empty()) return 0;
    const Term& last = terms_.back();
    return last.first + structure::n_params(last.form, last.k);
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
    if (!point.turned(term)) return lower;
    return point.axes[term].lazyProduct(lower);
}

/// Lambda of one term among its block's.
void Problem::set_factor(const Point& point, std::size_t t) {
    const Term& term = terms_[t];
    auto lambda = of_term(lambda_[static_cast<std::size_t>(term.block)], term);
    if (!point.turned(t)) {
        lambda = lower_of(term, point.psi);
        return;
    }
    // Q L, written out: a product would ask for memory.
    const Matrix& q = point.axes[t];
    const double* l = point.psi.data() + term.first;
    for (Index c = 0; c < term.k; l += term.k - c, ++c)
        for (Index r = 0; r < term.k; ++r) {
            double x = 0.0;
            for (Index i = c; i < term.k; ++i) x += q(r, i) * l[i - c];
            lambda(r, c) = x;
        }
}

/// Everything but the derivatives in psi, at the factors that are set.
bool Problem::eliminate(const Likelihood& likelihood, Level level) {
    if (single_) return single_->evaluate(lambda_, likelihood, level, pieces_);
    if (crossed_) return crossed_->evaluate(lambda_, likelihood, level, pieces_);
    return finish_border(cp_.C, cp_, likelihood, pieces_);
}

/// The gradient in one term's parameters and what its chart adds to the curvature.
void Problem::differentiate(const Point& point, std::size_t t, Level level) {
    const Term& term = terms_[t];
    const auto b = static_cast<std::size_t>(term.block);
    const Index count = structure::n_params(term.form, term.k);
    Matrix& g = gradient_;
    g = of_term(pieces_.information[b], term) - pieces_.scale * of_term(pieces_.outer[b], term);
    set_directions(point, t);
    for (Index a = term.first; a < term.first + count; ++a)
        last_local_.gradient(a) =
            g.cwiseProduct(of_term(directions_[static_cast<std::size_t>(a)].e, term)).sum();
    if (level == Level::gradient) return;
    if (point.turned(t))
        g = point.axes[t].transpose().lazyProduct(g.lazyProduct(point.axes[t]).eval()).eval();
    last_local_.curvature.block(term.first, term.first, count, count) =
        structure::chart(term.form, term.k, point.psi.data() + term.first, g);
}

Local Problem::evaluate(const Point& point, const Likelihood& likelihood, Level level) {
    ++evaluations_;
    last_ = point;
    last_likelihood_ = likelihood;
    last_level_ = level;
    for (std::size_t t = 0; t < terms_.size(); ++t) set_factor(point, t);
    pieces_.ok = eliminate(likelihood, level);
    Local& out = last_local_;
    if (!pieces_.ok) return out = Local{};
    out.value = objective_value(cp_, likelihood, pieces_);
    if (level == Level::value) {
        out.gradient.resize(0);
        out.curvature.resize(0, 0);
        return out;
    }

    const Index m = n_params();
    out.gradient.resize(m);
    out.curvature.setZero(m, m);
    for (std::size_t t = 0; t < terms_.size(); ++t) differentiate(point, t, level);
    if (level == Level::gradient || m == 0) return out;
    Curvature& second = curvature_;
    if (single_)
        single_->curvature(directions_, likelihood, level, pieces_.scale, second);
    else
        second = crossed_->curvature(directions_, likelihood, level, pieces_.scale);
    out.curvature += second.h;
    if (likelihood.profiled())
        out.curvature.noalias() -= (pieces_.scale / pieces_.s) * second.c * second.c.transpose();
    return out;
}

/// dSigma / dpsi_a of one term, in the coordinates of its block.
void Problem::set_directions(const Point& point, std::size_t t) {
    const Term& term = terms_[t];
    auto direction = directions_.begin() + term.first;
    if (!point.turned(t)) {
        for (const auto& e :
             structure::directions(term.form, term.k, point.psi.data() + term.first))
            of_term((direction++)->e, term) = e;
        return;
    }
    // Q (e_r l_c' + l_c e_r') Q' with l_c a column of L: no products of matrices.
    const Matrix& q = point.axes[t];
    const auto f = of_term(lambda_[static_cast<std::size_t>(term.block)], term);
    for (Index c = 0; c < term.k; ++c)
        for (Index r = c; r < term.k; ++r) {
            auto e = of_term((direction++)->e, term);
            for (Index i = 0; i < term.k; ++i)
                for (Index j = 0; j < term.k; ++j) e(i, j) = q(i, r) * f(j, c) + f(i, c) * q(j, r);
        }
}

/// The same Sigma in its principal axes, largest first.
Point Problem::principal(Point point) const {
    point.axes.resize(terms_.size());
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        if (!full(term) || term.k == 1) continue;
        Axes axes = principal_axes(factor(point, t));
        point.axes[t] = std::move(axes.vectors);
        double* at = point.psi.data() + term.first;
        for (Index c = 0; c < term.k; at += term.k - c, ++c) {
            std::fill(at, at + term.k - c, 0.0);
            *at = axes.sizes(c);
        }
    }
    return point;
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
        } else if (!structure::squared_scales(term.form.kind)) {
            const Index scales = term.form.kind == Structure::diagonal ? term.k : 1;
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

/// What a result is described by.
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
    if (!current) evaluate(point, likelihood, final_level());
    const Local& local = last_local_;
    if (!local.ok()) return out;
    out.psi = fixed_axes(point);
    out.value = local.value + shift(likelihood);
    out.gradient = local.gradient;
    out.curvature = local.curvature;
    out.evaluations = 1;
    out.converged = true;
    out.pieces = pieces_;
    if (crossed_) out.effects = crossed_->effects();
    if (single_) out.effects.push_back(single_->effects(pieces_.beta));
    return out;
}

std::vector<std::vector<double>> Problem::conditional() const {
    if (crossed_) return crossed_->conditional();
    if (single_) return {single_->conditional()};
    return {};
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
                const Matrix half = single_->P(l);
                const Vector w = half.transpose() * z[0].col(i);
                value += w.squaredNorm();
                rest -= cp_.blocks[0].b(l, width).leftCols(p).transpose() * (half * w);
            }
            value += (pieces_.root.transpose() * rest).squaredNorm();
            out[static_cast<std::size_t>(begin + i)] = value;
        }
    }
}

}  // namespace partialpool
