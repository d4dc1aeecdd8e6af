#include "partialpool/generalized/points.hpp"
#include "partialpool/generalized/search.hpp"

namespace partialpool::generalized {
namespace {

/// Second derivatives of the objective by differences of its exact gradient.
class Differences {
public:
    Differences(GeneralizedProblem& problem, const Parameters& point, const Criterion& criterion,
                const Matrix& curvature)
        : problem_(problem),
          point_(point),
          criterion_(criterion),
          outer_(problem.outer(criterion)),
          widths_(curvature.rows()) {
        // Steps are in standard errors, no longer than one.
        for (Index c = 0; c < widths_.size(); ++c)
            widths_(c) =
                curvature(c, c) > 1e-8 ? std::min(std::sqrt(2.0 / curvature(c, c)), 1.0) : 1.0;
        // Here, for the tangent along which the modes are predicted.
        Parameters centre = point;
        here_ = problem.evaluate(centre, criterion, Level::average).gradient;
        const auto mean = problem.mean_coefficients();
        for (const Index at : outer_)
            is_mean_.push_back(std::find(mean.begin(), mean.end(), at - problem.n_psi()) !=
                               mean.end());
    }

    /// Short steps. In the mean's coefficients the objective is all but quadratic, so that one
    /// side will do; what stands between one of them and another parameter is known from the
    /// other's column as well.
    Matrix quick() {
        constexpr double central = 1e-3, one_sided = 2e-5;
        Matrix h(size(), size());
        for (Index c = 0; c < size(); ++c) {
            const double width = (is_mean_[at(c)] ? one_sided : central) * widths_(c);
            const Vector up = slope(c, width), down = is_mean_[at(c)] ? here_ : slope(c, -width);
            if (up.size() != size() || down.size() != size()) return Matrix();
            h.col(c) = (up - down) / (is_mean_[at(c)] ? width : 2.0 * width);
        }
        rounding_ = asymmetry(h);
        for (Index c = 0; c < size(); ++c)
            for (Index r = 0; r < size(); ++r)
                if (is_mean_[at(c)] && !is_mean_[at(r)]) h(r, c) = h(c, r);
        return 0.5 * (h + h.transpose());
    }

    /// Whether rounding errors show in the short steps: counts of millions have large ones.
    bool rough() const { return rounding_ > 1e-5; }

    /// Long steps, to fourth order.
    Matrix careful() {
        constexpr double width = 0.05;
        Matrix h(size(), size());
        for (Index c = 0; c < size(); ++c) {
            const double w = width * widths_(c);
            const Vector up = slope(c, w), down = slope(c, -w);
            const Vector upper = slope(c, 2.0 * w), lower = slope(c, -2.0 * w);
            for (const Vector* g : {&up, &down, &upper, &lower})
                if (g->size() != size()) return Matrix();
            h.col(c) = ((up - down) * 8.0 - (upper - lower)) / (12.0 * w);
        }
        return 0.5 * (h + h.transpose());
    }

private:
    Index size() const { return widths_.size(); }

    Vector slope(Index c, double width) {
        Vector step = Vector::Zero(size());
        step(c) = width;
        Parameters trial = move(problem_, point_, step, outer_);
        return problem_.evaluate(trial, criterion_, Level::gradient).gradient;
    }

    /// How much the two sides of the diagonal differ, in units of the diagonal.
    static double asymmetry(const Matrix& h) {
        double most = 0.0;
        for (Index c = 0; c < h.cols(); ++c)
            for (Index r = 0; r < c; ++r)
                most = std::max(most, std::abs(h(r, c) - h(c, r)) /
                                          std::sqrt(std::abs(h(r, r) * h(c, c)) + 1e-300));
        return most;
    }

    GeneralizedProblem& problem_;
    const Parameters& point_;
    const Criterion& criterion_;
    std::vector<Index> outer_;
    Vector widths_, here_;
    std::vector<bool> is_mean_;
    double rounding_ = 0.0;
};

}  // namespace

Matrix exact_hessian(GeneralizedProblem& problem, const Parameters& point,
                     const Criterion& criterion, const Matrix& curvature) {
    Differences differences(problem, point, criterion, curvature);
    Matrix h = differences.quick();
    if (h.size() == 0 || !differences.rough()) return h;
    const Matrix better = differences.careful();
    return better.size() > 0 ? better : h;
}

}  // namespace partialpool::generalized
