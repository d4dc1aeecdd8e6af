#pragma once

#include "partialpool/bayes/priors.hpp"
#include "partialpool/covariance.hpp"

namespace partialpool::bayes {

/// Priors of one random term's covariance.
struct TermPrior {
    std::vector<ScalePrior> scales;  ///< one per free standard deviation
    double eta = 1.0;                ///< of LKJ: density of R proportional to |R|^(eta - 1)
};

/// Covariance D L L'D of one term from unconstrained numbers: logarithms of the standard
/// deviations, then for an unstructured term the inverse hyperbolic tangents of the partial
/// correlations, row by row, the same of a Toeplitz term's partial autocorrelations, or the logit
/// of the one correlation's place in its range.
class Chart {
public:
    Chart(Structure structure, Index k, TermPrior prior);

    Index size() const { return n_scales_ + n_angles_; }
    Index n_scales() const { return n_scales_; }
    /// Set D, L and the log prior with all Jacobians.
    void set(const double* q);
    double log_prior() const { return log_prior_; }
    const Vector& deviations() const { return sd_; }
    const Matrix& lower() const { return lower_; }
    Matrix factor() const { return sd_.asDiagonal() * lower_; }
    /// Add to `gradient` that of the prior and, through the chain rule, of a function of D L.
    void pull_back(const Matrix& by_factor, double* gradient) const;

private:
    void set_partial(const double* q);
    void set_single(double q);
    void set_lags(const double* q);
    bool factor_correlations(const Matrix& r, const std::vector<Matrix>& changes);
    void pull_back_partial(const Matrix& by_lower, double* gradient) const;

    Structure structure_;
    Index k_, n_scales_, n_angles_;
    TermPrior prior_;
    Vector sd_;
    Matrix lower_;
    Matrix z_, log_rest_;           ///< partial correlations; log(1 - sum of squares to the left)
    std::vector<Matrix> by_angle_;  ///< dL / dq of single correlations
    std::vector<double> angle_slopes_;  ///< of the log prior
    std::vector<double> scale_slopes_;
    double log_prior_ = 0.0;
};

}  // namespace partialpool::bayes
