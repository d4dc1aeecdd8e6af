#pragma once

#include "tweedie_shape.hpp"

namespace partialpool::families::tweedie {

// On the scale w where the summand's exponent is a parabola, h(v) = w^2 / 2, what is left of the
// integrand hardly bends, and a rule of Gauss's needs few nodes. v is one more than Lambert's W
// of (w^2 / 2 - 1) / e.

/// A node: w = z / sqrt(m), as the parameter m moves.
struct Node {
    /// v, and log(w / v), with derivatives in log m.
    Derivatives v, stretch;
};

/// Taylor coefficients in w of v / w, and of the derivative of log(w / v) in log m.
struct ParabolaSeries {
    static constexpr std::size_t terms = 24;
    std::array<double, terms> ratio{}, slope{};
};

/// Corless, Gonnet, Hare, Jeffrey and Knuth (1996, Advances in Computational Mathematics 5,
/// eqs. 4.23 and 4.24).
inline constexpr ParabolaSeries parabola_series = [] {
    constexpr std::size_t n = ParabolaSeries::terms;
    std::array<double, n + 1> mu{-1.0, 1.0}, alpha{2.0, -1.0};
    ParabolaSeries out{};
    out.ratio[0] = 1.0;
    for (std::size_t k = 2; k <= n; ++k) {
        const double x = static_cast<double>(k);
        for (std::size_t j = 2; j < k; ++j) alpha[k] += mu[j] * mu[k + 1 - j];
        mu[k] = (x - 1.0) / (x + 1.0) * (mu[k - 2] / 2.0 + alpha[k - 2] / 4.0) - alpha[k] / 2.0 -
                mu[k - 1] / (x + 1.0);
        out.ratio[k - 1] = mu[k];
    }
    // w V' / (2 V) for the ratio V, by dividing series.
    for (std::size_t k = 1; k < n; ++k) {
        out.slope[k] = 0.5 * static_cast<double>(k) * out.ratio[k];
        for (std::size_t j = 1; j < k; ++j) out.slope[k] -= out.ratio[j] * out.slope[k - j];
    }
    return out;
}();

/// A node from v and the first derivative of log(w / v).
inline Node node(double w, double v, double r, int order) {
    if (order == 0) return {{v}, {std::log(w / v)}};
    const double g = 0.5 + r, d = 2.0 * r + v * g;
    const double r1 = g * d, v1 = -v * g, v2 = v * (g * g - r1);
    const double r2 = r1 * d + g * (2.0 * r1 - v * (g * g - r1));
    return {{v, v1, v2, v1 * (g * g - r1) + v * (2.0 * g * r1 - r2)}, {std::log(w / v), r, r1, r2}};
}

/// Nodes at the places w, none of which is beyond 0.9.
template <std::size_t n>
std::array<Node, n> nodes_at(const std::array<double, n>& w, int order) {
    std::array<double, n> ratio{}, slope{};
    for (std::size_t k = ParabolaSeries::terms; k-- > 0;)
        for (std::size_t i = 0; i < n; ++i) {
            ratio[i] = ratio[i] * w[i] + parabola_series.ratio[k];
            slope[i] = slope[i] * w[i] + parabola_series.slope[k];
        }
    std::array<Node, n> out;
    for (std::size_t i = 0; i < n; ++i) {
        double v = ratio[i] * w[i], r = slope[i];
        if (std::abs(w[i]) > 0.3) {
            // The series has found six digits: one step of Halley's, then from v itself.
            const double q = 0.5 * w[i] * w[i], e = vector_math::exp(-v);
            const double newton = ((v - 1.0) + (1.0 - q) * e) / v;
            v -= newton / (1.0 - 0.5 * newton * (1.0 + v) / v);
            r = q * vector_math::exp(-v) / (v * v) - 0.5;
        }
        out[i] = node(w[i], v, r, order);
    }
    return out;
}

/// Half of a rule of Gauss and Hermite for the normal distribution; the other half mirrors it.
template <std::size_t n>
struct GaussHermite {
    std::array<double, n> place, weight;
};
inline constexpr GaussHermite<3> six_nodes{
    {0.61670659019259415219, 1.8891758777537106755, 3.3242574335521189524},
    {0.40882846955602922609, 0.088615746041914527481, 0.0025557844020562464306}};
inline constexpr GaussHermite<4> eight_nodes{
    {0.53907981135137510807, 1.6365190424351079992, 2.8024858612875416991, 4.1445471861258943321},
    {0.37301225767907734993, 0.11723990766175901512, 0.0096352201207882671869,
     0.00011261453837536777039}};
inline constexpr GaussHermite<6> twelve_nodes{
    {0.4444030019441389453, 1.3403751971516167215, 2.2594644510007991239, 3.2237098287700974717,
     4.271825847932281723, 5.5009017044677476008},
    {0.32166436151282999193, 0.146967048045329988, 0.029116687912364151216,
     0.0022033806875331988662, 0.000048371849225906277786, 1.4999271676371678258e-7}};

/// log I of tweedie.hpp as an integral, with derivatives in a shift of log J and in the shape.
///
/// With M = J (1 + a), it is the mean of exp(log(w / v) - S(j) + S(J) - S(j a) + S(J a)) for
/// normal w of variance 1 / M, besides what stands at the end. Nodes move with the parameters,
/// so that the summands depend on them as little as the sum does.
template <int O>
class Integral {
public:
    Integral(const Shape<O>& shape, const Counts<O>& counts)
        : log_j_(shifted(counts.log_j)),
          log_ja_(shifted(counts.log_ja)),
          log_m_(shifted(counts.log_j + shape.less)),
          top_(stirling(log_j_) + stirling(log_ja_)),
          leading_(linear(counts.common * 0.5, InShape<O>(0.5)) - half_log_two_pi) {}

    InTwo<O> log() const {
        // Errors of 1e-17, from sums at the ends of these ranges with 40 digits.
        const double log_m = value_of(log_m_);
        const InTwo<O> mean = log_m < 5.3   ? total(twelve_nodes)
                              : log_m < 7.0 ? total(eight_nodes)
                                            : total(six_nodes);
        return leading_ - top_ + log_positive(mean);
    }

private:
    static InTwo<O> shifted(const InShape<O>& f) { return linear(f, InShape<O>(1.0)); }

    template <std::size_t n>
    InTwo<O> total(const GaussHermite<n>& rule) const {
        const double width = vector_math::exp(-0.5 * value_of(log_m_));
        std::array<double, 2 * n> w;
        for (std::size_t i = 0; i < n; ++i) {
            w[2 * i] = width * rule.place[i];
            w[2 * i + 1] = -w[2 * i];
        }
        const auto nodes = nodes_at(w, O);
        InTwo<O> sum = 0.0;
        for (std::size_t i = 2 * n; i-- > 0;)
            sum = sum + saturated_exp(log_term(nodes[i])) * rule.weight[i / 2];
        return sum;
    }
    InTwo<O> log_term(const Node& at) const {
        const InTwo<O> v = chain(log_m_, at.v);
        return chain(log_m_, at.stretch) + top_ - stirling(log_j_ + v) - stirling(log_ja_ + v);
    }

    InTwo<O> log_j_, log_ja_, log_m_, top_, leading_;
};

}  // namespace partialpool::families::tweedie
