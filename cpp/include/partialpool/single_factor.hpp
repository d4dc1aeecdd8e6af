#pragma once

#include <cmath>

#include "partialpool/pieces.hpp"

namespace partialpool {

/// One grouping factor: every level is eliminated on its own, nothing else is left.
class SingleFactor {
public:
    explicit SingleFactor(const CrossProducts& cp)
        : cp_(cp),
          k_(cp.blocks[0].k),
          width_(cp.p + 1),
          n_chunks_((cp.blocks[0].q + levels_per_chunk - 1) / levels_per_chunk),
          P_(static_cast<std::size_t>(cp.blocks[0].q * k_ * k_)),
          parts_(static_cast<std::size_t>(n_chunks_)) {}

    bool evaluate(const std::vector<Matrix>& lambda, const Likelihood& likelihood, Level level,
                  Pieces& out);

    /// Contract the tensors of the last evaluation with the directions.
    Curvature curvature(const std::vector<Direction>& directions, const Likelihood& likelihood,
                        Level level) const;

    /// Sums over levels: K_l = Lambda (Lambda'A_l Lambda + I)^-1 Lambda' = P_l P_l'.
    ConstRowMap P(Index level) const { return {P_.data() + level * k_ * k_, k_, k_}; }

private:
    static constexpr Index levels_per_chunk = 1024;

    /// Sums of one chunk of levels.
    struct Part {
        bool ok = true;
        double logdet = 0.0;
        RowMatrix c;
        Matrix n, gg, ff;
        std::vector<double> t1, t2, r1, r2, phi;
    };

    template <int K>
    bool evaluate_k(const Matrix& lambda, const Likelihood& likelihood, Level level, Pieces& out);
    template <int K>
    void eliminate(const double* lambda, Index chunk, Part& part);
    template <int K>
    void differentiate(const Vector& beta_y, const double* root, bool reml, Level level,
                       Index chunk, Part& part);

    const CrossProducts& cp_;
    Index k_, width_, n_chunks_;
    std::vector<double> P_;
    std::vector<Part> parts_;
    Part total_;
};

}  // namespace partialpool
