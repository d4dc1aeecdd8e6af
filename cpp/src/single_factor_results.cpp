#include "partialpool/single_factor.hpp"

namespace partialpool {

void SingleFactor::curvature(const std::vector<Direction>& directions, const Likelihood& likelihood,
                             Level level, double scale, Curvature& out) {
    const auto m = static_cast<Index>(directions.size());
    const Index k = k_, p = width_ - 1;
    const bool exact = level == Level::exact;
    const Layout place = layout(likelihood, level);
    out.h.resize(m, m);
    out.c.resize(m);
    const auto form = [&](Index from, const Matrix& e) {
        const double* sum = total_.data() + from;
        double x = 0.0;
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s <= r; ++s) x += *sum++ * e(r, s);
        return x;
    };
    for (Index a = 0; a < m; ++a)
        out.c(a) = form(place.outer, directions[static_cast<std::size_t>(a)].e);

    // sum tr(N E_a W E_b).
    contracted_.resize(k, k);
    for (Index b = 0; b < m; ++b) {
        const Matrix& eb = directions[static_cast<std::size_t>(b)].e;
        for (Index s = 0; s < k; ++s)
            for (Index t = 0; t < k; ++t) {
                double x = 0.0;
                for (Index r = 0; r < k; ++r) {
                    const double* sums = total_.data() + place.tensor + at(r, s) * packed_;
                    for (Index c = 0; c < k; ++c) x += sums[at(t, c)] * eb(c, r);
                }
                contracted_(s, t) = x;
            }
        for (Index a = 0; a < m; ++a)
            out.h(a, b) = directions[static_cast<std::size_t>(a)].e.cwiseProduct(contracted_).sum();
    }
    // What the fixed effects take away again: of the scores, and for REML of the trace.
    forms_.resize(m);
    const auto subtract = [&](Index from, double weight) {
        for (Index a = 0; a < m; ++a)
            forms_(a) = form(from, directions[static_cast<std::size_t>(a)].e);
        for (Index a = 0; a < m; ++a)
            for (Index b = 0; b < m; ++b) out.h(a, b) -= weight * forms_(a) * forms_(b);
    };
    for (Index i = 0; i < p; ++i) subtract(place.mixed + i * packed_, (exact ? 2.0 : 1.0) * scale);
    if (!exact || !likelihood.reml) return;
    Index from = place.fixed;
    for (Index j = 0; j < p; ++j)
        for (Index i = 0; i <= j; ++i, from += packed_)
            // F'E F is symmetric: what stands off its diagonal stands there twice.
            subtract(from, i == j ? 1.0 : 2.0);
}

Vector SingleFactor::effects(const Vector& beta) const {
    const Index k = k_, p = width_ - 1;
    Vector out(q_ * k);
    std::vector<Lanes> x(static_cast<std::size_t>(2 * k));
    Lanes* px = x.data() + k;
    for (Index group = 0; group < n_groups_; ++group) {
        const Lanes* b = B_.data() + group * k * width_;
        const Lanes* pl = P_.data() + group * k * k;
        for (Index r = 0; r < k; ++r) {
            x[static_cast<std::size_t>(r)] = b[r * width_ + p];
            for (Index c = 0; c < p; ++c)
                x[static_cast<std::size_t>(r)] -= beta(c) * b[r * width_ + c];
        }
        for (Index s = 0; s < k; ++s) {
            px[s] = pl[s] * x[0];
            for (Index r = 1; r < k; ++r) px[s] += pl[r * k + s] * x[static_cast<std::size_t>(r)];
        }
        const Index begin = group * n_lanes, levels = std::min(n_lanes, q_ - begin);
        for (Index r = 0; r < k; ++r) {
            Lanes sum = pl[r * k] * px[0];
            for (Index s = 1; s < k; ++s) sum += pl[r * k + s] * px[s];
            for (Index lane = 0; lane < levels; ++lane) out((begin + lane) * k + r) = sum(lane);
        }
    }
    return out;
}

Matrix SingleFactor::P(Index level) const {
    const Lanes* p = P_.data() + level / n_lanes * k_ * k_;
    Matrix out(k_, k_);
    for (Index r = 0; r < k_; ++r)
        for (Index s = 0; s < k_; ++s) out(r, s) = p[r * k_ + s](level % n_lanes);
    return out;
}

std::vector<double> SingleFactor::conditional() const {
    std::vector<double> out(static_cast<std::size_t>(q_ * k_ * k_));
    for (Index l = 0; l < q_; ++l) {
        const Matrix p = P(l);
        RowMap(out.data() + l * k_ * k_, k_, k_) = p.lazyProduct(p.transpose());
    }
    return out;
}

}  // namespace partialpool
