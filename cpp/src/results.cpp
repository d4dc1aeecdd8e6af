#include "partialpool/results.hpp"

namespace partialpool::results {

double sigma(const Problem& problem, const Optimum& optimum, bool reml) {
    const double nu = degrees(problem.cross_products(), {reml, 0.0});
    return problem.scaling().y_scale * std::sqrt(optimum.pieces.s / nu);
}

Vector beta(const Problem& problem, const Optimum& optimum) {
    const auto& scaling = problem.scaling();
    return scaling.beta0 + scaling.y_scale * (scaling.x.matrix() * optimum.pieces.beta);
}

Matrix root(const Problem& problem, const Optimum& optimum) {
    return problem.scaling().x.matrix() * optimum.pieces.root;
}

Matrix term_map(const Problem& problem, std::size_t term) {
    const auto& terms = problem.terms();
    const Term& t = terms.at(term);
    std::size_t position = 0;
    for (std::size_t i = 0; i < term; ++i)
        position = terms[i + 1].block == terms[i].block ? position + 1 : 0;
    return problem.scaling().z[static_cast<std::size_t>(t.block)][position].matrix();
}

Matrix block_map(const Problem& problem, std::size_t block) {
    const auto& maps = problem.scaling().z[block];
    Index k = 0;
    for (const auto& map : maps) k += map.size();
    Matrix t = Matrix::Zero(k, k);
    Index at = 0;
    for (const auto& map : maps) {
        t.block(at, at, map.size(), map.size()) = map.matrix();
        at += map.size();
    }
    return t;
}

Matrix factor(const Problem& problem, const Optimum& optimum, std::size_t term) {
    const Term& t = problem.terms().at(term);
    const Matrix lambda =
        term_map(problem, term) * structure::factor(t.form, t.k, optimum.psi.data() + t.first);
    return t.form.kind == Structure::unstructured ? lower_triangular(lambda) : lambda;
}

RowMatrix effects(const Problem& problem, const Optimum& optimum, std::size_t block) {
    const auto& b = problem.cross_products().blocks.at(block);
    const Matrix t = problem.scaling().y_scale * block_map(problem, block);
    return ConstRowMap(optimum.effects.at(block).data(), b.q, b.k) * t.transpose();
}

}  // namespace partialpool::results
