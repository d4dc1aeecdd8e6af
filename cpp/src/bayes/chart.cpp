#include "partialpool/bayes/chart.hpp"

namespace partialpool::bayes {

Chart::Chart(Structure structure, Index k, TermPrior prior)
    : structure_(structure), k_(k), prior_(std::move(prior)) {
    const bool own = structure == Structure::unstructured || structure == Structure::diagonal ||
                     structure::squared_scales(structure);
    n_scales_ = own ? k : 1;
    switch (structure) {
        case Structure::unstructured: n_angles_ = k * (k - 1) / 2; break;
        case Structure::diagonal:
        case Structure::homdiag: n_angles_ = 0; break;
        default: n_angles_ = structure::n_correlations(structure, k);
    }
    prior_.scales.resize(static_cast<std::size_t>(n_scales_));
    scale_slopes_.resize(static_cast<std::size_t>(n_scales_));
    sd_.resize(k);
    lower_.setIdentity(k, k);
    z_.setZero(k, k);
    log_rest_.setZero(k, k);
}

void Chart::set(const double* q) {
    log_prior_ = 0.0;
    for (Index s = 0; s < n_scales_; ++s) {
        const Slope prior = prior_.scales[static_cast<std::size_t>(s)].at_log(q[s]);
        log_prior_ += prior.value;
        scale_slopes_[static_cast<std::size_t>(s)] = prior.slope;
    }
    for (Index c = 0; c < k_; ++c) sd_(c) = std::exp(q[n_scales_ == 1 ? 0 : c]);
    if (structure_ == Structure::unstructured)
        set_partial(q + n_scales_);
    else if (structure::by_lag(structure_))
        set_lags(q + n_scales_);
    else if (n_angles_ == 1)
        set_single(q[n_scales_]);
}

/// Row i: L_ij = z_ij sqrt(r_ij) with r_i0 = 1, r_i,j+1 = r_ij (1 - z_ij^2); L_ii = sqrt(r_ii).
/// Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100(9); the density
/// of L under LKJ is prod_i L_ii^(k - i + 2 eta - 2), rows counted from one.
void Chart::set_partial(const double* q) {
    for (Index i = 1; i < k_; ++i) {
        double log_rest = 0.0;
        for (Index j = 0; j < i; ++j, ++q) {
            const double z = std::tanh(*q);
            z_(i, j) = z;
            log_rest_(i, j) = log_rest;
            lower_(i, j) = z * std::exp(0.5 * log_rest);
            // log(1 - tanh^2), which doesn't cancel far out.
            const double x = std::abs(*q);
            const double shrink = 2.0 * (std::log(2.0) - x - std::log1p(std::exp(-2.0 * x)));
            log_prior_ += shrink + 0.5 * log_rest;
            log_rest += shrink;
        }
        log_rest_(i, i) = log_rest;
        lower_(i, i) = std::exp(0.5 * log_rest);
        log_prior_ += 0.5 * (static_cast<double>(k_ - i) + 2.0 * prior_.eta - 3.0) * log_rest;
    }
}

/// One correlation, uniform in its range but for |R|^(eta - 1).
void Chart::set_single(double q) {
    const double low = structure::lowest_correlation(structure_, k_);
    const double place = 1.0 / (1.0 + std::exp(-q));
    const double rho = low + (1.0 - low) * place, slope = (1.0 - low) * place * (1.0 - place);
    const Matrix change = slope * structure::correlation_matrix(structure_, k_, rho, 1);
    if (!factor_correlations(structure::correlation_matrix(structure_, k_, rho, 0), {change}))
        return;
    log_prior_ += -q - 2.0 * std::log1p(std::exp(-q));
    angle_slopes_[0] += 1.0 - 2.0 * place;
}

/// Partial autocorrelations, uniform but for |R|^(eta - 1).
void Chart::set_lags(const double* q) {
    Vector tau(n_angles_);
    for (Index a = 0; a < n_angles_; ++a) tau(a) = std::asin(std::tanh(q[a]));
    const auto r = structure::correlations(Form(structure_, Matrix()), k_, tau.data(), 1);
    std::vector<Matrix> changes;
    // d tau / dq = cos(tau), since d tanh / dq = cos(tau)^2.
    for (Index a = 0; a < n_angles_; ++a)
        changes.push_back(std::cos(tau(a)) * r.first[static_cast<std::size_t>(a)]);
    if (!factor_correlations(r.value, changes)) return;
    for (Index a = 0; a < n_angles_; ++a) {
        const double x = std::abs(q[a]);
        log_prior_ += 2.0 * (std::log(2.0) - x - std::log1p(std::exp(-2.0 * x)));
        angle_slopes_[static_cast<std::size_t>(a)] -= 2.0 * std::tanh(q[a]);
    }
}

/// Set L, its derivatives along changes of R, and what |R|^(eta - 1) is to the prior.
bool Chart::factor_correlations(const Matrix& r, const std::vector<Matrix>& changes) {
    Matrix lower = r;
    by_angle_.assign(changes.size(), Matrix::Zero(k_, k_));
    angle_slopes_.assign(changes.size(), 0.0);
    if (!cholesky_in_place(lower)) {
        log_prior_ = -std::numeric_limits<double>::infinity();
        return false;
    }
    lower_ = lower;
    for (std::size_t a = 0; a < changes.size(); ++a) {
        // L^-1 dR L^-T; its lower half with the diagonal halved is L^-1 dL.
        Matrix half = changes[a];
        for (Index c = 0; c < k_; ++c) solve_lower(lower, half.col(c));
        Matrix both = half.transpose();
        for (Index c = 0; c < k_; ++c) solve_lower(lower, both.col(c));
        Matrix inside = Matrix::Zero(k_, k_);
        for (Index c = 0; c < k_; ++c)
            for (Index i = c; i < k_; ++i) inside(i, c) = i == c ? 0.5 * both(i, c) : both(i, c);
        by_angle_[a] = lower.lazyProduct(inside);
        angle_slopes_[a] = (prior_.eta - 1.0) * both.trace();
    }
    log_prior_ += (prior_.eta - 1.0) * 2.0 * lower.diagonal().array().log().sum();
    return true;
}

void Chart::pull_back(const Matrix& by_factor, double* gradient) const {
    for (Index s = 0; s < n_scales_; ++s) gradient[s] += scale_slopes_[static_cast<std::size_t>(s)];
    for (Index c = 0; c < k_; ++c)
        gradient[n_scales_ == 1 ? 0 : c] += sd_(c) * by_factor.row(c).dot(lower_.row(c));
    const Matrix by_lower = sd_.asDiagonal() * by_factor;
    if (structure_ == Structure::unstructured)
        pull_back_partial(by_lower, gradient + n_scales_);
    else
        for (Index a = 0; a < n_angles_; ++a)
            gradient[n_scales_ + a] +=
                angle_slopes_[static_cast<std::size_t>(a)] +
                by_lower.cwiseProduct(by_angle_[static_cast<std::size_t>(a)]).sum();
}

void Chart::pull_back_partial(const Matrix& by_lower, double* gradient) const {
    for (Index i = 1; i < k_; ++i) {
        double* row = gradient + i * (i - 1) / 2;
        // Derivative in log r_ij, which the columns to the right hand back.
        double by_rest = 0.5 * (static_cast<double>(k_ - i) + 2.0 * prior_.eta - 3.0) +
                         0.5 * by_lower(i, i) * lower_(i, i);
        for (Index j = i - 1; j >= 0; --j) {
            const double z = z_(i, j), root = std::exp(0.5 * log_rest_(i, j));
            row[j] += -2.0 * z * (1.0 + by_rest) + by_lower(i, j) * root * (1.0 - z * z);
            by_rest += 0.5 + 0.5 * by_lower(i, j) * lower_(i, j);
        }
    }
}

}  // namespace partialpool::bayes
