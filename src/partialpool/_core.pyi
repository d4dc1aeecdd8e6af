from collections.abc import Callable, Sequence
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

_Floats: TypeAlias = NDArray[np.float64]
_Effects: TypeAlias = tuple[NDArray[np.int32], int, list[tuple[_Floats, int | Form, int]]]
_Criterion: TypeAlias = tuple[bool, bool, bool, int]
_Block: TypeAlias = tuple[NDArray[np.int32], int, list[tuple[_Floats, int | Form]]]
_RowDerivatives: TypeAlias = Sequence[_Floats | Sequence[_Floats]]

class Density:
    constant: float
    predictors: int
    rows: int
    @overload
    def __init__(
        self,
        family: str,
        link: str,
        y: _Floats,
        trials: _Floats | None,
        weights: _Floats | None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        function: Callable[[int, int, list[_Floats], int, bool], _RowDerivatives],
        rows: int,
        predictors: int,
    ) -> None: ...
    def evaluate(
        self, eta: Sequence[_Floats], order: int, every: bool
    ) -> tuple[_Floats, _Floats, _Floats, _Floats]: ...
    def expected(self, eta: Sequence[_Floats]) -> tuple[_Floats, _Floats] | None: ...

class Optimum:
    objective: float
    evaluations: int
    converged: bool
    ok: bool
    psi: _Floats
    gradient: _Floats
    curvature: _Floats
    penalised_residual: float
    def as_found(
        self,
        objective: float,
        evaluations: int,
        converged: bool,
        gradient: _Floats,
        curvature: _Floats,
    ) -> Optimum: ...

class MappedProblem: ...

class Posterior:
    size: int
    centre: _Floats
    def __init__(
        self,
        problem: MappedProblem,
        terms: Sequence[tuple[Sequence[tuple[int, float, float]], float]],
        sigma: tuple[int, float, float],
        combinations: _Floats,
        mean: _Floats,
        sd: _Floats,
    ) -> None: ...
    def evaluate(self, q: _Floats) -> tuple[float, _Floats]: ...
    def describe(self, q: _Floats) -> _Floats: ...
    def sample(
        self,
        chains: int,
        tune: int,
        draws: int,
        seed: int,
        target_accept: float,
        max_depth: int,
        progress: Callable[[int, int], None] | None,
        single: bool = False,
    ) -> tuple[_Floats, _Floats, _Floats, _Floats, _Floats, bool]: ...

class Problem:
    n: int
    def sums(self) -> _Floats: ...
    mapped: MappedProblem
    n_params: int
    solvable: bool
    sparse: bool
    kept: list[int]
    aliased: list[int]
    aliases: _Floats
    residual_ratio: float
    y_deviation: float
    y_scale: float
    deficient: tuple[int, int, int]
    def __init__(
        self,
        X: _Floats,
        y: _Floats,
        weights: _Floats | None,
        offset: _Floats | None,
        blocks: Sequence[_Block],
    ) -> None: ...
    def with_response(self, y: _Floats) -> Problem: ...
    def optimise(
        self,
        reml: bool,
        sigma: float,
        start: _Floats | None,
        tolerance: float,
        max_evaluations: int,
    ) -> Optimum: ...
    def at(self, psi: _Floats, reml: bool, sigma: float) -> Optimum: ...
    def local(
        self, psi: _Floats, reml: bool, sigma: float, level: int
    ) -> tuple[float, _Floats, _Floats]: ...
    def local_in(
        self,
        psi: _Floats,
        axes: Sequence[_Floats | None],
        reml: bool,
        sigma: float,
        level: int,
    ) -> tuple[float, _Floats, _Floats, _Floats, float]: ...
    def conditional(self, psi: _Floats, reml: bool, sigma: float) -> list[_Floats]: ...
    def quadratic_forms(
        self, X: _Floats, blocks: Sequence[_Block], psi: _Floats, reml: bool, sigma: float
    ) -> _Floats: ...
    def sensitivity(
        self,
        psi: _Floats,
        reml: bool,
        sigma: float,
        directions: Sequence[tuple[int, _Floats]],
        with_products: bool,
    ) -> tuple[_Floats, _Floats, _Floats, _Floats, _Floats, _Floats, _Floats, _Floats, float]: ...
    def least_squares(self) -> _Floats: ...
    def sigma(self, optimum: Optimum, reml: bool) -> float: ...
    def beta(self, optimum: Optimum) -> _Floats: ...
    def root(self, optimum: Optimum) -> _Floats: ...
    def effects(self, optimum: Optimum, block: int) -> _Floats: ...
    def term_map(self, term: int) -> _Floats: ...
    def factor(self, optimum: Optimum, term: int) -> _Floats: ...
    def refit(
        self,
        responses: _Floats,
        reml: bool,
        sigma: float,
        tolerance: float,
        max_evaluations: int,
        effects: bool,
    ) -> Refits: ...

class RowStream:
    used: int
    solvable: bool
    fixed: _Floats
    def summarise(
        self,
        X: _Floats,
        y: _Floats,
        weights: _Floats | None,
        offset: _Floats | None,
        blocks: Sequence[_Block],
    ) -> None: ...
    def factor(
        self,
        X: _Floats,
        y: _Floats,
        weights: _Floats | None,
        offset: _Floats | None,
        blocks: Sequence[_Block],
    ) -> None: ...
    def accumulate(
        self,
        X: _Floats,
        y: _Floats,
        weights: _Floats | None,
        offset: _Floats | None,
        blocks: Sequence[_Block],
    ) -> None: ...
    def find_scaling(self) -> None: ...
    def random(self, block: int, term: int) -> _Floats: ...
    def looks(self) -> _Floats: ...
    def restore(
        self, X: _Floats, blocks: Sequence[_Block], looks: _Floats, sums: _Floats
    ) -> None: ...
    def problem(self) -> Problem: ...

class Refits:
    objective: _Floats
    sigma: _Floats
    penalised_residual: _Floats
    residual_ratio: _Floats
    y_deviation: _Floats
    beta: _Floats
    root: _Floats
    psi: _Floats
    evaluations: list[int]
    converged: list[bool]
    def factors(self, term: int) -> _Floats: ...
    def effects(self, block: int) -> _Floats: ...

class GeneralizedEstimate:
    objective: float
    evaluations: int
    converged: bool
    psi: _Floats
    mapped: _Floats
    gradient: _Floats
    curvature: _Floats

class GeneralizedProblem:
    n_rows: int
    n_psi: int
    mode_steps: int
    deficient: tuple[int, int, int]
    def __init__(
        self,
        units: Sequence[float],
        parts: Sequence[tuple[int, _Floats, int, bool]],
        offsets: Sequence[_Floats | None],
        blocks: Sequence[_Effects],
        merge: bool,
        precisions: Sequence[_Floats],
        density: Callable[[NDArray[np.int64], NDArray[np.int64]], tuple[Density, float]],
    ) -> None: ...
    def optimise(
        self,
        start: Sequence[_Floats],
        criterion: _Criterion,
        tolerance: float,
        max_evaluations: int,
    ) -> GeneralizedEstimate: ...
    def at(
        self, psi: _Floats, coefficients: Sequence[_Floats], criterion: _Criterion
    ) -> GeneralizedEstimate: ...
    def local(
        self, psi: _Floats, beta: _Floats, criterion: _Criterion
    ) -> tuple[float, _Floats, _Floats]: ...
    def turn(
        self,
        estimate: GeneralizedEstimate,
        psi: _Floats,
        axes: Sequence[_Floats | None],
        criterion: _Criterion,
    ) -> GeneralizedEstimate: ...
    def hold(
        self,
        start: GeneralizedEstimate,
        normal: _Floats,
        value: float,
        forward: Sequence[_Floats],
        criterion: _Criterion,
        tolerance: float,
        max_evaluations: int,
    ) -> GeneralizedEstimate: ...
    def improve(
        self,
        psi: _Floats,
        coefficients: Sequence[_Floats],
        criterion: _Criterion,
        tolerance: float,
        max_evaluations: int,
    ) -> GeneralizedEstimate: ...
    def conditional_loglik(self, estimate: GeneralizedEstimate, criterion: _Criterion) -> float: ...
    def shares(
        self, estimate: GeneralizedEstimate, criterion: _Criterion
    ) -> tuple[_Floats, list[_Floats]]: ...
    def term_matrix(self, term: int) -> _Floats: ...
    def hessian(self, estimate: GeneralizedEstimate, criterion: _Criterion) -> _Floats: ...
    def information(self, estimate: GeneralizedEstimate, criterion: _Criterion) -> _Floats: ...
    def conditional(
        self, estimate: GeneralizedEstimate, criterion: _Criterion
    ) -> list[_Floats]: ...
    def variances(
        self,
        estimate: GeneralizedEstimate,
        criterion: _Criterion,
        X: Sequence[_Floats],
        blocks: Sequence[_Effects],
        covariance: _Floats,
    ) -> _Floats: ...
    def kept(self, group: int) -> list[int]: ...
    def aliased(self, group: int) -> list[int]: ...
    def aliases(self, group: int) -> _Floats: ...
    def matrix(self, group: int) -> _Floats: ...
    def coefficients(self, estimate: GeneralizedEstimate, group: int) -> _Floats: ...
    def effects(self, estimate: GeneralizedEstimate, block: int) -> _Floats: ...
    def factor(self, estimate: GeneralizedEstimate, term: int) -> _Floats: ...

class LevelRows:
    def __init__(self, codes: NDArray[np.int32], levels: int) -> None: ...
    def products(self, Z: _Floats, X: _Floats, weights: _Floats | None) -> _Floats: ...
    def sums(self, Z: _Floats, a: _Floats) -> _Floats: ...
    def values(self, Z: _Floats, v: _Floats) -> _Floats: ...
    def forms(self, Z: _Floats, X: _Floats, L: _Floats, V: _Floats, R: _Floats) -> _Floats: ...

class LevelFactor:
    ok: bool
    logdet: float
    L: _Floats
    V: _Floats
    outer: _Floats
    def __init__(
        self,
        A: _Floats,
        B: _Floats,
        diag: _Floats,
        shared: NDArray[np.int32] | None,
        omega: _Floats,
        scale: float,
        outer: bool,
    ) -> None: ...
    def forward(self, x: _Floats) -> tuple[_Floats, _Floats]: ...
    def backward(self, x: _Floats, w: _Floats) -> _Floats: ...

def use_lapack(capsules: dict[str, object]) -> None: ...
def all_finite(values: _Floats) -> bool: ...
def set_threads(n: int) -> None: ...
def get_threads() -> int: ...
def trust_region_step(
    gradient: _Floats, curvature: _Floats, radius: float
) -> tuple[_Floats, float]: ...

class Form:
    @overload
    def __init__(self, structure: int) -> None: ...
    @overload
    def __init__(self, structure: int, distances: _Floats) -> None: ...
    @property
    def structure(self) -> int: ...

def covariance_correlations(
    structure: int | Form, k: int, psi: _Floats
) -> tuple[_Floats, list[_Floats], list[_Floats]]: ...
def covariance_size(structure: int | Form, k: int) -> int: ...
def covariance_factor(structure: int | Form, k: int, psi: _Floats) -> _Floats: ...
def covariance_directions(structure: int | Form, k: int, psi: _Floats) -> list[_Floats]: ...
def covariance_chart(structure: int | Form, k: int, psi: _Floats, gradient: _Floats) -> _Floats: ...
