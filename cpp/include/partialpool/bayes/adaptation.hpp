#pragma once

#include <algorithm>
#include <cmath>

#include "partialpool/bayes/random.hpp"
#include "partialpool/matrix.hpp"

namespace partialpool::bayes {

/// Covariance of the target as far as it is known: the inverse mass matrix.
class Metric {
public:
    explicit Metric(Index m) : inverse_(Matrix::Identity(m, m)), lower_(inverse_) {}

    void set(const Matrix& covariance) {
        Matrix lower = covariance;
        if (!cholesky_in_place(lower)) return;
        inverse_ = covariance;
        lower_ = lower;
    }
    Vector velocity(const Vector& p) const { return inverse_.lazyProduct(p); }
    Vector draw(Random& random) const {
        Vector p(lower_.rows());
        for (Index i = 0; i < p.size(); ++i) p(i) = random.normal();
        solve_lower_transposed(lower_, p);
        return p;
    }

private:
    Matrix inverse_, lower_;
};

/// Dual averaging of the logarithm of the step size.
class StepSize {
public:
    explicit StepSize(double target) : target_(target) {}

    double value() const { return std::exp(log_step_); }
    double averaged() const { return std::exp(log_average_); }
    void restart(double step) {
        log_step_ = std::log(step);
        centre_ = std::log(10.0 * step);
        log_average_ = error_ = count_ = 0.0;
    }
    void learn(double accept) {
        ++count_;
        const double eta = 1.0 / (count_ + 10.0);
        error_ = (1.0 - eta) * error_ + eta * (target_ - accept);
        log_step_ = centre_ - error_ * std::sqrt(count_) / 0.05;
        const double weight = std::pow(count_, -0.75);
        log_average_ = weight * log_step_ + (1.0 - weight) * log_average_;
    }
    void fix(double step) { log_step_ = std::log(step); }

private:
    double target_, log_step_ = 0.0, log_average_ = 0.0, centre_ = 0.0, error_ = 0.0, count_ = 0.0;
};

/// Running covariance (Welford).
class Spread {
public:
    explicit Spread(Index m) : mean_(Vector::Zero(m)), sum_(Matrix::Zero(m, m)) {}

    void add(const Vector& q) {
        ++n_;
        const Vector before = q - mean_;
        mean_ += before / n_;
        sum_ += before.lazyProduct((q - mean_).transpose());
    }
    /// Shrunk towards a small multiple of the identity, as far as few draws ask for it.
    Matrix covariance() const {
        Matrix out = sum_ / std::max(n_ - 1.0, 1.0) * (n_ / (n_ + 5.0));
        out.diagonal().array() += 1e-3 * 5.0 / (n_ + 5.0);
        return 0.5 * (out + out.transpose());
    }
    void restart() {
        n_ = 0.0;
        mean_.setZero();
        sum_.setZero();
    }

private:
    double n_ = 0.0;
    Vector mean_;
    Matrix sum_;
};

/// When the metric is learnt: a fast start, windows that double, a fast end.
class Windows {
public:
    explicit Windows(int tune) : tune_(tune) {
        if (tune < 20) {
            start_ = tune;
            return;
        }
        if (tune < 150) {
            start_ = static_cast<int>(0.15 * tune);
            finish_ = static_cast<int>(0.1 * tune);
            size_ = tune - start_ - finish_;
        }
        close_ = start_ + size_ - 1;
        stretch();
    }
    bool gathers(int i) const { return i >= start_ && i < tune_ - finish_; }
    /// Whether this iteration ends a window; sets the next one.
    bool closes(int i) {
        if (!gathers(i) || i != close_) return false;
        size_ *= 2;
        close_ = i + size_;
        stretch();
        return true;
    }

private:
    /// A last window that would leave too short a rest takes the rest.
    void stretch() {
        const int end = tune_ - finish_;
        if (close_ < end - 1 && close_ + 2 * size_ >= end) close_ = end - 1;
    }

    int tune_, start_ = 75, finish_ = 50, size_ = 25, close_ = -1;
};

}  // namespace partialpool::bayes
