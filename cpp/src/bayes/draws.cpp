#include "partialpool/crossed.hpp"
#include "partialpool/single_factor.hpp"

namespace partialpool {

void SingleFactor::add_noise(double sd, const std::function<double()>& normal, Vector& b) const {
    std::vector<double> noise(static_cast<std::size_t>(k_));
    for (Index l = 0; l < q_; ++l) {
        const Lanes* p = P_.data() + l / n_lanes * k_ * k_;
        const Index lane = l % n_lanes;
        for (auto& x : noise) x = sd * normal();
        for (Index r = 0; r < k_; ++r)
            for (Index s = 0; s < k_; ++s)
                b(l * k_ + r) += p[r * k_ + s](lane) * noise[static_cast<std::size_t>(s)];
    }
}

/// The rest from its marginal distribution, then the first factor level by level given it.
std::vector<Vector> Crossed::draw(const Vector& beta, double sd,
                                  const std::function<double()>& normal) const {
    const Index k = k1();
    Vector beta_y(width_);
    beta_y.head(cp_.p) = -beta;
    beta_y(cp_.p) = 1.0;
    Matrix rest = dense::multiply(R_, beta_y);
    for (Index i = 0; i < rest.rows(); ++i) rest(i, 0) += sd * normal();
    rest_->back_solve(rest);
    multiply_levels(layout_, rest_lambda(), false, rest);
    std::vector<Vector> out(static_cast<std::size_t>(cp_.n_blocks()));
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const auto at = static_cast<std::size_t>(t);
        out[at + 1] = rest.col(0).segment(layout_.offset[at], layout_.q[at] * layout_.k[at]);
    }
    out[0].resize(q1() * k);
    Vector half(k);
    for (Index j = 0; j < q1(); ++j) {
        Vector rhs = cp_.blocks[0].b(j, width_).lazyProduct(beta_y);
        const auto a = contacts_.A(j);
        const auto* cols = contacts_.cols(j);
        for (Index i = 0; i < contacts_.count(j); ++i)
            rhs -= rest(cols[i], 0) * a.row(i).transpose();
        half = P(j).transpose().lazyProduct(rhs);
        for (Index r = 0; r < k; ++r) half(r) += sd * normal();
        out[0].segment(j * k, k) = P(j).lazyProduct(half);
    }
    return out;
}

}  // namespace partialpool
