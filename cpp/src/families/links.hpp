#pragma once

#include "partialpool/special_functions.hpp"

namespace partialpool {

enum class Link { identity, log, logit, probit, cloglog, inverse, sqrt, inverse_squared };

// What a family makes of the first predictor: one of these, each with the links it allows.
// `outside` says which predictors give no mean that the family has (a probability above one, a
// count below zero): the density is zero there, whatever the response. NaN is not outside.

/// A mean that may be any number.
template <class T>
struct RealMean {
    T mu;

    static constexpr std::array links{Link::identity, Link::log, Link::inverse, Link::sqrt,
                                      Link::inverse_squared};
    static RealMean of(Link link, const T& eta) {
        switch (link) {
            case Link::identity: return {eta};
            // Squares of the residual have to stay finite.
            case Link::log: return {saturated_exp(eta, 170.0)};
            case Link::sqrt: return {eta * eta};
            case Link::inverse: {
                const bool negative = value_of(eta) < 0.0;
                const T size = saturated_exp(-log_positive(negative ? -eta : eta), 170.0);
                return {negative ? -size : size};
            }
            default: return {saturated_exp(log_positive(eta) * -0.5, 170.0)};
        }
    }
    static bool outside(Link link, double eta) {
        if (link == Link::inverse) return eta == 0.0;
        return link == Link::inverse_squared && eta <= 0.0;
    }
};

/// A positive mean, with its logarithm.
template <class T>
struct PositiveMean {
    T mu, log_mu;

    static constexpr auto links = RealMean<T>::links;
    static PositiveMean of(Link link, const T& eta) {
        switch (link) {
            case Link::identity: return {eta, log_positive(eta)};
            case Link::log: return {saturated_exp(eta), eta};
            case Link::sqrt: return {eta * eta, log_positive(eta) * 2.0};
            case Link::inverse: return from_log(-log_positive(eta));
            default: return from_log(log_positive(eta) * -0.5);
        }
    }
    static bool outside(Link link, double eta) {
        // The square of a negative number is a mean as well; for a response above zero there is
        // no way to it.
        return link != Link::log && link != Link::sqrt && eta <= 0.0;
    }
    static PositiveMean from_log(const T& log_mu) { return {saturated_exp(log_mu), log_mu}; }
};

/// Logarithms of a probability p and of 1 - p: neither is lost where the other is all but one.
template <class T>
struct Probability {
    T log_p, log_q;

    static constexpr std::array links{Link::logit, Link::probit, Link::cloglog, Link::log,
                                      Link::identity};
    static Probability of(Link link, const T& eta) {
        switch (link) {
            case Link::logit: return {-softplus(-eta), -softplus(eta)};
            case Link::probit: return {log_ndtr(eta), log_ndtr(-eta)};
            // Bounded so that its third power is finite.
            case Link::cloglog: return {log_cloglog(eta), -saturated_exp(eta, 170.0)};
            case Link::log: return {eta, log1mexp(-eta)};
            default: return {log_positive(eta), log_positive(1.0 - eta)};
        }
    }
    static bool outside(Link link, double eta) {
        if (link == Link::log) return eta >= 0.0;
        return link == Link::identity && (eta <= 0.0 || eta >= 1.0);
    }
};

/// The first predictor itself.
template <class T>
struct Raw {
    T eta;
    Link link;

    static constexpr std::array links{Link::logit, Link::probit, Link::cloglog};
    static Raw of(Link link, const T& eta) { return {eta, link}; }
    static bool outside(Link, double) { return false; }
};

}  // namespace partialpool
