#include "partialpool/problem.hpp"

namespace partialpool {
namespace {

bool full(const Term& term) { return term.structure == Structure::unstructured; }

Matrix lower_of(const Term& term, const Vector& psi) {
    return structure::factor(term.structure, term.k, psi.data() + term.first);
}

void store_lower(const Matrix& lower, const Term& term, Vector& psi) {
    double* at = psi.data() + term.first;
    for (Index c = 0; c < term.k; ++c)
        for (Index r = c; r < term.k; ++r) *at++ = lower(r, c);
}

/// Least <G, R(rho)> over the correlations of a structure with one scale: the slope of the
/// objective where that scale leaves zero.
double steepest_correlation(const Term& term, const Matrix& g, double& rho) {
    if (term.structure == Structure::homdiag) return g.trace();
    const double low = structure::lowest_correlation(term.structure, term.k);
    double least = std::numeric_limits<double>::infinity();
    // Compound symmetry is linear in rho, so its ends would do; a power series is not.
    constexpr int points = 16;
    for (int i = 0; i <= points; ++i) {
        const double trial = low + (1.0 - low) * i / points;
        const double slope =
            g.cwiseProduct(structure::correlation_matrix(term.structure, term.k, trial, 0)).sum();
        if (slope < least) {
            least = slope;
            rho = trial;
        }
    }
    return least;
}

}  // namespace

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

Point Problem::start(double scale) const {
    Point point{Vector(n_params()), {}};
    for (const auto& term : terms_)
        structure::start(term.structure, term.k, scale, point.psi.data() + term.first);
    return point;
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

/// What a result is described by.
Level Problem::final_level() const { return crossed_ ? Level::average : Level::exact; }

/// One Fellner-Schall step (Wood & Fasiolo 2017), in matrix form: Sigma <- G B G with B the
/// outer products of the scores and G the geometric mean of Sigma and information^-1. It goes
/// far in one evaluation where the start is far off; near the optimum Newton is better.
Point Problem::fellner_schall(const Point& point) const {
    Point out = point;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const auto b = static_cast<std::size_t>(term.block);
        const Matrix a = cut(pieces_.information[b], term);
        const Matrix outer = pieces_.scale * cut(pieces_.outer[b], term);
        const Matrix lambda = factor(point, t), sigma = lambda * lambda.transpose();
        double* at = out.psi.data() + term.first;
        if (full(term)) {
            const Eigenpairs eigen = eigen_symmetric(a);
            if (!(eigen.values(0) > 1e-10 * eigen.values(term.k - 1))) continue;
            const Matrix root = eigen.apply([](double x) { return std::sqrt(x); });
            const Matrix inverse = eigen.apply([](double x) { return 1.0 / std::sqrt(x); });
            const Matrix middle = eigen_symmetric(root * sigma * root).apply([](double x) {
                return std::sqrt(std::max(x, 0.0));
            });
            const Matrix mean = inverse * middle * inverse;
            store_lower(semidefinite_factor(mean * outer * mean), term, out.psi);
            if (t < out.axes.size()) out.axes[t] = Matrix();
        } else if (term.structure == Structure::diagonal) {
            for (Index c = 0; c < term.k; ++c)
                at[c] *= std::sqrt(std::max(outer(c, c) / a(c, c), 1e-6));
        } else {
            const double ratio = outer.cwiseProduct(sigma).sum() / a.cwiseProduct(sigma).sum();
            const double power = term.structure == Structure::cs ? 0.25 : 0.5;
            for (Index c = 0; c < structure::n_scales(term.structure, term.k); ++c)
                at[c] *= std::pow(std::max(ratio, 1e-6), power);
        }
    }
    return out;
}

/// Trust-region Newton from a start, after a Fellner-Schall step if that is far away.
Problem::Result Problem::descend(Point from, const Likelihood& likelihood,
                                 const TrustRegionOptions& options) {
    Result best;
    best.point = principal(from);
    best.local = evaluate(best.point, likelihood, level());
    if (best.local.ok() && n_params() > 0) {
        const Step step =
            trust_region_step(best.local.gradient, best.local.curvature, options.radius);
        if (step.p.norm() > 0.99 * options.radius) {
            Point trial = principal(fellner_schall(best.point));
            Local next = evaluate(trial, likelihood, level());
            if (next.value < best.local.value) {
                best.point = std::move(trial);
                best.local = std::move(next);
            }
        }
    }
    return trust_region(
        std::move(best),
        [&](const Point& point, const Vector& p) {
            Point next = point;
            next.psi += p;
            return principal(next);
        },
        [&](const Point& point) { return evaluate(point, likelihood, level()); }, options);
}

bool Problem::at_end_of_cs(const Point& point) const {
    for (const auto& term : terms_) {
        if (term.structure != Structure::cs) continue;
        const double* at = point.psi.data() + term.first;
        if (std::abs(std::cos(at[term.k])) < 1e-2) return true;
        for (Index c = 0; c < term.k; ++c)
            if (at[c] * at[c] < 1e-3) return true;
    }
    return false;
}

/// Is some direction of some term's Sigma exactly zero?
bool Problem::at_boundary(const Point& point) const {
    for (const auto& term : terms_)
        if ((lower_of(term, point.psi).diagonal().array() == 0.0).any()) return true;
    return false;
}

/// Set what has all but vanished to zero, if that costs nothing: a singular fit is then
/// recognised exactly, not by a tolerance in every later place.
bool Problem::settle_singular(Result& best, const Likelihood& likelihood) {
    Point trial = best.point;
    bool any = false;
    for (const auto& term : terms_) {
        // Heterogeneous compound symmetry has no sign to lose: its scales may stay small.
        if (term.structure == Structure::cs) continue;
        double* at = trial.psi.data() + term.first;
        // In principal axes the diagonal of L holds the standard deviations.
        const Index scales = full(term) || term.structure == Structure::diagonal ? term.k : 1;
        for (Index c = 0, a = 0; c < scales; ++c) {
            if (at[a] != 0.0 && at[a] * at[a] < 1e-8) {
                at[a] = 0.0;
                any = true;
            }
            a += full(term) ? term.k - c : 1;
        }
    }
    if (!any) return false;
    Local next = evaluate(trial, likelihood, final_level());
    if (!next.ok() || next.value > best.local.value + 1e-8) return false;
    best.point = std::move(trial);
    best.local = std::move(next);
    return true;
}

/// Where a direction of Sigma is zero the gradient in Sigma has to be non-negative along it
/// (Karush-Kuhn-Tucker; the mixed entries vanish with the gradient, since in principal axes the
/// zero directions stand last). If it isn't, step into the cone.
bool Problem::leave_boundary(Result& best, const Likelihood& likelihood) {
    for (std::size_t t = 0; t < terms_.size(); ++t) {
        const Term& term = terms_[t];
        const Vector diagonal = lower_of(term, best.point.psi).diagonal();
        const Index zeros = (diagonal.array() == 0.0).count();
        if (zeros == 0) continue;
        const Matrix g = cut(pieces_.G(static_cast<std::size_t>(term.block)), term);
        Vector v = Vector::Zero(term.k);
        double slope = 0.0, rho = 0.0;
        if (full(term)) {
            const Matrix axes = best.point.axes[t].size() > 0 ? best.point.axes[t]
                                                              : Matrix::Identity(term.k, term.k);
            const Matrix null = axes.rightCols(zeros);
            const Eigenpairs eigen = eigen_symmetric(null.transpose() * g * null);
            slope = eigen.values(0);
            v = null * eigen.vectors.col(0);
        } else if (term.structure == Structure::diagonal) {
            for (Index c = 0; c < term.k; ++c)
                if (diagonal(c) == 0.0 && g(c, c) <= slope) {
                    slope = g(c, c);
                    v.setZero();
                    v(c) = 1.0;
                }
        } else if (best.point.psi(term.first) == 0.0) {
            slope = steepest_correlation(term, g, rho);
        }
        if (slope >= -1e-4) continue;
        for (double step = 0.3; step > 1e-6; step *= 0.25) {
            Point trial = best.point;
            if (full(term)) {
                const Matrix f = factor(best.point, t);
                trial.axes[t] = Matrix();
                store_lower(semidefinite_factor(f * f.transpose() + step * v * v.transpose()), term,
                            trial.psi);
            } else if (term.structure == Structure::diagonal) {
                double* at = trial.psi.data() + term.first;
                for (Index c = 0; c < term.k; ++c)
                    at[c] = std::sqrt(at[c] * at[c] + step * v(c) * v(c));
            } else {
                trial.psi(term.first) = std::sqrt(step);
                if (term.structure != Structure::homdiag)
                    trial.psi(term.first + 1) =
                        structure::correlation_angle(term.structure, term.k, rho);
            }
            trial = principal(trial);
            Local next = evaluate(trial, likelihood, final_level());
            if (next.ok() && next.value < best.local.value) {
                best.point = std::move(trial);
                best.local = std::move(next);
                return true;
            }
        }
    }
    return false;
}

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

Optimum Problem::optimise(const Likelihood& likelihood, std::optional<Vector> given,
                          double tolerance, int max_evaluations) {
    evaluations_ = 0;
    TrustRegionOptions options;
    options.tolerance = tolerance;
    options.max_evaluations = max_evaluations;
    // With a known residual variance the effects may be large beside it.
    const double scale = likelihood.profiled()
                             ? 0.3
                             : 0.3 * std::max(1.0, 1.0 / std::sqrt(likelihood.fixed_variance));
    auto best = descend(given ? Point{*given, {}} : start(scale), likelihood, options);
    if (!best.converged && n_params() > 0) {
        auto again = descend(start(scale / 0.3), likelihood, options);
        if (again.local.ok() && (!best.local.ok() || again.local.value < best.local.value))
            best = std::move(again);
    }
    // Where a standard deviation has gone to zero or a correlation to its end, compound symmetry
    // may have a better minimum with a correlation of the other sign.
    if (at_end_of_cs(best.point))
        for (const double share : {0.8, -0.8}) {
            Point from = start(scale);
            for (const auto& term : terms_)
                if (term.structure == Structure::cs)
                    from.psi(term.first + term.k) = structure::correlation_angle(
                        term.structure, term.k,
                        share > 0.0
                            ? share
                            : -share * structure::lowest_correlation(term.structure, term.k));
            auto again = descend(std::move(from), likelihood, options);
            if (again.local.ok() && again.local.value < best.local.value - 1e-9)
                best = std::move(again);
        }
    for (int round = 0; round < 5 && best.local.ok() && n_params() > 0; ++round) {
        settle_singular(best, likelihood);
        if (!at_boundary(best.point)) break;
        // A rejected trial may have been evaluated last.
        if (!is_last(best.point, likelihood)) evaluate(best.point, likelihood, final_level());
        if (!leave_boundary(best, likelihood)) break;
        auto next = descend(best.point, likelihood, options);
        if (!(next.local.value < best.local.value)) break;
        best = std::move(next);
    }
    Optimum out = collect(best.point, likelihood);
    out.evaluations = evaluations_;
    out.converged = best.converged && best.local.ok();
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
