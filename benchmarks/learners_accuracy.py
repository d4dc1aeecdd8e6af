"""Held-out error of mixed-effects learners, on designs stated beforehand and on real data.

    python benchmarks/learners_accuracy.py run --store DIR    # hours; goes on where it stopped
    python benchmarks/learners_accuracy.py write --store DIR  # docs/accuracy-learners.md

Run from the repository's root. Every result is kept in the store, so that a method that has
changed can be run again beside the others: ``run --only NAME`` takes names that hold NAME,
``--again`` forgets what is there. GPBoost's rows are filled where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from learners_methods import DESIGNS, METHODS, draw
from learners_real import run_real
from learners_tables import page

import partialpool as pp

TARGET = Path("docs/accuracy-learners.md")


def run_simulated(store: Path, only: str, replicates: int, again: bool) -> None:
    """Every method on every data set that it hasn't been run on."""
    for seed in range(replicates):
        for design in DESIGNS:
            data = None
            for name, (method, learner) in METHODS.items():
                place = store / "simulated" / f"{design.name} {seed} {name}.json".replace(" ", "_")
                if only not in name or (place.exists() and not again):
                    continue
                if name == "GPBoost" and importlib.util.find_spec("gpboost") is None:
                    continue
                data = data or draw(design, seed)
                keep(place, asdict(method(data, learner())))
                print(place.stem, flush=True)


def keep(place: Path, what: Any) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(what))


def main() -> None:
    warnings.filterwarnings("ignore", message=".*feature names.*")
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("run", "write"))
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--part", choices=("simulated", "real", "both"), default="both")
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    pp.set_threads(1)
    if asked.what == "write":
        TARGET.write_text(page(asked.store))
        return
    if asked.part != "real":
        run_simulated(asked.store, asked.only, asked.replicates, asked.again)
    if asked.part != "simulated":
        run_real(asked.store, asked.only, asked.again)


if __name__ == "__main__":
    main()
