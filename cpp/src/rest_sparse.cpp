#include "partialpool/rest_sparse.hpp"

#include <algorithm>

namespace partialpool {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class Visit>
void SparseRest::visit_values(const CrossProducts& cp, Visit&& visit) const {
    for (Index t = 0; t < layout_.n_blocks(); ++t) {
        const auto& block = cp.blocks[at(t) + 1];
        const Index k = block.k, offset = layout_.offset[at(t)];
        for (Index l = 0; l < block.q; ++l)
            for (Index r = 0; r < k; ++r)
                for (Index c = 0; c <= r; ++c)
                    visit(offset + l * k + r, offset + l * k + c, block.a(l)(r, c));
        for (Index u = t + 1; u < layout_.n_blocks(); ++u) {
            const auto& pairs = cp.pair(t + 1, u + 1);
            const Index ku = layout_.k[at(u)];
            for (Index l = 0; l < block.q; ++l)
                for (Index e = pairs.ptr[at(l)]; e < pairs.ptr[at(l) + 1]; ++e)
                    for (Index r = 0; r < ku; ++r)
                        for (Index c = 0; c < k; ++c)
                            visit(layout_.offset[at(u)] + pairs.other[at(e)] * ku + r,
                                  offset + l * k + c, pairs.values[at((e * ku + r) * k + c)]);
        }
    }
}

SparseRest::SparseRest(RestLayout layout, SparsePattern pattern, const CrossProducts& cp,
                       const Contacts& contacts)
    : layout_(std::move(layout)), pattern_(std::move(pattern)) {
    visit_values(cp, [&](Index row, Index column, double) {
        const Index r = pattern_.position[at(row)], c = pattern_.position[at(column)];
        places_.push_back(pattern_.find(std::max(r, c), std::min(r, c)));
    });
    refill(cp);
    slot_start_.assign(1, 0);
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        const auto* cols = contacts.cols(j);
        for (Index a = 0; a < contacts.count(j); ++a)
            for (Index b = 0; b <= a; ++b) {
                const Index r = pattern_.position[at(cols[a])], c = pattern_.position[at(cols[b])];
                slots_.push_back(pattern_.find(std::max(r, c), std::min(r, c)));
            }
        slot_start_.push_back(static_cast<Index>(slots_.size()));
    }
}

void SparseRest::refill(const CrossProducts& cp) {
    a22_.assign(at(pattern_.n_values()), 0.0);
    auto place = places_.begin();
    visit_values(cp, [&](Index, Index, double value) { a22_[at(*place++)] = value; });
}

void SparseRest::form(const Contacts& contacts) {
    K_ = a22_;
    const Index k = contacts.k;
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        const double* u = contacts.u.data() + contacts.ptr[at(j)] * k;
        const Index* slot = slots_.data() + slot_start_[at(j)];
        for (Index a = 0; a < contacts.count(j); ++a)
            for (Index b = 0; b <= a; ++b) {
                double sum = 0.0;
                for (Index r = 0; r < k; ++r) sum += u[a * k + r] * u[b * k + r];
                K_[at(*slot++)] -= sum;
            }
    }
}

Matrix SparseRest::block_diagonal(const std::vector<double>& values, Index node) const {
    const Index k = pattern_.size(node), first = pattern_.start[at(node)];
    Matrix out(k, k);
    for (Index c = 0; c < k; ++c) {
        const Index begin = pattern_.column[at(first + c)];
        for (Index r = c; r < k; ++r) out(r, c) = out(c, r) = values[at(begin + r - c)];
    }
    return out;
}

/// Visit the nodes below a node: visit(other, first entry's offset behind the own rows).
template <class Visit>
void SparseRest::visit_below(Index node, Visit&& visit) const {
    Index offset = 0;
    for (Index e = pattern_.ptr[at(node)]; e < pattern_.ptr[at(node) + 1]; ++e) {
        const Index other = pattern_.below[at(e)];
        visit(other, offset);
        offset += pattern_.size(other);
    }
}

Matrix SparseRest::block_below(const std::vector<double>& values, Index node, Index offset) const {
    // `offset` rows behind the node's own; the caller resizes to the other node's rows.
    const Index k = pattern_.size(node), first = pattern_.start[at(node)];
    const Index begin = pattern_.column[at(first)] + k + offset;
    const Index other_row = pattern_.row[at(begin)];
    const auto found =
        std::upper_bound(pattern_.start.begin(), pattern_.start.end(), other_row) - 1;
    const Index rows = pattern_.size(found - pattern_.start.begin());
    Matrix out(rows, k);
    for (Index c = 0; c < k; ++c) {
        const Index from = pattern_.column[at(first + c)] + (k - c) + offset;
        for (Index r = 0; r < rows; ++r) out(r, c) = values[at(from + r)];
    }
    return out;
}

bool SparseRest::factor(const std::vector<Matrix>& lambda) {
    lambda_ = lambda;
    factor_.assign(K_.size(), 0.0);
    for (Index node = 0; node < pattern_.nodes(); ++node) {
        const Index k = pattern_.size(node), first = pattern_.start[at(node)];
        const Matrix& right = lambda_of(node);
        const Matrix own = right.transpose() * block_diagonal(K_, node) * right;
        for (Index c = 0; c < k; ++c)
            for (Index r = c; r < k; ++r)
                factor_[at(pattern_.column[at(first + c)] + r - c)] = own(r, c) + (r == c);
        visit_below(node, [&](Index other, Index offset) {
            if (k == 1 && pattern_.size(other) == 1) {
                const Index i = pattern_.column[at(first)] + 1 + offset;
                factor_[at(i)] = lambda_of(other)(0, 0) * K_[at(i)] * right(0, 0);
                return;
            }
            const Matrix scaled =
                lambda_of(other).transpose() * block_below(K_, node, offset) * right;
            for (Index c = 0; c < k; ++c)
                for (Index r = 0; r < scaled.rows(); ++r)
                    factor_[at(pattern_.column[at(first + c)] + (k - c) + offset + r)] =
                        scaled(r, c);
        });
    }
    // Left-looking: column j takes what the columns with an entry in row j leave behind.
    const Index m = layout_.m;
    std::vector<Index> next(at(m), -1), head(at(m), -1), cursor(at(m), 0);
    std::vector<double> work(at(m), 0.0);
    for (Index j = 0; j < m; ++j) {
        const Index begin = pattern_.column[at(j)], end = pattern_.column[at(j) + 1];
        for (Index i = begin; i < end; ++i) work[at(pattern_.row[at(i)])] = factor_[at(i)];
        for (Index c = head[at(j)]; c >= 0;) {
            const Index following = next[at(c)], from = cursor[at(c)];
            const Index stop = pattern_.column[at(c) + 1];
            const double x = factor_[at(from)];
            for (Index i = from; i < stop; ++i) work[at(pattern_.row[at(i)])] -= x * factor_[at(i)];
            if (from + 1 < stop) {
                cursor[at(c)] = from + 1;
                const auto row = at(pattern_.row[at(from + 1)]);
                next[at(c)] = head[row];
                head[row] = c;
            }
            c = following;
        }
        // Not (pivot > 0): a NaN slips past pivot <= 0.
        if (!(work[at(j)] > 0.0)) return false;
        const double pivot = std::sqrt(work[at(j)]);
        factor_[at(begin)] = pivot;
        for (Index i = begin + 1; i < end; ++i)
            factor_[at(i)] = work[at(pattern_.row[at(i)])] / pivot;
        if (begin + 1 < end) {
            cursor[at(j)] = begin + 1;
            const auto row = at(pattern_.row[at(begin + 1)]);
            next[at(j)] = head[row];
            head[row] = j;
        }
    }
    return true;
}

double SparseRest::log_determinant() const {
    LogProduct product;
    for (Index j = 0; j < layout_.m; ++j) product.multiply(factor_[at(pattern_.column[at(j)])]);
    return 2.0 * product.value();
}

void SparseRest::half_solve(Matrix& b) const {
    Matrix x(b.rows(), b.cols());
    for (Index i = 0; i < layout_.m; ++i) x.row(pattern_.position[at(i)]) = b.row(i);
    for (Index c = 0; c < x.cols(); ++c)
        for (Index j = 0; j < layout_.m; ++j) {
            const Index begin = pattern_.column[at(j)];
            const double value = x(j, c) / factor_[at(begin)];
            x(j, c) = value;
            if (value == 0.0) continue;
            for (Index i = begin + 1; i < pattern_.column[at(j) + 1]; ++i)
                x(pattern_.row[at(i)], c) -= factor_[at(i)] * value;
        }
    b = x;
}

void SparseRest::back_solve(Matrix& b) const {
    Matrix x = b;
    for (Index c = 0; c < x.cols(); ++c)
        for (Index j = layout_.m - 1; j >= 0; --j) {
            const Index begin = pattern_.column[at(j)];
            double value = x(j, c);
            for (Index i = begin + 1; i < pattern_.column[at(j) + 1]; ++i)
                value -= factor_[at(i)] * x(pattern_.row[at(i)], c);
            x(j, c) = value / factor_[at(begin)];
        }
    for (Index i = 0; i < layout_.m; ++i) b.row(i) = x.row(pattern_.position[at(i)]);
}

Matrix SparseRest::multiply(const Matrix& b) const {
    Matrix x(b.rows(), b.cols()), y = Matrix::Zero(b.rows(), b.cols());
    for (Index i = 0; i < layout_.m; ++i) x.row(pattern_.position[at(i)]) = b.row(i);
    for (Index j = 0; j < layout_.m; ++j) {
        const Index begin = pattern_.column[at(j)];
        y.row(j) += K_[at(begin)] * x.row(j);
        for (Index i = begin + 1; i < pattern_.column[at(j) + 1]; ++i) {
            const Index r = pattern_.row[at(i)];
            y.row(r) += K_[at(i)] * x.row(j);
            y.row(j) += K_[at(i)] * x.row(r);
        }
    }
    for (Index i = 0; i < layout_.m; ++i) x.row(i) = y.row(pattern_.position[at(i)]);
    return x;
}

Matrix SparseRest::mixed_trace(Index t) const {
    const Index k = layout_.k[at(t)];
    Matrix sum = Matrix::Zero(k, k);
    for (Index node = 0; node < pattern_.nodes(); ++node) {
        const bool mine = pattern_.block[at(node)] == t;
        if (mine)
            sum += block_diagonal(K_, node) * lambda_of(node) * block_diagonal(inverse_, node);
        visit_below(node, [&](Index other, Index offset) {
            const bool theirs = pattern_.block[at(other)] == t;
            if (!mine && !theirs) return;
            const Matrix kb = block_below(K_, node, offset);
            const Matrix ib = block_below(inverse_, node, offset);
            if (mine) sum += kb.transpose() * lambda_of(other) * ib;
            if (theirs) sum += kb * lambda_of(node) * ib.transpose();
        });
    }
    return sum;
}

}  // namespace partialpool
