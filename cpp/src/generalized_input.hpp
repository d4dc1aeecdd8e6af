#pragma once

#include <optional>
#include <stdexcept>
#include <tuple>

#include "forms.hpp"
#include "partialpool/generalized/prepare.hpp"
#include "partialpool/generalized/search.hpp"

// What Python hands over of a generalized model.

namespace partialpool {

using generalized::Criterion;

using InPart = std::tuple<int, InMatrix, Index, bool>;
using InRandom = std::tuple<InMatrix, Form, int>;
using InEffects = std::tuple<InCodes, Index, std::vector<InRandom>>;
using InOffsets = std::vector<std::optional<InVector>>;
using InCriterion = std::tuple<bool, bool, bool, int>;

inline Criterion to_criterion(const InCriterion& given) {
    return {std::get<0>(given), std::get<1>(given), std::get<2>(given), std::get<3>(given)};
}

inline Vector to_vector(const InVector& given) {
    return ConstVectorMap(given.data(), static_cast<Index>(given.shape(0)));
}

/// Linear predictors and random terms as they stand in Python's arrays.
inline generalized::RawRows read_rows(const std::vector<double>& units,
                                      const std::vector<InPart>& parts, const InOffsets& offsets,
                                      const std::vector<InEffects>& blocks) {
    generalized::RawRows raw{static_cast<Index>(std::get<1>(parts.at(0)).shape(0)),
                             static_cast<int>(units.size()),
                             units,
                             {},
                             {},
                             {}};
    const auto check = [&](std::size_t n, const char* what) {
        if (static_cast<Index>(n) != raw.n)
            throw std::invalid_argument(std::string(what) + " must have as many rows as X");
    };
    for (const auto& [predictor, X, group, shared] : parts) {
        check(X.shape(0), "every part");
        raw.parts.push_back({predictor, X.data(), static_cast<Index>(X.shape(1)), group, shared});
    }
    for (const auto& offset : offsets) {
        if (offset) check(offset->shape(0), "offset");
        raw.offset.push_back(offset ? offset->data() : nullptr);
    }
    for (const auto& [codes, q, terms] : blocks) {
        check(codes.shape(0), "codes");
        for (std::size_t i = 0; i < codes.shape(0); ++i)
            if (codes.data()[i] < 0 || codes.data()[i] >= q)
                throw std::invalid_argument("a code is none of the levels");
        generalized::EffectRows block{{codes.data(), q, {}}, {}};
        for (const auto& [basis, form, predictor] : terms) {
            check(basis.shape(0), "basis");
            block.rows.terms.push_back(
                {basis.data(), static_cast<Index>(basis.shape(1)), checked(form, basis.shape(1))});
            block.predictor.push_back(predictor);
        }
        raw.blocks.push_back(std::move(block));
    }
    return raw;
}

/// The random terms in the core's order, and where their parameters are.
inline std::vector<Term> terms_of(const generalized::RawRows& raw) {
    std::vector<Term> terms;
    Index first = 0;
    for (std::size_t b = 0; b < raw.blocks.size(); ++b) {
        Index offset = 0;
        for (const auto& term : raw.blocks[b].rows.terms) {
            terms.push_back({term.form, static_cast<Index>(b), offset, term.k, first});
            offset += term.k;
            first += structure::n_params(term.form, term.k);
        }
    }
    return terms;
}

}  // namespace partialpool
