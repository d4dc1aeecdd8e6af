#include "partialpool/single_factor.hpp"

namespace partialpool {
namespace {

void add_lanes(const std::vector<Lanes>& lanes, std::vector<double>& out) {
    out.resize(lanes.size());
    for (std::size_t i = 0; i < lanes.size(); ++i) out[i] = lanes[i].sum();
}

}  // namespace

SingleFactor::SingleFactor(const CrossProducts& cp)
    : cp_(cp),
      q_(cp.blocks[0].q),
      k_(cp.blocks[0].k),
      width_(cp.p + 1),
      packed_(k_ * (k_ + 1) / 2),
      n_groups_((q_ + n_lanes - 1) / n_lanes),
      n_chunks_((n_groups_ + groups_per_chunk - 1) / groups_per_chunk),
      // A level that isn't there has A = 0 and B = 0: M = I, and nothing is added.
      A_(static_cast<std::size_t>(n_groups_ * packed_), Lanes::Zero()),
      B_(static_cast<std::size_t>(n_groups_ * k_ * width_), Lanes::Zero()),
      P_(static_cast<std::size_t>(n_groups_ * k_ * k_)),
      parts_(static_cast<std::size_t>(n_chunks_)) {
    const Block& block = cp.blocks[0];
    for (Index l = 0; l < q_; ++l) {
        const Index group = l / n_lanes, lane = l % n_lanes;
        const double* a = block.A.data() + l * k_ * k_;
        const double* b = block.B.data() + l * k_ * width_;
        for (Index r = 0; r < k_; ++r)
            for (Index s = 0; s <= r; ++s)
                A_[static_cast<std::size_t>(group * packed_ + at(r, s))](lane) = a[r * k_ + s];
        for (Index i = 0; i < k_ * width_; ++i)
            B_[static_cast<std::size_t>(group * k_ * width_ + i)](lane) = b[i];
    }
}

void SingleFactor::read_response() {
    const Block& block = cp_.blocks[0];
    for (Index l = 0; l < q_; ++l)
        for (Index r = 0; r < k_; ++r) {
            const Index at = r * width_ + width_ - 1;
            B_[static_cast<std::size_t>(l / n_lanes * k_ * width_ + at)](l % n_lanes) =
                block.B[static_cast<std::size_t>(l * k_ * width_ + at)];
        }
}

template <int K>
void SingleFactor::eliminate(const RowMatrix& lambda, Index chunk, Part& part) {
    const Index k = K ? K : k_, width = width_, packed = k * (k + 1) / 2;
    const Index end = std::min(n_groups_, (chunk + 1) * groups_per_chunk);
    LaneBuffer<K * K> la(k * k);          // Lambda'A
    LaneBuffer<K*(K + 1) / 2> m(packed);  // Lambda'A Lambda + I, then its factor
    LaneBuffer<K> inverse(k);             // of the factor's diagonal
    std::vector<Lanes>&v = part.columns, &c = part.lane_c;
    v.resize(static_cast<std::size_t>(k * width));
    c.assign(static_cast<std::size_t>(width * (width + 1) / 2), Lanes::Zero());
    Lanes product = Lanes::Ones();
    LogProduct pivots;
    for (Index group = chunk * groups_per_chunk; group < end; ++group) {
        const Lanes* a = A_.data() + group * packed;
        const Lanes* b = B_.data() + group * k * width;
        Lanes* p = P_.data() + group * k * k;
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s) {
                Lanes sum = lambda(0, r) * a[at(0, s)];
                for (Index t = 1; t < k; ++t) sum += lambda(t, r) * a[at(t, s)];
                la[r * k + s] = sum;
            }
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s <= r; ++s) {
                Lanes sum = Lanes::Constant(r == s ? 1.0 : 0.0);
                for (Index t = 0; t < k; ++t) sum += lambda(t, s) * la[r * k + t];
                m[at(r, s)] = sum;
            }
        for (Index j = 0; j < k; ++j) {
            Lanes pivot = m[at(j, j)];
            for (Index t = 0; t < j; ++t) pivot -= m[at(j, t)] * m[at(j, t)];
            // Not (pivot > 0): a NaN slips past pivot <= 0.
            if (!(pivot > 0.0).all()) {
                part.ok = false;
                return;
            }
            product *= pivot;
            inverse[j] = 1.0 / pivot.sqrt();
            for (Index i = j + 1; i < k; ++i) {
                Lanes x = m[at(i, j)];
                for (Index t = 0; t < j; ++t) x -= m[at(i, t)] * m[at(j, t)];
                m[at(i, j)] = x * inverse[j];
            }
        }
        // The pivots aren't below one, so only a large product has to be taken away.
        if ((product > 1e100).any()) {
            for (Index lane = 0; lane < n_lanes; ++lane) pivots.multiply(product(lane));
            product.setOnes();
        }
        // P = Lambda L^-T, by forward substitution in P L' = Lambda.
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s) {
                Lanes x = Lanes::Constant(lambda(r, s));
                for (Index t = 0; t < s; ++t) x -= p[r * k + t] * m[at(s, t)];
                p[r * k + s] = x * inverse[s];
            }
        for (Index r = 0; r < k; ++r)
            for (Index i = 0; i < width; ++i) {
                Lanes sum = p[r] * b[i];
                for (Index t = 1; t < k; ++t) sum += p[t * k + r] * b[t * width + i];
                v[static_cast<std::size_t>(i * k + r)] = sum;
            }
        auto* sum = c.data();
        for (Index i = 0; i < width; ++i)
            for (Index j = 0; j <= i; ++j, ++sum)
                for (Index r = 0; r < k; ++r)
                    *sum += v[static_cast<std::size_t>(i * k + r)] *
                            v[static_cast<std::size_t>(j * k + r)];
    }
    for (Index lane = 0; lane < n_lanes; ++lane) pivots.multiply(product(lane));
    part.ok = true;
    part.logdet = pivots.value();
    add_lanes(c, part.c);
}

SingleFactor::Layout SingleFactor::layout(const Likelihood& likelihood, Level level) const {
    const Index p = width_ - 1;
    Layout out{};
    out.outer = packed_;
    out.tensor = out.size = out.outer + packed_;
    if (level < Level::average) return out;
    out.mixed = out.tensor + packed_ * packed_;
    out.fixed = out.size = out.mixed + p * packed_;
    if (level == Level::exact && likelihood.reml) out.size += p * (p + 1) / 2 * packed_;
    return out;
}

template <int K>
void SingleFactor::differentiate(const Pieces& pieces, const Likelihood& likelihood, Level level,
                                 Index chunk, Part& part) {
    const Index k = K ? K : k_, width = width_, p = width - 1, packed = k * (k + 1) / 2;
    const Index end = std::min(n_groups_, (chunk + 1) * groups_per_chunk);
    const bool second = level >= Level::average, exact = level == Level::exact;
    const double w_gg = (exact ? 2.0 : 1.0) * pieces.scale, w_n = exact ? -1.0 : 0.0,
                 w_ff = exact ? 2.0 : 0.0;
    const Layout place = layout(likelihood, level);
    std::vector<Lanes>&f = part.columns, &sums = part.lane_sums;  // f: D B [R, (-beta, 1)]
    f.resize(static_cast<std::size_t>(k * width));
    sums.assign(static_cast<std::size_t>(place.size), Lanes::Zero());
    LaneBuffer<K * K> d(k * k);
    LaneBuffer<K*(K + 1) / 2> kj(packed), n(packed), gg(packed), ff(packed), w(packed);
    LaneBuffer<K> x(k);
    const auto add_pair = [&](const Lanes* u, const Lanes* v, Index to) {
        Lanes* sum = sums.data() + to;
        for (Index r = 0; r < k; ++r) {
            for (Index s = 0; s < r; ++s) *sum++ += u[r] * v[s] + u[s] * v[r];
            *sum++ += u[r] * v[r];
        }
    };
    for (Index group = chunk * groups_per_chunk; group < end; ++group) {
        const Lanes* a = A_.data() + group * packed;
        const Lanes* b = B_.data() + group * k * width;
        const Lanes* pl = P_.data() + group * k * k;
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s <= r; ++s) {
                Lanes sum = pl[r * k] * pl[s * k];
                for (Index t = 1; t < k; ++t) sum += pl[r * k + t] * pl[s * k + t];
                kj[at(r, s)] = sum;
            }
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s < k; ++s) {
                Lanes sum = Lanes::Constant(r == s ? 1.0 : 0.0);
                for (Index t = 0; t < k; ++t) sum -= a[at(r, t)] * kj[at(t, s)];
                d[r * k + s] = sum;
            }
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s <= r; ++s) {
                Lanes sum = d[r * k] * a[at(0, s)];
                for (Index t = 1; t < k; ++t) sum += d[r * k + t] * a[at(t, s)];
                n[at(r, s)] = sum;
                ff[at(r, s)].setZero();
            }
        for (Index i = 0; i < width; ++i) {
            for (Index r = 0; r < k; ++r) {
                // The border is upper triangular.
                Lanes sum = b[r * width] * border_(i, 0);
                for (Index c = 1; c <= i; ++c) sum += b[r * width + c] * border_(i, c);
                x[r] = sum;
            }
            Lanes* fi = f.data() + i * k;
            for (Index r = 0; r < k; ++r) {
                Lanes sum = d[r * k] * x[0];
                for (Index t = 1; t < k; ++t) sum += d[r * k + t] * x[t];
                fi[r] = sum;
            }
            if (i < p && likelihood.reml)
                for (Index r = 0; r < k; ++r)
                    for (Index s = 0; s <= r; ++s) ff[at(r, s)] += fi[r] * fi[s];
        }
        const Lanes* g = f.data() + p * k;
        for (Index r = 0; r < k; ++r)
            for (Index s = 0; s <= r; ++s) {
                const Index rs = at(r, s);
                sums[static_cast<std::size_t>(rs)] += n[rs] - ff[rs];
                gg[rs] = g[r] * g[s];
            }
        add_pair(g, g, place.outer);
        if (!second) continue;
        for (Index rs = 0; rs < packed; ++rs) w[rs] = w_gg * gg[rs] + w_n * n[rs] + w_ff * ff[rs];
        Lanes* tensor = sums.data() + place.tensor;
        for (Index rs = 0; rs < packed; ++rs)
            for (Index tc = 0; tc < packed; ++tc) *tensor++ += n[rs] * w[tc];
        for (Index i = 0; i < p; ++i) add_pair(f.data() + i * k, g, place.mixed + i * packed);
        if (!exact || !likelihood.reml) continue;
        Index to = place.fixed;
        for (Index j = 0; j < p; ++j)
            for (Index i = 0; i <= j; ++i, to += packed)
                add_pair(f.data() + i * k, f.data() + j * k, to);
    }
    add_lanes(sums, part.sums);
}

template <int K>
bool SingleFactor::evaluate_k(const Matrix& lambda, const Likelihood& likelihood, Level level,
                              Pieces& out) {
    const Index p = width_ - 1;
    const RowMatrix lambda_rows = lambda;
    for_chunks(n_chunks_, [&](Index chunk) {
        eliminate<K>(lambda_rows, chunk, parts_[static_cast<std::size_t>(chunk)]);
    });
    c_star_ = cp_.C;
    out.logdet_v = 0.0;
    out.ok = false;
    for (const auto& part : parts_) {
        if (!part.ok) return false;
        out.logdet_v += part.logdet;
        const double* c = part.c.data();
        for (Index i = 0; i < width_; ++i)
            for (Index j = 0; j <= i; ++j) c_star_(i, j) -= *c++;
    }
    c_star_.triangularView<Eigen::StrictlyUpper>() = c_star_.transpose();
    if (!finish_border(c_star_, cp_, likelihood, out)) return false;
    out.ok = true;
    if (level == Level::value) return true;

    // Row i: what the columns of [X y] are multiplied with for column i of [F g].
    border_.setZero(width_, width_);
    border_.topLeftCorner(p, p) = out.root.transpose();
    border_.row(p).head(p) = -out.beta.transpose();
    border_(p, p) = 1.0;
    for_chunks(n_chunks_, [&](Index chunk) {
        differentiate<K>(out, likelihood, level, chunk, parts_[static_cast<std::size_t>(chunk)]);
    });
    total_.assign(parts_[0].sums.size(), 0.0);
    for (const auto& part : parts_)
        for (std::size_t i = 0; i < total_.size(); ++i) total_[i] += part.sums[i];
    const Layout place = layout(likelihood, level);
    out.information.resize(1);
    out.outer.resize(1);
    out.information[0].resize(k_, k_);
    out.outer[0].resize(k_, k_);
    for (Index r = 0; r < k_; ++r)
        for (Index s = 0; s < k_; ++s) {
            const auto rs = static_cast<std::size_t>(at(r, s));
            out.information[0](r, s) = total_[rs];
            out.outer[0](r, s) =
                (r == s ? 1.0 : 0.5) * total_[static_cast<std::size_t>(place.outer) + rs];
        }
    return true;
}

bool SingleFactor::evaluate(const std::vector<Matrix>& lambda, const Likelihood& likelihood,
                            Level level, Pieces& out) {
    switch (k_) {
        case 1: return evaluate_k<1>(lambda[0], likelihood, level, out);
        case 2: return evaluate_k<2>(lambda[0], likelihood, level, out);
        case 3: return evaluate_k<3>(lambda[0], likelihood, level, out);
        case 4: return evaluate_k<4>(lambda[0], likelihood, level, out);
        default: return evaluate_k<0>(lambda[0], likelihood, level, out);
    }
}

}  // namespace partialpool
