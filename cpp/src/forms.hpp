#pragma once

#include <stdexcept>

#include "arrays.hpp"
#include "partialpool/covariance.hpp"

namespace partialpool {

/// A form that fits k effects.
inline const Form& checked(const Form& form, std::size_t k) {
    const auto size = static_cast<Index>(k);
    if (structure::by_distance(form.kind) &&
        (form.distances.rows() != size || form.distances.cols() != size))
        throw std::invalid_argument("this structure needs the distances between all effects");
    return form;
}

}  // namespace partialpool
