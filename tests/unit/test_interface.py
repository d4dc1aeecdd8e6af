"""help() on anything public says what it is, what goes in and shows an example."""

import inspect
import re

import pytest

import partialpool as pp
from partialpool.inference import Bootstrap, LinearTest, Power, Profile

FITS = (pp.LmmFit, pp.GlmmFit, pp.BayesFit, pp.PenalizedFit, pp.StatedModel)
RESULTS = (Bootstrap, LinearTest, Power, Profile, pp.CrossValidation)
# For the bootstrap alone, which may not know what a fit is made of.
INSIDE = ("with_design",)
ESTIMATORS = (
    pp.HierarchicalClassifier,
    pp.HierarchicalClassifierCV,
    pp.HierarchicalRegressor,
    pp.HierarchicalRegressorCV,
    pp.MixedEffectsClassifier,
    pp.MixedEffectsRegressor,
)


def functions():
    names = [name for name in pp.__all__ if inspect.isfunction(getattr(pp, name))]
    return [pytest.param(getattr(pp, name), id=name) for name in names]


def methods(*classes):
    return [
        pytest.param(member, id=f"{cls.__name__}.{name}")
        for cls in classes
        for name, member in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
        and member.__module__.startswith("partialpool")
        and name not in INSIDE
    ]


def properties(*classes):
    return [
        pytest.param(member, id=f"{cls.__name__}.{name}")
        for cls in classes
        for name, member in inspect.getmembers(cls, lambda m: isinstance(m, property))
        if not name.startswith("_")
    ]


def parameters(function):
    given = inspect.signature(function).parameters.values()
    return [p.name for p in given][1 if "." in function.__qualname__ else 0 :]


def documented(text):
    """Names of the entries of the section on parameters."""
    section = text.partition("Parameters\n----------\n")[2]
    section = re.split(r"\n\w[\w ]*\n-{3,}", section)[0]
    entries = re.findall(r"^(\S[^:\n]*)", section, flags=re.MULTILINE)
    return {name.strip().lstrip("*") for entry in entries for name in entry.split(",")}


@pytest.mark.parametrize(
    "function", [*functions(), *methods(*FITS, *RESULTS, *ESTIMATORS), *properties(*FITS)]
)
def test_every_docstring_says_what_it_is_of(function):
    first = inspect.getdoc(function).splitlines()[0]
    assert first.endswith((".", "`.")), first
    assert not first.startswith("See :func:")


@pytest.mark.parametrize("function", [*functions(), *methods(*FITS, *RESULTS, *ESTIMATORS)])
def test_every_parameter_is_described(function):
    text = inspect.getdoc(function)
    if not text.startswith(("See :meth:", "Choose the penalty and fit the model; see :meth:")):
        # A note such as "``part`` chooses the predictor" will do.
        known = documented(text) | set(re.findall(r"``(\w+)``", text))
        wanted = set(parameters(function)) - {"fit", "model"}
        assert wanted <= known, wanted - known


@pytest.mark.parametrize("function", [*functions(), *methods(*FITS)])
def test_everything_public_shows_an_example(function):
    assert "\nExamples\n--------\n>>> " in inspect.getdoc(function)


@pytest.mark.parametrize("function", [*functions(), *methods(*FITS, *RESULTS, *ESTIMATORS)])
def test_no_public_signature_takes_any_keyword(function):
    kinds = {p.kind for p in inspect.signature(function).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
