"""What each command does."""

from __future__ import annotations

import inspect
from argparse import Namespace
from pathlib import Path
from typing import Any

import partialpool
from partialpool.cli.output import check_model_file, check_output, write
from partialpool.errors import DataError, NotAvailableError
from partialpool.frames import read_table
from partialpool.frames.sources import collect
from partialpool.progress import working

__all__ = ["demo", "fit", "predict"]

_DEMO = "Reaction ~ Days + (Days | Subject)"
_GENERALIZED = ("link", "quadrature", "zero_inflation", "dispersion", "method", "penalty")
_PICTURE = "sleepstudy-fitted-lines.png"


def fit(arguments: Namespace) -> int:
    """Fit a model to a file, print the summary, save the model."""
    check_output(arguments.save, "--save", [arguments.data])
    check_model_file(arguments.save)
    with working(f"Fitting to {arguments.data}"):
        model = _fit_generalized(arguments) if arguments.family else _fit(arguments)
    # Saved before anything is printed: the reader, such as `head`, may stop reading.
    if arguments.save:
        model.save(arguments.save)
    print(model.summary())
    if arguments.save:
        print(f"\nSaved to {arguments.save}. Predict: partialpool predict {arguments.save} NEW")
    return 0


def _fit(arguments: Namespace) -> Any:
    given = [name for name in _GENERALIZED if getattr(arguments, name)]
    if given:
        option = given[0].replace("_", "-")
        raise DataError(f"--{option} is for generalized models. Name the --family as well.")
    return partialpool.lmm(
        arguments.formula,
        arguments.data,
        reml=not arguments.ml,
        weights=arguments.weights,
        offset=arguments.offset,
        missing=arguments.missing,
        applicable=_conditions(arguments.applicable),
        sigma=arguments.sigma,
    )


def _fit_generalized(arguments: Namespace) -> Any:
    if arguments.sigma is not None:
        raise DataError("--sigma is for linear models. Leave out --family, or --sigma.")
    family = partialpool.families.resolve(arguments.family)
    if arguments.link:
        family = partialpool.families.from_json(family.to_json() | {"link": arguments.link})
    return partialpool.glmm(
        arguments.formula,
        arguments.data,
        family=family,
        method=arguments.method or "laplace",
        quadrature=arguments.quadrature or 1,
        penalty=arguments.penalty,
        weights=arguments.weights,
        offset=arguments.offset,
        zero_inflation=arguments.zero_inflation,
        dispersion=arguments.dispersion,
        missing=arguments.missing,
        applicable=_conditions(arguments.applicable),
    )


def _conditions(given: list[str] | None) -> dict[str, str] | None:
    """Read ``["dose: arm != 'control'"]``."""
    if not given:
        return None
    parts = [text.partition(":") for text in given]
    if wrong := [text for text, part in zip(given, parts, strict=True) if not part[2].strip()]:
        raise DataError(
            f"--applicable {wrong[0]!r} has no condition. Write COL:CONDITION, as in "
            "\"dose: arm != 'control'\"."
        )
    return {name.strip(): condition.strip() for name, _, condition in parts}


def predict(arguments: Namespace) -> int:
    """Predict for the rows of a file with a saved model."""
    check_output(arguments.out, "--out", [arguments.model, arguments.new])
    model = partialpool.load(arguments.model)
    new = collect(arguments.new)
    with working("Predicting"):
        columns = _predictions(model, new, arguments)
    frame = new if hasattr(new, "assign") else new.to_pandas()
    if taken := [name for name in columns if name in frame.columns]:
        raise DataError(
            f"{arguments.new!r} has a column {taken[0]!r} already, which the predictions would "
            "replace. Rename it."
        )
    write(frame.assign(**columns), arguments.out, "predictions")
    return 0


def demo(arguments: Namespace) -> int:
    """Fit the sleepstudy data, print the summary and draw the fitted lines."""
    data = partialpool.load_dataset("sleepstudy")
    print(f'partialpool.lmm("{_DEMO}", load_dataset("sleepstudy"))\n')
    model = partialpool.lmm(_DEMO, data)
    print(model.summary())
    print(f"\n{_draw(model, Path(arguments.out))}")
    return 0


def _predictions(model: Any, new: Any, arguments: Namespace) -> dict[str, Any]:
    options = {"random": arguments.random, "new_levels": arguments.new_levels}
    if arguments.type:
        if not hasattr(model, "family"):
            raise DataError("--type is for generalized models, and this one is linear.")
        options["type"] = arguments.type
    if arguments.interval:
        return _intervals(model, new, arguments, options)
    if arguments.bootstrap is not None or arguments.seed is not None:
        raise DataError("--bootstrap and --seed are for intervals. Add --interval prediction.")
    if not arguments.se:
        made = model.predict(new, **options)
        return {"estimate": made} if getattr(made, "ndim", 2) == 1 else _probabilities(made)
    # As plain arrays: the kind of frame that comes back doesn't matter here.
    both = read_table(model.predict(new, se=True, **options))
    return {name: both.column(name).values for name in both.names}


def _intervals(
    model: Any, new: Any, arguments: Namespace, options: dict[str, Any]
) -> dict[str, Any]:
    known = inspect.signature(model.predict).parameters
    if "interval" not in known:
        raise DataError("--interval is not for this kind of model. Take --se.")
    if arguments.bootstrap is not None and "method" not in known:
        raise DataError("--bootstrap is for linear models. Leave it out.")
    if arguments.bootstrap is not None:
        options |= {"method": "bootstrap", "draws": arguments.bootstrap}
    if arguments.seed is not None:
        options["seed"] = arguments.seed
    found = model.predict(new, interval=arguments.interval, level=arguments.level, **options)
    table = read_table(found)
    names = [name for name in table.names if arguments.se or name != "std_error"]
    return {name: table.column(name).values for name in names}


def _probabilities(frame: Any) -> dict[str, Any]:
    table = read_table(frame)
    return {f"probability_{name}": table.column(name).values for name in table.names}


def _draw(model: Any, folder: Path) -> str:
    try:
        from partialpool import plots
    except NotAvailableError as error:
        return f"For a picture of the fitted lines: {error}"
    path = folder / _PICTURE
    with working("Drawing"):
        figure = plots.fitted_lines(model)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=160)
        except OSError as error:
            raise DataError(f"can't write {str(path)!r}: {error.strerror}.") from error
    return f"Picture of the fitted lines: {path.resolve()}"
