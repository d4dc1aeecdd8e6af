#pragma once

#include <optional>

#include "partialpool/crossed.hpp"
#include "partialpool/single_factor.hpp"
#include "partialpool/trust_region.hpp"

namespace partialpool {

/// Covariance parameters in a chart.
///
/// An unstructured Sigma = Q L L'Q' has its parameters in the lower triangular L, and Q turns
/// to the principal axes, largest first, after every step. In fixed axes a nearly singular
/// Sigma may have a small first pivot whose column points anywhere, and the optimiser creeps
/// along a curved valley; in principal axes the vanishing directions stand last.
struct Point {
    Vector psi;
    std::vector<Matrix> axes;  ///< per term; empty: the identity

    bool turned(std::size_t term) const { return term < axes.size() && axes[term].size() > 0; }
};

/// A fitted point in mapped coordinates.
struct Optimum {
    Vector psi;          ///< in fixed axes, diagonals non-negative
    double value = 0.0;  ///< objective in the user's units
    Vector gradient;     ///< in the chart of the last step
    Matrix curvature;
    int evaluations = 0;
    bool converged = false;
    Pieces pieces;
    std::vector<Vector> effects;  ///< per block, (q k,)
};

/// A linear mixed model whose rows have been reduced to cross-products.
class Problem {
public:
    Problem(CrossProducts cp, Scaling scaling, std::vector<Term> terms);
    Problem(const Problem&) = delete;
    Problem& operator=(const Problem&) = delete;

    /// Take another response for the same rows; false if it leaves nothing to fit.
    bool set_response(const Rows& rows);

    const CrossProducts& cross_products() const { return cp_; }
    const Scaling& scaling() const { return scaling_; }
    const std::vector<Term>& terms() const { return terms_; }
    bool sparse() const { return crossed_ && crossed_->is_sparse(); }
    Index n_params() const;

    /// The likelihood with its residual variance taken to mapped units.
    Likelihood likelihood(bool reml, double sigma) const;
    /// What to add to the mapped objective to have it in the user's units.
    double shift(const Likelihood& likelihood) const;

    Local evaluate(const Point& point, const Likelihood& likelihood, Level level);
    Optimum optimise(const Likelihood& likelihood, std::optional<Vector> start, double tolerance,
                     int max_evaluations);
    /// y'P V_a P y in every direction, and the penalised sum of squares, at the last evaluation
    /// with a curvature: what changes with a known residual variance.
    const Vector& scores() const { return curvature_.c; }
    double penalised_residual() const { return pieces_.s; }
    /// The optimum's quantities at given parameters.
    Optimum collect(const Point& point, const Likelihood& likelihood);

    /// Conditional covariance of the effects over sigma^2 at the last evaluation,
    /// per block (q, k, k), mapped.
    std::vector<std::vector<double>> conditional() const;
    /// How the estimates at psi hang on the covariance, in directions of the blocks' Sigma;
    /// nothing where the likelihood can't be evaluated.
    std::optional<Sensitivity> sensitivity(const Vector& psi, const Likelihood& likelihood,
                                           const std::vector<Direction>& directions,
                                           bool with_products);
    /// (x, z)'[joint precision]^-1 (x, z) at the last evaluation, one per row of `rows`;
    /// a negative code takes no part.
    void quadratic_forms(const Rows& rows, std::span<double> out) const;

private:
    using Result = TrustRegionResult<Point>;

    Point start(double scale) const;
    void set_factor(const Point& point, std::size_t term);
    void set_directions(const Point& point, std::size_t term);
    bool eliminate(const Likelihood& likelihood, Level level);
    void differentiate(const Point& point, std::size_t term, Level level);
    Point principal(Point point) const;
    Vector fixed_axes(const Point& point) const;
    Point fellner_schall(const Point& point) const;
    Result descend(Point from, const Likelihood&, const TrustRegionOptions&);
    bool at_boundary(const Point& point) const;
    bool may_have_other_minima(const Point& point) const;
    Point start_correlated(double scale, double share) const;
    bool is_last(const Point& point, const Likelihood& likelihood) const;
    bool settle_singular(Result& best, const Likelihood&);
    bool leave_boundary(Result& best, const Likelihood&);
    Level level() const;
    Level final_level() const;
    Matrix factor(const Point& point, std::size_t term) const;

    CrossProducts cp_;
    Scaling scaling_;
    std::vector<Term> terms_;
    std::optional<SingleFactor> single_;
    std::optional<Crossed> crossed_;
    std::vector<Matrix> lambda_;         ///< per block, zero between terms
    std::vector<Direction> directions_;  ///< per parameter, zero outside the term
    Pieces pieces_;
    Matrix gradient_;  ///< d objective / d Sigma of the term at work
    Curvature curvature_;
    Point last_;
    Likelihood last_likelihood_;
    Level last_level_ = Level::value;
    Local last_local_;
    int evaluations_ = 0;
};

}  // namespace partialpool
