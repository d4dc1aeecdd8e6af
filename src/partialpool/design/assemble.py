"""One linear predictor on the rows of a model: its columns, its groups, its offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.design.applicability import FoundMask
from partialpool.design.arguments import Argument, evaluate_argument, evaluate_vector
from partialpool.design.effects import make_effects
from partialpool.design.factors import CodedFactor, learn_factor
from partialpool.design.grouping import Grouping, group, refuse_alone
from partialpool.design.identifiability import refuse_duplicates
from partialpool.design.matrix import ModelMatrix, make_matrix
from partialpool.design.roles import Roles
from partialpool.design.sheet import Sheet
from partialpool.design.spec import DesignSpec, MatrixSpec, OffsetSpec
from partialpool.design.support import never_applies
from partialpool.design.terms import Term, scope
from partialpool.design.typical import offset_columns, typical_columns
from partialpool.design.values import Design, Mask, RandomEffects, RowReport
from partialpool.design.weights import WeightSpec
from partialpool.errors import ModelError
from partialpool.formula import Formula
from partialpool.formula.structures import BY_DISTANCE
from partialpool.frames import FrameKind

__all__ = ["Ground", "assemble"]

Masks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What all linear predictors of a model stand on.

    Attributes
    ----------
    kind
        The library that the data came in.
    sheet
        Every column of the model on the rows used.
    rows
        Which rows of the table these are.
    found
        Where covariates apply, as it was found out.
    masks
        The same by column, of those that don't apply everywhere.
    y, weights
        Response and prior weights.
    weighing
        How the weights were computed.
    groupings
        Grouping factors by their columns, filled as predictors ask for them, so that
        predictors with the same groups share them.
    """

    kind: FrameKind
    sheet: Sheet
    rows: RowReport
    found: tuple[FoundMask, ...]
    masks: Masks
    y: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    weighing: WeightSpec | None = None
    groupings: dict[tuple[str, ...], Grouping] = field(default_factory=dict)

    def grouping(self, columns: tuple[str, ...]) -> Grouping:
        """Return a grouping factor, made when it is first asked for."""
        if columns not in self.groupings:
            self.groupings[columns] = group(columns, self.sheet, alone=True)
        return self.groupings[columns]


def assemble(
    formula: Formula,
    roles: Roles,
    ground: Ground,
    offset: Argument | None = None,
    thresholds: bool = False,
) -> Design:
    """Make the design of one linear predictor.

    Parameters
    ----------
    formula, roles
        What it is made of.
    ground
        The rows.
    offset
        Offset given besides those of the formula.
    thresholds
        Whether thresholds take the place of the intercept.

    Raises
    ------
    DataError
        If the data don't fit the formula.
    ModelError
        If the model can't be identified on these data.
    """
    sheet, masks = ground.sheet, ground.masks
    factors = {text: learn_factor(text, sheet, masks) for text in roles.texts}
    matrices = _matrices(roles, factors, sheet.n)
    fixed = _without_inapplicable(matrices[roles.fixed], factors)
    if thresholds:
        fixed = _without_intercept(fixed, formula)
    for term in formula.random:
        # Effects at many positions of one level tell their variance.
        if term.structure not in BY_DISTANCE:
            factor = ground.grouping(term.factors).factor
            refuse_alone(factor.name, factor.levels)
    random = tuple(
        make_effects(term, ground.grouping(term.factors).factor, matrices[basis], factors)
        for term, basis in zip(formula.random, roles.bases, strict=True)
    )
    refuse_duplicates(random)
    offsets = _offset(formula, offset, sheet, masks, ground.weights)
    found = [mask for mask in ground.found if mask.rule.column in roles.predictors]
    return Design(
        formula=formula,
        y=ground.y,
        X=fixed.values,
        columns=fixed.spec.columns,
        random=random,
        weights=ground.weights,
        offset=offsets.values,
        rows=ground.rows,
        not_applicable=fixed.removed,
        masks=tuple(Mask(m.rule.column, m.applies.view(), m.sentence) for m in found),
        spec=DesignSpec(
            formula=formula,
            kind=ground.kind,
            fixed=fixed.spec,
            bases=tuple(
                _basis_spec(matrices[basis], factors, effects)
                for basis, effects in zip(roles.bases, random, strict=True)
            ),
            groups=tuple(ground.grouping(term.factors).levels for term in formula.random),
            factors={text: factor.spec for text, factor in factors.items()},
            offset=offsets.spec,
            masks=tuple(mask.rule for mask in found),
            typical=typical_columns(fixed.spec.terms, factors, sheet, ground.weights),
            weights=ground.weighing,
        ),
    )


def _matrices(
    roles: Roles, factors: Mapping[str, CodedFactor], n: int
) -> dict[tuple[Term, ...], ModelMatrix]:
    """Make the columns of each distinct sum of terms once: most bases are the fixed part."""
    categorical = {text: factor.spec.kind == "categorical" for text, factor in factors.items()}
    return {
        terms: make_matrix(scope(terms, categorical), factors, n)
        for terms in dict.fromkeys((roles.fixed, *roles.bases))
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A matrix without the columns that no row identifies."""

    values: NDArray[np.float64]
    spec: MatrixSpec
    removed: tuple[str, ...]


def _without_inapplicable(matrix: ModelMatrix, factors: Mapping[str, CodedFactor]) -> _Part:
    gone = never_applies(matrix, factors)
    scoped = tuple(dict.fromkeys(matrix.terms))
    if not gone:
        return _Part(matrix.values, MatrixSpec(scoped, matrix.columns), ())
    kept = tuple(i for i in range(len(matrix.columns)) if i not in gone)
    names = tuple(matrix.columns[i] for i in kept)
    return _Part(
        np.ascontiguousarray(matrix.values[:, kept]),
        MatrixSpec(scoped, names, kept),
        tuple(matrix.columns[i] for i in sorted(gone)),
    )


def _basis_spec(
    matrix: ModelMatrix, factors: Mapping[str, CodedFactor], effects: RandomEffects
) -> MatrixSpec:
    spec = _without_inapplicable(matrix, factors).spec
    if effects.positions is None:
        return spec
    return replace(spec, positions=tuple(map(tuple, effects.positions.tolist())))


def _without_intercept(part: _Part, formula: Formula) -> _Part:
    """Leave the intercept out after it has decided how the factors are coded."""
    if "Intercept" not in part.spec.columns:
        raise ModelError(
            f"thresholds take the place of the intercept, so that there is none to leave out of "
            f"{formula.text!r}. Remove the 0 or -1."
        )
    names = part.spec.columns
    places = [i for i, name in enumerate(names) if name != "Intercept"]
    old = part.spec.kept or tuple(range(len(names)))
    spec = MatrixSpec(
        part.spec.terms, tuple(names[i] for i in places), tuple(old[i] for i in places)
    )
    return _Part(np.ascontiguousarray(part.values[:, places]), spec, part.removed)


@dataclass(frozen=True, slots=True, eq=False)
class _Offset:
    values: NDArray[np.float64] | None
    spec: OffsetSpec


def _offset(
    formula: Formula,
    argument: Argument | None,
    sheet: Sheet,
    masks: Masks,
    weights: NDArray[np.float64] | None,
) -> _Offset:
    texts = list(formula.offsets)
    if argument is not None and argument.text is not None:
        texts.append(argument.text)
    vectors = [evaluate_vector(text, sheet, masks, "offset") for text in texts]
    is_array = argument is not None and argument.text is None
    arrays = [evaluate_argument(argument, sheet, masks)] if argument and is_array else []
    typical = offset_columns(texts, sheet, weights)
    spec = OffsetSpec(tuple(texts), tuple(vector.states for vector in vectors), is_array, typical)
    if not (vectors or arrays):
        return _Offset(None, spec)
    total = np.zeros(sheet.n)
    for vector in (*vectors, *arrays):
        total += vector.values
    return _Offset(total, spec)
