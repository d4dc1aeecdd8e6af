from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Floats: TypeAlias = NDArray[np.float64]
_Block: TypeAlias = tuple[NDArray[np.int32], int, list[tuple[_Floats, int]]]

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

class Problem:
    n: int
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
    def conditional(self, psi: _Floats, reml: bool, sigma: float) -> list[_Floats]: ...
    def quadratic_forms(
        self, X: _Floats, blocks: Sequence[_Block], psi: _Floats, reml: bool, sigma: float
    ) -> _Floats: ...
    def least_squares(self) -> _Floats: ...
    def sigma(self, optimum: Optimum, reml: bool) -> float: ...
    def beta(self, optimum: Optimum) -> _Floats: ...
    def root(self, optimum: Optimum) -> _Floats: ...
    def effects(self, optimum: Optimum, block: int) -> _Floats: ...
    def factor(self, optimum: Optimum, term: int) -> _Floats: ...

def use_lapack(capsules: dict[str, object]) -> None: ...
def all_finite(values: _Floats) -> bool: ...
def set_threads(n: int) -> None: ...
def get_threads() -> int: ...
def covariance_size(structure: int, k: int) -> int: ...
def covariance_factor(structure: int, k: int, psi: _Floats) -> _Floats: ...
def covariance_directions(structure: int, k: int, psi: _Floats) -> list[_Floats]: ...
def covariance_chart(structure: int, k: int, psi: _Floats, gradient: _Floats) -> _Floats: ...
