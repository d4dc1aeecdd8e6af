#pragma once

#include <optional>

#include "partialpool/covariance.hpp"
#include "partialpool/generalized/hermite.hpp"
#include "partialpool/generalized/system.hpp"
#include "partialpool/trust_region.hpp"

namespace partialpool::generalized {

/// Which approximation of the marginal likelihood is maximised.
struct Criterion {
    /// The coefficients of the mean are found with the random effects, given the rest
    /// (lme4's nAGQ = 0), not by the outer search.
    bool joint = false;
    /// Those coefficients are integrated out as well; needs `joint`.
    bool restricted = false;
    /// Expected instead of observed information in the determinant, as lme4 has it.
    bool expected = false;
    /// Adaptive Gauss-Hermite nodes per dimension; 1 is Laplace's approximation.
    int nodes = 1;
};

/// Parameters in mapped coordinates: covariance in a chart, coefficients of all parts.
struct Parameters {
    Vector psi, beta;
    std::vector<Matrix> axes;  ///< per term; empty: the identity
};

/// Positions among the effects and values.
using SparseRow = std::vector<std::pair<Index, double>>;

/// Conditional mode of the random effects: b = Sigma v, and v = Z'(score) there.
struct Mode {
    Vector v, b;
    double penalised = 0.0;  ///< -2 log-density + v'b + penalty
    int steps = 0;
};

/// A generalized linear mixed model and one approximation of its likelihood.
///
/// Symbols: l_i the log-density of a row, r and -W its first and second derivatives in the
/// linear predictors, A = Z'WZ, K and D as in PenalisedSystem, g = Z'r.
class GeneralizedProblem {
public:
    /// `inner` are the positions of the mean's coefficients, `log_map` the logarithm of the
    /// determinant that takes them to the user's, `penalty` a precision matrix of all
    /// coefficients, `constant` what the log-density leaves out.
    GeneralizedProblem(ModelRows rows, std::shared_ptr<const Density> density,
                       std::vector<Term> terms, std::vector<Index> inner, double log_map,
                       Matrix penalty, double constant);
    GeneralizedProblem(const GeneralizedProblem&) = delete;
    GeneralizedProblem& operator=(const GeneralizedProblem&) = delete;

    Index n_psi() const;
    Index n_parameters() const { return rows_.n_parameters; }
    const ModelRows& rows() const { return rows_; }
    const std::vector<Term>& terms() const { return terms_; }
    /// Positions of the mean's coefficients among all.
    const std::vector<Index>& mean_coefficients() const { return inner_; }
    const Mode& mode() const { return mode_; }
    int evaluations() const { return evaluations_; }
    /// Size of the sums whose difference the last value was: its rounding errors are in
    /// proportion.
    double magnitude() const { return std::abs(mode_.penalised) + 2.0 * std::abs(constant_); }
    int mode_steps() const { return mode_steps_; }

    /// Positions in (psi, beta) that the outer search moves.
    std::vector<Index> outer(const Criterion& criterion) const;
    /// Minus twice the log-likelihood, with gradient and model curvature (Level::average)
    /// over the outer parameters; `beta` is updated where the criterion finds it inside.
    Local evaluate(Parameters& point, const Criterion& criterion, Level level);
    /// Remember the mode of the last point that had derivatives, and go back to it: where there
    /// are several modes, all points of a search are to have the same.
    void keep() { kept_ = tangent_; }
    void go_back();
    /// Maximise the likelihood without random effects from `beta`: a start for the search.
    Vector fixed_only(Vector beta);

    /// Lambda of one term: any factor of Sigma will do.
    Matrix factor(const Parameters& point, std::size_t term) const;

    /// Log-density of the response given the modes at the last evaluation.
    double conditional_loglik(const Vector& beta) const {
        return constant_ - 0.5 * (mode_.penalised - mode_.v.dot(mode_.b) -
                                  beta.dot(penalty_.lazyProduct(beta)));
    }

    /// What every row and every level adds to the gradient: (n, beta) and, per term, (q, psi of
    /// the term). For coefficients that the outer search moves.
    struct Shares {
        Matrix rows;
        std::vector<Matrix> levels;
    };
    Shares shares(Parameters point, const Criterion& criterion);

    /// K_ll per block, (q, k, k), at the last evaluation.
    std::vector<std::vector<double>> conditional();
    /// X'WX - (Z'WX)'K Z'WX at the last evaluation with curvature.
    const Matrix& curvature_of_beta() const { return schur_; }
    /// Variance of x'beta^ + z'b^ less its truth for columns of `x` (mapped, all parts) and
    /// rows `z`, at the last evaluation with curvature: z'Kz for the effects given the
    /// parameters, and what the covariance of (psi, beta) adds through beta and the modes.
    Vector variances(const Matrix& x, const std::vector<SparseRow>& z,
                     const Matrix& covariance) const;

private:
    /// What differs between approximations in the gradient.
    struct Adjoint {
        std::vector<Matrix> sigma;   ///< explicit d / d Sigma per block (Laplace)
        std::vector<Matrix> lambda;  ///< d / d Lambda per block (quadrature)
        Vector beta;                 ///< d / d beta
        PerPredictor rows;           ///< d / d eta of every row, of which X' makes that
        std::vector<std::vector<Matrix>> levels;  ///< per block, what every level adds
    };
    struct Sweep;
    Sweep sweep(const Criterion& criterion);
    Vector sweep_tangent(const Criterion& criterion);
    std::vector<Matrix> lambda(const Parameters& point) const;
    Vector times_sigma(const std::vector<Matrix>& lambda, const Vector& v) const;
    PerPredictor working_response() const;
    double slope_along(const PerPredictor& from) const;
    void predict_mode(const Parameters& point);
    /// A step of the mode, of the coefficients with it, and of the rows' random parts.
    struct ModeStep {
        Vector v, b, beta;
        PerPredictor from, to;
        double promised;  ///< half the decrease that the quadratic model promises
    };
    bool newton_step(const std::vector<Matrix>& lambda, const Vector& beta,
                     const Criterion& criterion, ModeStep& step);
    Vector penalties(const std::vector<Matrix>& lambda, const Vector& b, const Vector& rhs) const;
    double penalised(int order, const Vector& beta);
    double take(const ModeStep& step, bool last, const Criterion& criterion, Vector& beta);
    bool find_mode(const std::vector<Matrix>& lambda, Vector& beta, const Criterion& criterion);
    bool climb(const std::vector<Matrix>& lambda, Vector& beta, const Criterion& criterion);
    void set_weights(bool clamp);
    bool factor_at_mode(const std::vector<Matrix>& lambda, bool clamp);
    void make_border();
    struct Bordered;
    Bordered bordered(const Criterion& criterion) const;
    PerPredictor determinant_slopes(const PenalisedSystem& system, const Bordered& inner,
                                    const Criterion& criterion) const;
    Adjoint laplace_adjoint(const Criterion& criterion);
    std::vector<Matrix> sigma_slopes(PenalisedSystem& system, const Bordered& inner,
                                     const Vector& t);
    std::vector<std::vector<Matrix>> level_slopes(const PenalisedSystem& system, const Vector& t);
    void subtract_response(const Vector& a, PerPredictor& rows);
    std::vector<Matrix> directions(const Parameters& point, std::size_t term) const;
    Vector full_gradient(const Parameters& point, const Adjoint& adjoint) const;
    Matrix model_curvature(const Parameters& point, const Adjoint& adjoint);
    void profile_inner(Matrix& curvature) const;
    bool turned(const Parameters& point, std::size_t term) const {
        return term < point.axes.size() && point.axes[term].size() > 0;
    }
    void observed_slopes(const std::array<std::vector<double>, 6>& h, PerPredictor& s) const;
    bool expected_weights(const PerPredictor& eta, std::vector<double>& weights,
                          std::vector<double>& slope) const;
    bool factor_expected(const std::vector<Matrix>& lambda);
    void expected_slopes(const std::vector<double>& h, PerPredictor& s) const;
    double quadrature(const std::vector<Matrix>& lambda, int nodes, bool derivatives, Adjoint& out);
    bool all_predictors() const { return !rows_.mean_only(); }

    ModelRows rows_;
    std::shared_ptr<const Density> density_;
    std::vector<Term> terms_;
    std::vector<Index> inner_;
    Matrix penalty_;
    double log_map_, constant_;
    std::optional<PenalisedSystem> system_, expected_;
    RowState state_;
    std::array<std::vector<double>, 6> weights_;
    Mode mode_;
    /// The mode and its derivatives in (psi, beta) at the last point that had derivatives, and
    /// at the one that was kept.
    struct Tangent {
        Parameters point;
        Vector v;
        Matrix slope;
    };
    std::shared_ptr<const Tangent> tangent_, kept_;
    Matrix zx_, xx_, kzx_, schur_;
    Matrix by_psi_;     ///< derivatives of b in psi at the last evaluation with curvature
    HermiteGrid grid_;  ///< of the last quadrature, and how many nodes it has in a dimension
    int grid_nodes_ = 0;
    int evaluations_ = 0, mode_steps_ = 0;
};

}  // namespace partialpool::generalized
