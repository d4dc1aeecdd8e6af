#pragma once

#include "partialpool/bayes/chart.hpp"
#include "partialpool/bayes/random.hpp"
#include "partialpool/problem.hpp"

namespace partialpool::bayes {

/// Priors of a Gaussian model.
struct MarginalPrior {
    std::vector<TermPrior> terms;
    ScalePrior sigma;
    FixedPrior fixed;  ///< mapped
};

/// Posterior of the covariance parameters of a linear mixed model, in the user's units, with
/// the fixed and random effects integrated out.
///
/// With v = sigma^2 in mapped units and Omega, h the normal prior of beta, the cross-products
/// get v Omega in X'X, v h in X'y; minus twice the log density is then the restricted
/// criterion at known v. In log sigma at fixed Lambda it has the slope
/// 2 (n - p) - 2 s / v + 2 w + 2 v tr(R'Omega R), with w the prior's quadratic form.
/// A constant sigma is no coordinate.
/// Every chain has one of its own, since evaluating leaves a factor behind.
class Marginal {
public:
    Marginal(const Problem& problem, const MarginalPrior& prior);
    Marginal(const Marginal&) = delete;
    Marginal& operator=(const Marginal&) = delete;

    Index size() const { return size_; }
    /// Numbers that describe a point: per term standard deviations and the lower triangle of
    /// correlations, row by row; sigma.
    Index n_described() const;
    Index n_fixed() const { return cp_.p; }
    const CrossProducts& cross_products() const { return cp_; }

    Vector centre() const;
    double evaluate(const Vector& q, Vector& gradient);
    void describe(const Vector& q, double* out);
    /// An exact draw of (beta, b) given q, in the user's units: `beta` of the kept columns,
    /// `effects` block after block.
    void draw(const Vector& q, Random& random, double* beta, double* effects);

private:
    bool sigma_known() const { return prior_.sigma.kind == ScalePrior::Kind::constant; }
    double set(const Vector& q);
    bool eliminate(Level level);
    void pull_back_term(std::size_t t, Vector& gradient, double& by_log_sigma) const;

    const Problem& problem_;
    MarginalPrior prior_;
    CrossProducts cp_;
    RowMatrix c_;  ///< [X y]'[X y] without the prior
    std::vector<Chart> charts_;
    std::vector<Index> first_;     ///< of each term's parameters
    std::vector<Matrix> inverse_;  ///< per term: user's to mapped coordinates
    Index size_ = 0;
    std::optional<SingleFactor> single_;
    std::optional<Crossed> crossed_;
    std::vector<Matrix> lambda_;
    Pieces pieces_;
    double variance_ = 1.0;  ///< mapped
    double sigma_ = 1.0;
};

}  // namespace partialpool::bayes
