#pragma once

#include <concepts>
#include <stdexcept>
#include <type_traits>

#include "partialpool/row_stream.hpp"

/// Sums over rows as one array of numbers, and back: what a saved model keeps of rows that went
/// by. A structure's members are visited in one order by whoever writes and whoever reads.
namespace partialpool::archive {

class Writer {
public:
    std::vector<double> numbers;

    void number(double x) { numbers.push_back(x); }
    template <class X>
    void size(const X& x) {
        number(static_cast<double>(x.size()));
    }
    template <class X>
    void shape(const X& x) {
        number(static_cast<double>(x.rows()));
        number(static_cast<double>(x.cols()));
    }
};

class Reader {
public:
    Reader(const double* begin, std::size_t size) : next_(begin), end_(begin + size) {}

    template <class T>
    void number(T& x) {
        require(1);
        x = static_cast<T>(*next_++);
    }
    template <class X>
    void size(X& x) {
        x.resize(static_cast<std::size_t>(count()));
    }
    template <class X>
    void shape(X& x) {
        const Index rows = count(), columns = count();
        require(rows * columns);
        x.resize(rows, columns);
    }
    void finish() const {
        if (next_ != end_) throw std::invalid_argument("there are more sums than the model has");
    }

private:
    /// A number of things that follow, each of at least one number.
    Index count() {
        double n = -1.0;
        number(n);
        if (!(n >= 0.0 && n <= static_cast<double>(end_ - next_)))
            throw std::invalid_argument("the sums of a saved model are damaged");
        return static_cast<Index>(n);
    }
    void require(Index n) const {
        if (n > end_ - next_) throw std::invalid_argument("the sums of a saved model are cut off");
    }

    const double *next_, *end_;
};

template <class X, class T>
concept Of = std::same_as<std::remove_const_t<X>, T>;
template <class X>
concept Number = std::is_arithmetic_v<std::remove_const_t<X>>;
template <class X>
concept List = requires { typename X::allocator_type; };
template <class X>
concept Dense = Of<X, Matrix> || Of<X, RowMatrix> || Of<X, Vector>;

template <class Archive, Number X>
void visit(Archive& archive, X& x) {
    archive.number(x);
}
template <class Archive, Dense X>
void visit(Archive& archive, X& x) {
    archive.shape(x);
    for (Index i = 0; i < x.size(); ++i) archive.number(x.data()[i]);
}
template <class Archive, List X>
void visit(Archive& archive, X& x) {
    archive.size(x);
    for (auto& element : x) visit(archive, element);
}

template <class Archive, class... Members>
void visit_all(Archive& archive, Members&... members) {
    (visit(archive, members), ...);
}
template <class Archive, Of<ColumnSummary> X>
void visit(Archive& archive, X& x) {
    visit_all(archive, x.count, x.mean, x.low, x.high);
}
template <class Archive, Of<RowSummary> X>
void visit(Archive& archive, X& x) {
    visit_all(archive, x.log_weights, x.x, x.y, x.z);
}
template <class Archive, Of<RowTriangles> X>
void visit(Archive& archive, X& x) {
    visit_all(archive, x.xy, x.z);
}
template <class Archive, Of<Block> X>
void visit(Archive& archive, X& x) {
    visit_all(archive, x.q, x.k, x.A, x.B);
}
template <class Archive, Of<Pairs> X>
void visit(Archive& archive, X& x) {
    visit_all(archive, x.ptr, x.other, x.values);
}
template <class Archive, Of<CrossProducts> X>
void visit(Archive& archive, X& x) {
    visit_all(archive, x.n, x.p, x.C, x.blocks, x.pairs);
}

}  // namespace partialpool::archive
