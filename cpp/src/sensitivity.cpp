#include "partialpool/sensitivity.hpp"

#include "partialpool/problem.hpp"

namespace partialpool {

Sensitivity::Sensitivity(Index m, Index p, bool with_products)
    : fixed(static_cast<std::size_t>(m), Matrix::Zero(p, p)),
      products(static_cast<std::size_t>(with_products ? m * m : 0), Matrix::Zero(p, p)),
      product_traces(Matrix::Zero(m, m)),
      traces(Matrix::Zero(m, m)),
      trace(Vector::Zero(m)),
      scores(Matrix::Zero(m, m)),
      mixed(Matrix::Zero(p, m)),
      score(Vector::Zero(m)) {}

void Sensitivity::add(const Sensitivity& other) {
    for (std::size_t a = 0; a < fixed.size(); ++a) fixed[a] += other.fixed[a];
    for (std::size_t i = 0; i < products.size(); ++i) products[i] += other.products[i];
    product_traces += other.product_traces;
    traces += other.traces;
    trace += other.trace;
    scores += other.scores;
    mixed += other.mixed;
    score += other.score;
}

namespace {

/// What one level adds, with room that is used again for the next.
class LevelSums {
public:
    LevelSums(const CrossProducts& cp, const Matrix& lambda, const Pieces& pieces,
              const std::vector<Direction>& directions, bool with_products)
        : block_(cp.blocks[0]),
          p_(cp.p),
          m_(static_cast<Index>(directions.size())),
          lambda_(lambda),
          pieces_(pieces),
          directions_(directions),
          ef_(directions.size(), Matrix(block_.k, p_ + 1)),
          nef_(directions.size(), Matrix(block_.k, p_ + 1)),
          en_(directions.size(), Matrix(block_.k, block_.k)),
          sums(m_, p_, with_products) {}

    void add(Index level) {
        solve(level);
        for (std::size_t a = 0; a < directions_.size(); ++a) {
            ef_[a].noalias() = directions_[a].e.lazyProduct(fg_);
            en_[a].noalias() = directions_[a].e.lazyProduct(n_);
            nef_[a].noalias() = n_.lazyProduct(ef_[a]);
        }
        for (Index a = 0; a < m_; ++a) add_direction(a);
    }

private:
    /// N, and F beside g, of one level.
    void solve(Index level) {
        const auto a = block_.a(level);
        inner_ = sandwich(lambda_, a);
        inner_.diagonal().array() += 1.0;
        cholesky_in_place(inner_);
        half_ = lambda_.transpose();
        for (Index c = 0; c < half_.cols(); ++c) solve_lower(inner_, half_.col(c));
        // D = I - A K with K = half'half.
        d_.noalias() = -a.lazyProduct(half_.transpose().lazyProduct(half_).eval());
        d_.diagonal().array() += 1.0;
        n_.noalias() = d_.lazyProduct(a);
        n_ = (0.5 * (n_ + n_.transpose())).eval();
        const auto b = block_.b(level, p_ + 1);
        const Matrix db = d_.lazyProduct(b);
        fg_.resize(block_.k, p_ + 1);
        fg_.leftCols(p_).noalias() = db.leftCols(p_).lazyProduct(pieces_.root);
        fg_.col(p_) = db.col(p_) - db.leftCols(p_).lazyProduct(pieces_.beta);
    }

    void add_direction(Index a) {
        const auto i = static_cast<std::size_t>(a);
        const auto f = fg_.leftCols(p_);
        const auto g = fg_.col(p_);
        sums.fixed[i] += f.transpose().lazyProduct(ef_[i].leftCols(p_));
        sums.mixed.col(a) += f.transpose().lazyProduct(ef_[i].col(p_));
        sums.score(a) += g.dot(ef_[i].col(p_));
        sums.trace(a) += en_[i].trace();
        for (Index b = 0; b < m_; ++b) {
            const auto j = static_cast<std::size_t>(b);
            sums.traces(a, b) += en_[i].cwiseProduct(en_[j].transpose()).sum();
            sums.product_traces(a, b) +=
                ef_[i].leftCols(p_).cwiseProduct(nef_[j].leftCols(p_)).sum();
            sums.scores(a, b) += ef_[i].col(p_).dot(nef_[j].col(p_));
            if (!sums.products.empty())
                sums.products[i * static_cast<std::size_t>(m_) + j] +=
                    ef_[i].leftCols(p_).transpose().lazyProduct(nef_[j].leftCols(p_));
        }
    }

    const Block& block_;
    Index p_, m_;
    const Matrix& lambda_;
    const Pieces& pieces_;
    const std::vector<Direction>& directions_;
    Matrix inner_, half_, d_, n_, fg_;
    std::vector<Matrix> ef_, nef_, en_;

public:
    Sensitivity sums;
};

}  // namespace

Sensitivity sensitivity(const CrossProducts& cp, const Matrix& lambda, const Pieces& pieces,
                        const std::vector<Direction>& directions, bool with_products) {
    constexpr Index levels_per_chunk = 512;
    const Index q = cp.blocks[0].q, n_chunks = (q + levels_per_chunk - 1) / levels_per_chunk;
    std::vector<Sensitivity> parts(static_cast<std::size_t>(n_chunks));
    for_chunks(n_chunks, [&](Index chunk) {
        LevelSums sums(cp, lambda, pieces, directions, with_products);
        for (Index l = chunk * levels_per_chunk; l < std::min(q, (chunk + 1) * levels_per_chunk);
             ++l)
            sums.add(l);
        parts[static_cast<std::size_t>(chunk)] = std::move(sums.sums);
    });
    for (std::size_t chunk = 1; chunk < parts.size(); ++chunk) parts[0].add(parts[chunk]);
    return parts[0];
}

std::optional<Sensitivity> Problem::sensitivity(const Vector& psi, const Likelihood& likelihood,
                                                const std::vector<Direction>& directions,
                                                bool with_products) {
    // Crossed factors keep g = Z'Py from the gradient.
    evaluate(Point{psi, {}}, likelihood, crossed_ ? Level::gradient : Level::value);
    if (!pieces_.ok) return std::nullopt;
    Sensitivity out(static_cast<Index>(directions.size()), cp_.p, with_products);
    if (single_)
        out = partialpool::sensitivity(cp_, lambda_[0], pieces_, directions, with_products);
    else if (crossed_)
        out = crossed_->sensitivity(directions, with_products);
    out.s = pieces_.s;
    return out;
}

}  // namespace partialpool
