#include <algorithm>
#include <span>
#include <stdexcept>
#include <string_view>

#include "canonical.hpp"
#include "continuous.hpp"
#include "mixtures.hpp"
#include "ordinal.hpp"
#include "proportions.hpp"
#include "tweedie.hpp"

namespace partialpool {
namespace {

struct Entry {
    std::string_view name;
    std::span<const Link> links;
    std::unique_ptr<Density> (*make)(Observations, Link);
};

template <class Family>
constexpr Entry entry(std::string_view name) {
    return {name, Family::template Mean<double>::links, &make<Family>};
}

using namespace families;

/// Every family of the core. Its links are those of the mean it has, see links.hpp.
constexpr std::array registry{
    entry<Gaussian>("gaussian"),
    entry<StudentT>("student_t"),
    entry<Gamma>("gamma"),
    entry<InverseGaussian>("inverse_gaussian"),
    entry<Tweedie>("tweedie"),
    entry<Binomial>("binomial"),
    entry<Beta>("beta"),
    entry<BetaBinomial>("betabinomial"),
    entry<Ordinal>("ordinal"),
    entry<Poisson>("poisson"),
    entry<NegativeBinomial1>("nbinom1"),
    entry<NegativeBinomial2>("nbinom2"),
    entry<ZeroInflated<Poisson>>("zi_poisson"),
    entry<ZeroInflated<NegativeBinomial1>>("zi_nbinom1"),
    entry<ZeroInflated<NegativeBinomial2>>("zi_nbinom2"),
    entry<Truncated<Poisson>>("truncated_poisson"),
    entry<Truncated<NegativeBinomial1>>("truncated_nbinom1"),
    entry<Truncated<NegativeBinomial2>>("truncated_nbinom2"),
    entry<Hurdle<Poisson>>("hurdle_poisson"),
    entry<Hurdle<NegativeBinomial1>>("hurdle_nbinom1"),
    entry<Hurdle<NegativeBinomial2>>("hurdle_nbinom2"),
};

constexpr std::array<std::pair<std::string_view, Link>, 8> link_names{{
    {"identity", Link::identity},
    {"log", Link::log},
    {"logit", Link::logit},
    {"probit", Link::probit},
    {"cloglog", Link::cloglog},
    {"inverse", Link::inverse},
    {"sqrt", Link::sqrt},
    {"inverse_squared", Link::inverse_squared},
}};

const Entry& find_family(const std::string& name) {
    std::string known;
    for (const auto& entry : registry) {
        if (entry.name == name) return entry;
        known.append(known.empty() ? "" : ", ").append(entry.name);
    }
    throw std::invalid_argument("the core has no family '" + name + "', but one of " + known);
}

Link find_link(const Entry& family, const std::string& name) {
    std::string known;
    for (const auto& [link_name, link] : link_names) {
        if (std::find(family.links.begin(), family.links.end(), link) == family.links.end())
            continue;
        if (link_name == name) return link;
        known.append(known.empty() ? "" : ", ").append(link_name);
    }
    throw std::invalid_argument("family '" + std::string(family.name) + "' has no link '" + name +
                                "', but one of " + known);
}

}  // namespace

std::unique_ptr<Density> make_density(const std::string& family, const std::string& link, Index n,
                                      const double* y, const double* trials,
                                      const double* weights) {
    const Entry& entry = find_family(family);
    const Link found = find_link(entry, link);
    Observations data(n, y, trials, weights);
    if (family == "binomial" && found == Link::logit) return make_binomial_logit(std::move(data));
    const bool small =
        std::ranges::none_of(data.y, [](double y) { return y >= families::large_count; });
    if (found == Link::log && small) {
        if (family == "poisson") return make_poisson_log(std::move(data));
        if (family == "nbinom2") return make_negative_binomial_log(std::move(data));
    }
    return entry.make(std::move(data), found);
}

}  // namespace partialpool
