#pragma once

#include <array>

#include "partialpool/matrix.hpp"

namespace partialpool {

/// Numbers of four levels side by side: what a small matrix leaves of a vector unit idle is
/// used by working on several levels at once.
inline constexpr Index n_lanes = 4;
using Lanes = Eigen::Array<double, n_lanes, 1>;

/// Room for numbers, whose count the compiler knows, or for N = 0 only the run.
template <int N>
class LaneBuffer {
public:
    explicit LaneBuffer(Index) {}
    Lanes& operator[](Index i) { return x_[static_cast<std::size_t>(i)]; }

private:
    std::array<Lanes, N> x_;
};

template <>
class LaneBuffer<0> {
public:
    explicit LaneBuffer(Index size) : x_(static_cast<std::size_t>(size)) {}
    Lanes& operator[](Index i) { return x_[static_cast<std::size_t>(i)]; }

private:
    std::vector<Lanes> x_;
};

}  // namespace partialpool
