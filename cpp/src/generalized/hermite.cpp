#include "partialpool/generalized/hermite.hpp"

namespace partialpool::generalized {

HermiteRule hermite_rule(int n) {
    Matrix jacobi = Matrix::Zero(n, n);
    for (int i = 1; i < n; ++i) jacobi(i, i - 1) = jacobi(i - 1, i) = std::sqrt(0.5 * i);
    HermiteRule out{eigen_symmetric(jacobi).values, Vector(n)};
    // Hermite functions psi_j: the weight times exp(x^2) is 1 / sum psi_j(x)^2, which neither
    // overflows nor loses digits at the outer nodes.
    for (int q = 0; q < n; ++q) {
        double& x = out.nodes(q);
        double sum = 0.0;
        for (int round = 0; round < 2; ++round) {
            double last = 0.0, psi = std::exp(-0.5 * x * x) / std::pow(std::acos(-1.0), 0.25);
            sum = 0.0;
            for (int j = 0; j < n; ++j) {
                sum += psi * psi;
                const double next =
                    x * std::sqrt(2.0 / (j + 1)) * psi - std::sqrt(j / (j + 1.0)) * last;
                last = psi;
                psi = next;
            }
            // One Newton step on psi_n, whose slope at a zero is sqrt(2 n) psi_{n-1}.
            if (round == 0 && last != 0.0) x -= psi / (std::sqrt(2.0 * n) * last);
        }
        out.log_weights(q) = -std::log(sum);
    }
    return out;
}

HermiteGrid hermite_grid(int n, Index k) {
    const HermiteRule rule = hermite_rule(n);
    Index points = 1;
    for (Index c = 0; c < k; ++c) points *= n;
    HermiteGrid out{Matrix(k, points), Vector::Zero(points)};
    for (Index q = 0; q < points; ++q) {
        Index rest = q;
        for (Index c = 0; c < k; ++c, rest /= n) {
            out.nodes(c, q) = rule.nodes(rest % n);
            out.log_weights(q) += rule.log_weights(rest % n);
        }
    }
    return out;
}

}  // namespace partialpool::generalized
