#include "partialpool/rest_dense.hpp"

namespace partialpool {
namespace {

/// A_22 = Z_rest'Z_rest, the lower triangle.
Matrix dense_a22(const CrossProducts& cp, const RestLayout& layout) {
    Matrix a22 = Matrix::Zero(layout.m, layout.m);
    for (Index t = 0; t < layout.n_blocks(); ++t) {
        const auto& block = cp.blocks[static_cast<std::size_t>(t) + 1];
        const Index k = block.k, at = layout.offset[static_cast<std::size_t>(t)];
        for (Index l = 0; l < block.q; ++l) a22.block(at + l * k, at + l * k, k, k) = block.a(l);
        for (Index u = t + 1; u < layout.n_blocks(); ++u) {
            const auto& pairs = cp.pair(t + 1, u + 1);
            const Index ku = layout.k[static_cast<std::size_t>(u)];
            const Index to = layout.offset[static_cast<std::size_t>(u)];
            for (Index l = 0; l < block.q; ++l)
                for (Index e = pairs.ptr[static_cast<std::size_t>(l)];
                     e < pairs.ptr[static_cast<std::size_t>(l) + 1]; ++e)
                    a22.block(to + pairs.other[static_cast<std::size_t>(e)] * ku, at + l * k, ku,
                              k) = ConstRowMap(pairs.values.data() + e * ku * k, ku, k);
        }
    }
    return a22;
}

/// The rest as one dense matrix.
class DenseRest final : public Rest {
public:
    DenseRest(RestLayout layout, const CrossProducts& cp, bool stacked)
        : layout_(std::move(layout)), a22_(dense_a22(cp, layout_)), stacked_(stacked) {}

    void refill(const CrossProducts& cp) override { a22_ = dense_a22(cp, layout_); }

    void form(const Contacts& contacts) override {
        const Index m = layout_.m;
        K_ = a22_;
        if (stacked_) {
            dense::subtract_outer(stack(contacts, contacts.u), K_);
        } else {
            // Every thread owns a range of target columns and meets the levels in order,
            // so an entry is summed in the same order whatever the number of threads.
            const Index ranges = 16;
            for_chunks(ranges, [&](Index range) {
                scatter(contacts, m * range / ranges, m * (range + 1) / ranges);
            });
        }
        dense::mirror(K_);
    }

    bool factor(const std::vector<Matrix>& lambda) override {
        lambda_ = lambda;
        factor_ = K_;
        for (Index t = 0; t < layout_.n_blocks(); ++t) scale_columns(t, factor_);
        multiply_levels(layout_, lambda_, true, factor_);
        factor_.diagonal().array() += 1.0;
        return dense::factor(factor_);
    }

    double log_determinant() const override { return 2.0 * factor_.diagonal().array().log().sum(); }
    void half_solve(Matrix& b) const override { dense::solve(factor_, false, b); }
    void back_solve(Matrix& b) const override { dense::solve(factor_, true, b); }
    Matrix multiply(const Matrix& b) const override { return dense::multiply(K_, b); }
    void invert() override { inverse_ = dense::inverse(factor_); }

    Matrix mixed_trace(Index t) const override {
        const Index k = k_of(t);
        Matrix sum = Matrix::Zero(k, k);
        for (Index l = 0; l < q_of(t); ++l) {
            const Index at = offset_of(t) + l * k;
            Matrix column = inverse_.middleCols(at, k);
            multiply_levels(layout_, lambda_, false, column);
            sum += K_.middleCols(at, k).transpose().lazyProduct(column);
        }
        return sum;
    }

    Matrix exact_trace(Index t) const override {
        const Index k = k_of(t), width = q_of(t) * k;
        Matrix lk = K_.middleCols(offset_of(t), width);
        Matrix sum = Matrix::Zero(k, k);
        multiply_levels(layout_, lambda_, true, lk);  // Lambda'K
        const Matrix slk = dense::multiply(inverse_, lk);
        for (Index l = 0; l < q_of(t); ++l) {
            const Index at = offset_of(t) + l * k;
            sum += K_.block(at, at, k, k) -
                   lk.middleCols(l * k, k).transpose().lazyProduct(slk.middleCols(l * k, k));
        }
        return sum;
    }

    void contact_forms(const Contacts& contacts, const std::vector<double>& scaled,
                       std::vector<double>& forms) const override {
        const Index k = contacts.k, n = contacts.n_levels();
        if (stacked_) {
            const Matrix columns = stack(contacts, scaled);
            const Matrix solved = dense::multiply(inverse_, columns);
            for (Index j = 0; j < n; ++j)
                RowMap(forms.data() + j * k * k, k, k) =
                    columns.middleCols(j * k, k).transpose().lazyProduct(
                        solved.middleCols(j * k, k));
            return;
        }
        const Index n_chunks = (n + 63) / 64;
        for_chunks(n_chunks, [&](Index chunk) {
            std::vector<double> row(static_cast<std::size_t>(k));
            for (Index j = chunk * 64; j < std::min(n, (chunk + 1) * 64); ++j) {
                const Index c = contacts.count(j);
                const auto* cols = contacts.cols(j);
                const double* s = scaled.data() + contacts.ptr[static_cast<std::size_t>(j)] * k;
                double* form = forms.data() + j * k * k;
                std::fill(form, form + k * k, 0.0);
                for (Index i = 0; i < c; ++i) {
                    const double* column = inverse_.data() + cols[i] * layout_.m;
                    if (k == 1) {
                        double sum = 0.0;
                        for (Index h = 0; h < i; ++h) sum += column[cols[h]] * s[h];
                        form[0] += s[i] * (2.0 * sum + column[cols[i]] * s[i]);
                        continue;
                    }
                    std::fill(row.begin(), row.end(), 0.0);
                    for (Index h = 0; h < c; ++h)
                        for (Index r = 0; r < k; ++r)
                            row[static_cast<std::size_t>(r)] += column[cols[h]] * s[h * k + r];
                    for (Index r = 0; r < k; ++r)
                        for (Index t = 0; t < k; ++t)
                            form[r * k + t] += s[i * k + r] * row[static_cast<std::size_t>(t)];
                }
            }
        });
    }

    void gather(const Contacts& contacts, Index j, double* out) const override {
        const Index c = contacts.count(j);
        const auto* cols = contacts.cols(j);
        for (Index a = 0; a < c; ++a)
            for (Index b = 0; b < c; ++b) *out++ = inverse_(cols[b], cols[a]);
    }

    void diagonal_blocks(Index t, double* out) const override {
        const Index k = k_of(t);
        for (Index l = 0; l < q_of(t); ++l) {
            const Index at = offset_of(t) + l * k;
            RowMap(out + l * k * k, k, k) = inverse_.block(at, at, k, k);
        }
    }

private:
    Index k_of(Index t) const { return layout_.k[static_cast<std::size_t>(t)]; }
    Index q_of(Index t) const { return layout_.q[static_cast<std::size_t>(t)]; }
    Index offset_of(Index t) const { return layout_.offset[static_cast<std::size_t>(t)]; }

    void scatter(const Contacts& contacts, Index low, Index high) {
        const Index k = contacts.k, m = layout_.m;
        for (Index j = 0; j < contacts.n_levels(); ++j) {
            const Index c = contacts.count(j);
            const auto* cols = contacts.cols(j);
            const double* u = contacts.u.data() + contacts.ptr[static_cast<std::size_t>(j)] * k;
            const auto* first = std::lower_bound(cols, cols + c, static_cast<std::int32_t>(low));
            for (Index i = first - cols; i < c && cols[i] < high; ++i) {
                double* column = K_.data() + cols[i] * m;
                const double* ui = u + i * k;
                if (k == 1) {
                    const double x = ui[0];
                    for (Index h = i; h < c; ++h) column[cols[h]] -= u[h] * x;
                    continue;
                }
                for (Index h = i; h < c; ++h) {
                    double sum = 0.0;
                    for (Index r = 0; r < k; ++r) sum += u[h * k + r] * ui[r];
                    column[cols[h]] -= sum;
                }
            }
        }
    }

    /// Columns of all levels side by side, m x (levels k).
    Matrix stack(const Contacts& contacts, const std::vector<double>& values) const {
        const Index k = contacts.k;
        Matrix out = Matrix::Zero(layout_.m, contacts.n_levels() * k);
        for (Index j = 0; j < contacts.n_levels(); ++j) {
            const auto* cols = contacts.cols(j);
            const double* v = values.data() + contacts.ptr[static_cast<std::size_t>(j)] * k;
            for (Index i = 0; i < contacts.count(j); ++i)
                for (Index r = 0; r < k; ++r) out(cols[i], j * k + r) = v[i * k + r];
        }
        return out;
    }

    const Matrix& lambda_of(Index t) const { return lambda_[static_cast<std::size_t>(t)]; }

    void scale_columns(Index t, Matrix& s) const {
        const Index k = k_of(t);
        for (Index l = 0; l < q_of(t); ++l) {
            auto columns = s.middleCols(offset_of(t) + l * k, k);
            if (k == 1)
                columns *= lambda_of(t)(0, 0);
            else
                columns = columns.lazyProduct(lambda_of(t)).eval();
        }
    }
    RestLayout layout_;
    Matrix a22_;
    bool stacked_;  ///< most levels meet most columns: matrix products beat scattering
    std::vector<Matrix> lambda_;
    Matrix K_, factor_, inverse_;
};

}  // namespace

std::unique_ptr<Rest> make_dense_rest(const RestLayout& layout, const CrossProducts& cp,
                                      bool stacked) {
    return std::make_unique<DenseRest>(layout, cp, stacked);
}

}  // namespace partialpool
