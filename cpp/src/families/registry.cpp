#include <stdexcept>

#include "canonical.hpp"

namespace partialpool {

std::unique_ptr<Density> make_density(const std::string& family, const std::string& link, Index n,
                                      const double* y, const double* trials,
                                      const double* weights) {
    Observations data(n, y, trials, weights);
    if (family == "binomial" && link == "logit") return make_binomial_logit(std::move(data));
    if (family == "poisson" && link == "log") return make_poisson_log(std::move(data));
    throw std::invalid_argument("family '" + family + "' with link '" + link +
                                "' is not in the core");
}

}  // namespace partialpool
