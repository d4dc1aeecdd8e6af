"""What a user asks of a mixed-effects learner, checked."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

from partialpool.errors import DataError, ModelError
from partialpool.families import ResponseFamily, resolve
from partialpool.inference.seeds import check_random_state
from partialpool.learners.learning import Residuals
from partialpool.learners.variance import Variance

__all__ = ["Algorithm", "Asked", "check_asked", "check_family"]

Algorithm = Literal["alternate", "leaves", "boosting"]

_FAMILIES = ("gaussian", "poisson", "nbinom1", "nbinom2", "gamma")
_CHOICES = {
    "algorithm": ("alternate", "leaves", "boosting"),
    "variance": ("ml", "em"),
    "residuals": ("auto", "folds", "in-sample"),
}

# One learner takes as many turns as merf's. Each of two, fitted in five folds, gains next to
# nothing after the second, and 2 x 2 x 5 fits are as many as merf's; out of bag one costs one.
_MANY, _FEW, _FEW_BAGGED = 20, 2, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """Options of a fit.

    Attributes
    ----------
    algorithm
        Learner and random part in turn; leaves of a tree refitted; or gradient boosting.
    variance
        Maximum likelihood, or a step of expectation and maximisation.
    residuals
        Where the random part's residuals come from.
    max_iter, tol
        When to stop; no ``max_iter`` for as many as are usual.
    folds
        How many, where folds are needed.
    seed
        Of the folds.
    rescale
        Whether the learner's predictions are put on the scale of the response at the end.
    """

    algorithm: Algorithm
    variance: Variance
    residuals: Residuals
    max_iter: int | None
    tol: float | None
    folds: int
    seed: int
    rescale: bool

    @property
    def most(self) -> int:
        """Most iterations of one learner in turn with random effects."""
        return self.max_iter or _MANY

    def few(self, folds: bool) -> int:
        """Most iterations of each of two learners, the one in folds or not."""
        return self.max_iter or (_FEW if folds else _FEW_BAGGED)

    @property
    def apart(self) -> bool:
        """Whether groups that are known and those that aren't get learners of their own."""
        return (self.algorithm, self.variance) == ("alternate", "ml") and (
            self.residuals != "in-sample"
        )


def check_asked(
    algorithm: Any,
    variance: Any,
    residuals: Any,
    max_iter: Any,
    tol: Any,
    folds: Any,
    random_state: Any,
    rescale: Any = "auto",
) -> Asked:
    """Check the options of an estimator.

    Raises
    ------
    DataError
        If one is none of what it can be.
    ModelError
        If two don't go together.
    """
    for name, value in (("algorithm", algorithm), ("variance", variance), ("residuals", residuals)):
        if value not in _CHOICES[name]:
            raise DataError(f"{name} must be one of {_CHOICES[name]}, found {value!r}.")
    if max_iter != "auto" and (not isinstance(max_iter, Integral) or max_iter < 1):
        raise DataError(f"max_iter must be a whole number from 1, or 'auto', found {max_iter!r}.")
    if not isinstance(folds, Integral) or folds < 2:
        raise DataError(f"folds must be a whole number from 2, found {folds!r}.")
    if tol is not None and not (isinstance(tol, Real) and float(tol) >= 0):
        raise DataError(f"tol must be a number from 0, or None to do max_iter, found {tol!r}.")
    if algorithm != "alternate" and variance == "em":
        raise ModelError(
            f"algorithm={algorithm!r} estimates variances by likelihood. Use variance='ml'."
        )
    if variance == "em" and residuals == "auto":
        residuals = "in-sample"  # as merf does
    return Asked(
        algorithm,
        variance,
        residuals,
        None if max_iter == "auto" else int(max_iter),
        None if tol is None else float(tol),
        int(folds),
        _seed(random_state),
        _rescale(rescale, residuals) and algorithm != "leaves",
    )


def check_family(family: Any, algorithm: Any, variance: Any) -> ResponseFamily:
    """Resolve the distribution of the response.

    Raises
    ------
    ModelError
        If learners can't have it, or not by the algorithm asked for.
    """
    resolved = resolve(family)
    if resolved.name not in _FAMILIES:
        raise ModelError(
            f"family must be one of {_FAMILIES} here, found {resolved.name!r}. Classes have "
            "MixedEffectsClassifier; other families have partialpool.glmm."
        )
    if resolved.name == "gaussian" and resolved.link.name != "identity":
        raise ModelError(
            f"family='gaussian' has the identity link here, found {resolved.link.name!r}."
        )
    if resolved.name != "gaussian" and resolved.link.name != "log":
        raise ModelError(
            f"family={resolved.name!r} has the log link here, found {resolved.link.name!r}."
        )
    if resolved.name != "gaussian" and (algorithm != "alternate" or variance != "ml"):
        raise ModelError(
            f"family={resolved.name!r} goes with algorithm='alternate' and variance='ml'."
        )
    return resolved


def _rescale(asked: Any, residuals: Any) -> bool:
    if asked not in ("auto", True, False):
        raise DataError(f"rescale must be 'auto', True or False, found {asked!r}.")
    if asked is True and residuals == "in-sample":
        raise ModelError(
            "rescale=True needs predictions of rows that the learner hasn't seen. Use "
            "residuals='folds', or rescale=False."
        )
    return bool(asked) and residuals != "in-sample"


def _seed(random_state: Any) -> int:
    check_random_state(random_state)
    if random_state is None:
        return 0
    if hasattr(random_state, "randint"):
        return int(random_state.randint(2**31 - 1))
    return int(random_state)
