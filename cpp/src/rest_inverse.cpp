#include "partialpool/rest_sparse.hpp"

#include <algorithm>

namespace partialpool {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

/// S^-1 on the pattern of the factor (Takahashi, Fagan & Chen 1973), last column first.
void SparseRest::invert() {
    inverse_.assign(factor_.size(), 0.0);
    std::vector<double> sum(at(layout_.m), 0.0), l(at(layout_.m), 0.0);
    std::vector<char> here(at(layout_.m), 0);
    for (Index j = layout_.m - 1; j >= 0; --j) {
        const Index begin = pattern_.column[at(j)], end = pattern_.column[at(j) + 1];
        for (Index i = begin + 1; i < end; ++i) {
            const auto r = at(pattern_.row[at(i)]);
            here[r] = 1;
            sum[r] = 0.0;
            l[r] = factor_[at(i)];
        }
        for (Index i = begin + 1; i < end; ++i) {
            const auto k = at(pattern_.row[at(i)]);
            for (Index e = pattern_.column[k]; e < pattern_.column[k + 1]; ++e) {
                const auto r = at(pattern_.row[at(e)]);
                if (!here[r]) continue;
                sum[r] += inverse_[at(e)] * l[k];
                if (r != k) sum[k] += inverse_[at(e)] * l[r];
            }
        }
        const double pivot = factor_[at(begin)];
        double own = 1.0 / pivot;
        for (Index i = begin + 1; i < end; ++i) {
            const auto r = at(pattern_.row[at(i)]);
            inverse_[at(i)] = -sum[r] / pivot;
            own -= l[r] * inverse_[at(i)];
            here[r] = 0;
        }
        inverse_[at(begin)] = own / pivot;
    }
}

Matrix SparseRest::exact_trace(Index t) const {
    const Index k = layout_.k[at(t)];
    Matrix sum = Matrix::Zero(k, k);
    Matrix unit(layout_.m, k);
    for (Index l = 0; l < layout_.q[at(t)]; ++l) {
        const Index first = layout_.offset[at(t)] + l * k;
        unit.setZero();
        for (Index c = 0; c < k; ++c) unit(first + c, c) = 1.0;
        Matrix column = multiply(unit);
        sum += column.middleRows(first, k);
        multiply_levels(layout_, lambda_, true, column);
        half_solve(column);
        sum -= column.transpose() * column;
    }
    return sum;
}

void SparseRest::contact_forms(const Contacts& contacts, const std::vector<double>& scaled,
                               std::vector<double>& forms) const {
    const Index k = contacts.k;
    for (Index j = 0; j < contacts.n_levels(); ++j) {
        const double* s = scaled.data() + contacts.ptr[at(j)] * k;
        const Index* slot = slots_.data() + slot_start_[at(j)];
        double* form = forms.data() + j * k * k;
        std::fill(form, form + k * k, 0.0);
        for (Index a = 0; a < contacts.count(j); ++a)
            for (Index b = 0; b <= a; ++b) {
                const double z = inverse_[at(*slot++)];
                for (Index r = 0; r < k; ++r)
                    for (Index c = 0; c < k; ++c) {
                        form[r * k + c] += s[a * k + r] * z * s[b * k + c];
                        if (a != b) form[r * k + c] += s[b * k + r] * z * s[a * k + c];
                    }
            }
    }
}

void SparseRest::gather(const Contacts& contacts, Index j, double* out) const {
    const Index count = contacts.count(j);
    const Index* slot = slots_.data() + slot_start_[at(j)];
    for (Index a = 0; a < count; ++a)
        for (Index b = 0; b <= a; ++b)
            out[a * count + b] = out[b * count + a] = inverse_[at(*slot++)];
}

void SparseRest::diagonal_blocks(Index t, double* out) const {
    const Index k = layout_.k[at(t)];
    for (Index node = 0; node < pattern_.nodes(); ++node)
        if (pattern_.block[at(node)] == t)
            RowMap(out + pattern_.level[at(node)] * k * k, k, k) = block_diagonal(inverse_, node);
}

}  // namespace partialpool
