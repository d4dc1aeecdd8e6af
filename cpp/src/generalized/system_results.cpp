#include "partialpool/generalized/system.hpp"

// What the inverse of the penalised system is asked for.

namespace partialpool::generalized {

void PenalisedSystem::invert() {
    if (!rest_) return;
    rest_->invert();
    scaled_u_ = scale_contacts(contacts_, layout_, rest_lambda(), contacts_.u);
}

/// What the other factors take from the information about every level of the first.
std::vector<double> PenalisedSystem::information_forms() const {
    std::vector<double> forms;
    if (!rest_) return forms;
    forms.resize(at(q1() * k1() * k1()));
    rest_->contact_forms(contacts_, scale_contacts(contacts_, layout_, rest_lambda(), contacts_.a),
                         forms);
    return forms;
}

Matrix PenalisedSystem::level_information(Index j, const std::vector<double>& forms) const {
    const Index k = k1();
    const auto a = cp_.blocks[0].a(j);
    Matrix d = -a.lazyProduct(P(j)).eval().lazyProduct(P(j).transpose());
    d.diagonal().array() += 1.0;
    Matrix out = d.lazyProduct(a);
    if (rest_) out -= sandwich(d.transpose(), ConstRowMap(forms.data() + j * k * k, k, k));
    return out;
}

Matrix PenalisedSystem::information(Index t) const {
    if (t > 0) return partialpool::information(*rest_, t - 1, lambda_[at(t)]);
    const Index k = k1();
    const auto forms = information_forms();
    Matrix sum = Matrix::Zero(k, k);
    for (Index j = 0; j < q1(); ++j) {
        if (k > 1) {
            sum += level_information(j, forms);
            continue;
        }
        const double a = cp_.blocks[0].a(j)(0, 0), p = P_[at(j)], x = 1.0 - a * p * p;
        sum(0, 0) += x * a;
        if (rest_) sum(0, 0) -= x * x * forms[at(j)];
    }
    return 0.5 * (sum + sum.transpose());
}

std::vector<Matrix> PenalisedSystem::informations(Index t) const {
    std::vector<Matrix> out;
    if (t == 0) {
        const auto forms = information_forms();
        for (Index j = 0; j < q1(); ++j) out.push_back(level_information(j, forms));
        return out;
    }
    const auto& block = rows_.effects[at(t)];
    const Index k = block.k, batch = std::max<Index>(1, 64 / k);
    for (Index first = 0; first < block.q; first += batch) {
        const Index count = std::min(batch, block.q - first);
        Matrix unit = Matrix::Zero(rows_.n_effects(), count * k);
        for (Index c = 0; c < count * k; ++c) unit(block.first + first * k + c, c) = 1.0;
        const Matrix a = multiply(unit), ka = solve(a);
        for (Index l = 0; l < count; ++l)
            out.push_back(a.block(block.first + (first + l) * k, l * k, k, k) -
                          a.middleCols(l * k, k).transpose().lazyProduct(ka.middleCols(l * k, k)));
    }
    return out;
}

void PenalisedSystem::forms(std::array<std::vector<double>, 6>& h) const {
    for (const int a : rows_.random)
        for (const int b : rows_.random)
            if (a <= b) h[static_cast<std::size_t>(pair_of(a, b))].assign(at(rows_.n), 0.0);
    if (!rest_ && rows_.mean_only()) {
        const auto& block = rows_.effects[0];
        const Index k = block.k;
        for (Index i = 0; i < rows_.n; ++i) {
            const double *z = block.row(i), *p = P_.data() + block.codes[at(i)] * k * k;
            double sum = 0.0;
            for (Index s = 0; s < k; ++s) {
                double w = 0.0;
                for (Index r = 0; r < k; ++r) w += p[r * k + s] * z[r];
                sum += w * w;
            }
            h[0][at(i)] = sum;
        }
        return;
    }
    LevelWork work;
    for (Index j = 0; j < q1(); ++j) level_forms(j, work, h);
}

/// With w = P_j'z_1 and y = Lambda_2'z_2 - (Lambda_2'U_j) w, z'Kz = w'w + y'S^-1 y.
void PenalisedSystem::level_forms(Index j, LevelWork& work,
                                  std::array<std::vector<double>, 6>& h) const {
    const auto& first = rows_.effects[0];
    const auto& random = rows_.random;
    const Index k = k1(), count = rest_ ? contacts_.count(j) : 0;
    const auto n_random = static_cast<Index>(random.size());
    auto& [inverse, su, t, w, y, where] = work;
    t.setIdentity(k, k);
    if (rest_) {
        inverse.resize(count, count);
        rest_->gather(contacts_, j, inverse.data());
        const ConstRowMap u(scaled_u_.data() + contacts_.ptr[at(j)] * k, count, k);
        su = inverse.lazyProduct(u);
        t += u.transpose().lazyProduct(su);
    }
    Index width = 0;
    for (std::size_t b = 1; b < rows_.effects.size(); ++b) width += rows_.effects[b].k;
    w.resize(k, n_random);
    y.resize(width, n_random);
    where.resize(at(width));
    const double* p = P_.data() + j * k * k;
    for (Index i = rows_.level_start[at(j)]; i < rows_.level_start[at(j) + 1]; ++i) {
        w.setZero();
        y.setZero();
        for (Index a = 0; a < n_random; ++a) {
            // With one predictor all columns are its own, and there is nothing to look up.
            const bool all = n_random == 1;
            const int own = random[at(a)];
            for (Index r = 0; r < k; ++r)
                if (all || first.in(r, own))
                    for (Index s = 0; s < k; ++s) w(s, a) += p[r * k + s] * first.row(i)[r];
            Index place = 0;
            for (std::size_t b = 1; b < rows_.effects.size(); ++b) {
                const auto& block = rows_.effects[b];
                const double *z = block.row(i), *lambda = lambda_[b].data();
                const Index contact = rows_.contact(i, b - 1), kb = block.k;
                for (Index c = 0; c < kb; ++c, ++place) {
                    where[at(place)] = contact + c;
                    for (Index r = 0; r < kb; ++r)
                        if (all || block.in(r, own)) y(place, a) += lambda[c * kb + r] * z[r];
                }
            }
        }
        for (Index a = 0; a < n_random; ++a)
            for (Index b = a; b < n_random; ++b) {
                const double *wa = w.data() + a * k, *wb = w.data() + b * k;
                const double *ya = y.data() + a * width, *yb = y.data() + b * width;
                double sum = 0.0;
                for (Index r = 0; r < k; ++r)
                    for (Index s = 0; s < k; ++s) sum += wa[r] * t(r, s) * wb[s];
                for (Index r = 0; r < width; ++r) {
                    const double* column = inverse.data() + where[at(r)] * count;
                    const double* mixed = su.data() + where[at(r)] * k;
                    for (Index s = 0; s < width; ++s) sum += ya[r] * yb[s] * column[where[at(s)]];
                    for (Index s = 0; s < k; ++s) sum -= mixed[s] * (ya[r] * wb[s] + yb[r] * wa[s]);
                }
                h[at(pair_of(random[at(a)], random[at(b)]))][at(i)] = sum;
            }
    }
}

Vector PenalisedSystem::quadratic_forms(
    const std::vector<std::vector<std::pair<Index, double>>>& z) const {
    Vector out = Vector::Zero(static_cast<Index>(z.size()));
    if (rest_) {
        Matrix dense = Matrix::Zero(q1() * k1() + layout_.m, out.size());
        for (std::size_t i = 0; i < z.size(); ++i)
            for (const auto& [effect, value] : z[i]) dense(effect, static_cast<Index>(i)) = value;
        return dense.cwiseProduct(solve(dense)).colwise().sum().transpose();
    }
    const Index k = k1();
    Vector w(k);
    for (std::size_t i = 0; i < z.size(); ++i) {
        w.setZero();
        for (const auto& [effect, value] : z[i])
            w += value * P(effect / k).row(effect % k).transpose();
        out(static_cast<Index>(i)) = w.squaredNorm();
    }
    return out;
}

std::vector<double> PenalisedSystem::diagonal_blocks(Index t) const {
    const Index k = cp_.blocks[at(t)].k, q = cp_.blocks[at(t)].q;
    std::vector<double> out(at(q * k * k));
    if (t > 0) {
        rest_->diagonal_blocks(t - 1, out.data());
        for (Index l = 0; l < q; ++l) {
            RowMap c(out.data() + l * k * k, k, k);
            c = sandwich(lambda_[at(t)].transpose(), Matrix(c));
        }
        return out;
    }
    std::vector<double> forms;
    if (rest_) {
        forms.resize(at(q * k * k));
        rest_->contact_forms(contacts_, scaled_u_, forms);
    }
    for (Index j = 0; j < q; ++j) {
        RowMap c(out.data() + j * k * k, k, k);
        Matrix middle = Matrix::Identity(k, k);
        if (rest_) middle += ConstRowMap(forms.data() + j * k * k, k, k);
        c = sandwich(P(j).transpose(), middle);
    }
    return out;
}

}  // namespace partialpool::generalized
