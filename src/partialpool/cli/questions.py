"""Questions to saved models: what each command does."""

from __future__ import annotations

import inspect
from argparse import Namespace
from typing import Any

import narwhals as nw

import partialpool
from partialpool.cli.output import check_output, write
from partialpool.errors import DataError
from partialpool.progress import working

__all__ = ["anova", "compare", "confint", "means", "summary", "test", "tidy"]


def summary(arguments: Namespace) -> int:
    """Print the summary of a saved model."""
    print(partialpool.load(arguments.model).summary())
    return 0


def tidy(arguments: Namespace) -> int:
    """Write the parameters, with Wald intervals."""
    model = _load(arguments)
    options = {"conf_int": True, "level": arguments.level, "ddf": arguments.ddf}
    return _write(_ask(model, "tidy", options, optional=("conf_int",)), arguments.out)


def confint(arguments: Namespace) -> int:
    """Write confidence intervals."""
    drawn = {"--draws": arguments.draws, "--seed": arguments.seed}
    given = [option for option, value in drawn.items() if value is not None]
    if given and arguments.method != "bootstrap":
        raise DataError(
            f"{given[0]} is for the bootstrap. Add --method bootstrap, or leave it out."
        )
    model = _load(arguments)
    options = {
        "level": arguments.level,
        "method": arguments.method,
        "ddf": arguments.ddf,
        "n": arguments.draws,
        "seed": arguments.seed,
    }
    with working("Computing intervals"):
        found = _ask(model, "confint", options)
    return _write(found, arguments.out)


def anova(arguments: Namespace) -> int:
    """Write a test of every term."""
    model = _load(arguments)
    options = {"type": arguments.type, "ddf": arguments.ddf}
    return _write(_ask(model, "anova", options), arguments.out)


def means(arguments: Namespace) -> int:
    """Write marginal means or contrasts among them."""
    model = _load(arguments)
    options = {
        "specs": arguments.columns,
        "by": arguments.by,
        "contrasts": arguments.contrasts,
        "adjust": arguments.adjust,
        "level": arguments.level,
        "scale": arguments.scale,
        "ddf": arguments.ddf,
    }
    return _write(_ask(model, "means", options), arguments.out)


def test(arguments: Namespace) -> int:
    """Print tests of linear hypotheses."""
    model = partialpool.load(arguments.model)
    print(_ask(model, "test", {"hypothesis": arguments.hypotheses, "ddf": arguments.ddf}))
    return 0


def compare(arguments: Namespace) -> int:
    """Print a comparison of saved models of the same rows."""
    models = [partialpool.load(path) for path in arguments.models]
    print(partialpool.compare(*models, names=arguments.models))
    return 0


def _load(arguments: Namespace) -> Any:
    """Load the model that a table is to be made of."""
    check_output(arguments.out, "--out", [arguments.model])
    return partialpool.load(arguments.model)


def _ask(model: Any, name: str, options: dict[str, Any], optional: tuple[str, ...] = ()) -> Any:
    """Call a method with the options that were given; those that it hasn't are refused."""
    method = getattr(model, name, None)
    if method is None:
        raise DataError(f"`partialpool {name}` is not for this kind of model: {_kind(model)}.")
    known = inspect.signature(method).parameters
    given = {key: value for key, value in options.items() if value is not None}
    for key in [key for key in given if key not in known]:
        if key not in optional:
            raise DataError(f"{key}= is not for this kind of model: {_kind(model)}. Leave it out.")
        del given[key]
    return method(**given)


def _kind(model: Any) -> str:
    kinds = {
        "LmmFit": "a linear mixed model",
        "GlmmFit": "a generalized linear mixed model",
        "BayesFit": "a Bayesian fit",
        "PenalizedFit": "a penalised fit",
    }
    return kinds[type(model).__name__]


def _write(table: Any, path: str | None) -> int:
    """Write a table to a file, or as CSV to standard output."""
    frame: Any = nw.from_native(table, eager_only=True, pass_through=True)
    if isinstance(frame, dict):
        import pandas as pd

        frame = pd.DataFrame(frame)
    else:
        frame = frame.to_pandas()
    write(frame, path, "rows")
    return 0
