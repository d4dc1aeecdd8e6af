#include "partialpool/bayes/marginal.hpp"

namespace partialpool::bayes {
namespace {

const RowMapping& map_of(const Problem& problem, std::size_t term) {
    const auto& terms = problem.terms();
    std::size_t position = 0;
    for (std::size_t i = 0; i < term; ++i)
        position = terms[i + 1].block == terms[i].block ? position + 1 : 0;
    return problem.scaling().z[static_cast<std::size_t>(terms[term].block)][position];
}

}  // namespace

Marginal::Marginal(const Problem& problem, const MarginalPrior& prior)
    : problem_(problem), prior_(prior), cp_(problem.cross_products()), c_(cp_.C) {
    for (std::size_t t = 0; t < problem.terms().size(); ++t) {
        const Term& term = problem.terms()[t];
        charts_.emplace_back(term.form.kind, term.k, prior.terms.at(t));
        first_.push_back(size_);
        size_ += charts_.back().size();
        inverse_.push_back(
            least_squares(map_of(problem, t).matrix(), Matrix::Identity(term.k, term.k)));
    }
    if (!sigma_known()) ++size_;
    for (const auto& block : cp_.blocks) lambda_.push_back(Matrix::Zero(block.k, block.k));
    if (cp_.n_blocks() == 1) single_.emplace(cp_);
    if (cp_.n_blocks() > 1) crossed_.emplace(cp_);
}

Index Marginal::n_described() const {
    Index out = 1;
    for (const auto& term : problem_.terms()) out += term.k * (term.k + 1) / 2;
    return out;
}

/// Effects half as large as the residual in whitened coordinates, uncorrelated.
Vector Marginal::centre() const {
    Vector q = Vector::Zero(size_);
    const double unit = problem_.scaling().y_scale;
    for (std::size_t t = 0; t < charts_.size(); ++t) {
        const Matrix map = map_of(problem_, t).matrix();
        for (Index s = 0; s < charts_[t].n_scales(); ++s)
            q(first_[t] + s) = std::log(0.5 * unit * map.row(s).norm());
    }
    if (!sigma_known()) q(size_ - 1) = std::log(unit);
    return q;
}

/// Set the factors and the residual variance; returns the log prior.
double Marginal::set(const Vector& q) {
    double log_prior = sigma_known() ? 0.0 : prior_.sigma.at_log(q(size_ - 1)).value;
    sigma_ = sigma_known() ? prior_.sigma.a : std::exp(q(size_ - 1));
    const double ratio = sigma_ / problem_.scaling().y_scale;
    variance_ = ratio * ratio;
    for (std::size_t t = 0; t < charts_.size(); ++t) {
        charts_[t].set(q.data() + first_[t]);
        log_prior += charts_[t].log_prior();
        const Term& term = problem_.terms()[t];
        detail::of_term(lambda_[static_cast<std::size_t>(term.block)], term) =
            inverse_[t].lazyProduct(charts_[t].factor()) / sigma_;
    }
    return log_prior;
}

bool Marginal::eliminate(Level level) {
    if (!(variance_ > 0.0 && std::isfinite(variance_))) return false;
    for (const auto& lambda : lambda_)
        if (!lambda.allFinite()) return false;
    const Index p = cp_.p;
    cp_.C = c_;
    cp_.C.topLeftCorner(p, p) += variance_ * prior_.fixed.omega;
    cp_.C.col(p).head(p) += variance_ * prior_.fixed.h;
    cp_.C.row(p).head(p) += variance_ * prior_.fixed.h.transpose();
    cp_.C(p, p) += variance_ * prior_.fixed.c;
    const Likelihood likelihood{true, variance_};
    if (single_) return single_->evaluate(lambda_, likelihood, level, pieces_);
    if (crossed_) return crossed_->evaluate(lambda_, likelihood, level, pieces_);
    return finish_border(cp_.C, cp_, likelihood, pieces_);
}

double Marginal::evaluate(const Vector& q, Vector& gradient) {
    gradient.setZero(size_);
    const double log_prior = set(q);
    if (!std::isfinite(log_prior) || !eliminate(Level::gradient))
        return -std::numeric_limits<double>::infinity();
    const double value = objective_value(cp_, {true, variance_}, pieces_);
    const auto& fixed = prior_.fixed;
    const double quadratic =
        pieces_.beta.dot(fixed.omega.lazyProduct(pieces_.beta) - 2.0 * fixed.h) + fixed.c;
    const double trace = pieces_.root.cwiseProduct(fixed.omega.lazyProduct(pieces_.root)).sum();
    double by_log_sigma =
        -static_cast<double>(cp_.n - cp_.p) + pieces_.s / variance_ - quadratic - variance_ * trace;
    for (std::size_t t = 0; t < charts_.size(); ++t) pull_back_term(t, gradient, by_log_sigma);
    if (!sigma_known())
        gradient(size_ - 1) = by_log_sigma + prior_.sigma.at_log(q(size_ - 1)).slope;
    return log_prior - 0.5 * value;
}

/// d(-objective / 2) / dLambda = -G Lambda, and from there to the chart and log sigma.
void Marginal::pull_back_term(std::size_t t, Vector& gradient, double& by_log_sigma) const {
    const Term& term = problem_.terms()[t];
    const auto block = static_cast<std::size_t>(term.block);
    const Matrix lambda = detail::of_term(lambda_[block], term);
    const Matrix g = detail::of_term(pieces_.information[block], term) -
                     pieces_.scale * detail::of_term(pieces_.outer[block], term);
    const Matrix by_lambda = -g.lazyProduct(lambda);
    by_log_sigma -= by_lambda.cwiseProduct(lambda).sum();
    const Matrix by_factor = inverse_[t].transpose().lazyProduct(by_lambda) / sigma_;
    charts_[t].pull_back(by_factor, gradient.data() + first_[t]);
}

void Marginal::describe(const Vector& q, double* out) {
    set(q);
    for (const auto& chart : charts_) {
        const Matrix& l = chart.lower();
        for (Index c = 0; c < l.rows(); ++c) *out++ = chart.deviations()(c);
        for (Index r = 1; r < l.rows(); ++r)
            for (Index c = 0; c < r; ++c) *out++ = l.row(r).dot(l.row(c));
    }
    *out = sigma_;
}

void Marginal::draw(const Vector& q, Random& random, double* beta, double* effects) {
    set(q);
    // Crossed factors have their conditional modes from the gradient's level on.
    eliminate(crossed_ ? Level::gradient : Level::value);
    const Scaling& scaling = problem_.scaling();
    const Index p = cp_.p;
    const double sd = std::sqrt(variance_);
    Vector noise(p);
    for (Index i = 0; i < p; ++i) noise(i) = random.normal();
    const Vector mapped = pieces_.beta + sd * pieces_.root.lazyProduct(noise);
    Eigen::Map<Vector>(beta, p) =
        scaling.beta0 + scaling.y_scale * scaling.x.matrix().lazyProduct(mapped);
    std::vector<Vector> b;
    if (single_) {
        b.push_back(single_->effects(mapped));
        single_->add_noise(sd, [&] { return random.normal(); }, b[0]);
    }
    if (crossed_) b = crossed_->draw(mapped, sd, [&] { return random.normal(); });
    for (std::size_t i = 0; i < b.size(); ++i) {
        const Block& block = cp_.blocks[i];
        RowMap out(effects, block.q, block.k);
        const ConstRowMap from(b[i].data(), block.q, block.k);
        Index at = 0;
        for (const auto& map : scaling.z[i]) {
            out.middleCols(at, map.size()) =
                scaling.y_scale *
                from.middleCols(at, map.size()).lazyProduct(map.matrix().transpose());
            at += map.size();
        }
        effects += block.q * block.k;
    }
}

}  // namespace partialpool::bayes
