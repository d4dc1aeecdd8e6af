"""Measure how far the peak of memory rises while a million rows are fitted.

    python benchmarks/memory.py                   # writes docs/speed.md

Each fit runs in a fresh process, which reads its columns from files, fits a small table once and
then the large one.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from speed_cases import million_rows
from speed_report import TARGET, machine, versions, write_section

import partialpool as pp

_FORMULA = "y ~ x + (x | g)"
_KINDS = ("pandas", "dict")
_BAR = 3.0
_INTRODUCTION = """\
## Memory

Made by `python benchmarks/memory.py`: `{formula}` on {rows:,} rows and {groups:,} groups, in a
fresh process. The columns used (y and x float64, g int64) take {columns:.1f} MB. *Rise*: peak of
resident memory after the fit, less what was resident before it, after imports, reading the
columns and one fit of a small table. The bar is {bar:g} times the columns.

| table | rise | of the columns | met |
|---|---:|---:|---|
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the memory of a large fit.")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS, metavar=("KIND", "FOLDER"))
    child = parser.parse_args().child
    if child:
        print(rise(child[0], Path(child[1])))
        return
    data = million_rows()
    with tempfile.TemporaryDirectory() as folder:
        for name in data:
            np.save(Path(folder) / f"{name}.npy", data[name].to_numpy())
        rises = {kind: measure(kind, folder) for kind in _KINDS}
    size = int(sum(data[name].nbytes for name in data))
    head = _INTRODUCTION.format(
        formula=_FORMULA, rows=len(data), groups=data["g"].nunique(), columns=size / 1e6, bar=_BAR
    )
    rows = "".join(
        f"| {kind} | {found / 1e6:.1f} MB | {found / size:.2f} | "
        f"{'yes' if found <= _BAR * size else '**no**'} |\n"
        for kind, found in rises.items()
    )
    text = f"{head}{rows}\n{machine()}.\n\n{versions()}.\n"
    print(text)
    write_section("memory", text)
    print(f"written to {TARGET}")


def measure(kind: str, folder: str) -> int:
    command = [sys.executable, __file__, "--child", kind, folder]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rise(kind: str, folder: Path) -> int:
    """Bytes by which one large fit raises the peak; runs in a process of its own."""
    pp.set_threads(1)
    small = {"y": np.arange(20.0) ** 1.5 % 3, "x": np.arange(20.0), "g": np.arange(20) % 5}
    columns = {name: np.load(folder / f"{name}.npy") for name in ("y", "x", "g")}
    table, warm = (
        pd.DataFrame(part, copy=False) if kind == "pandas" else part for part in (columns, small)
    )
    pp.lmm(_FORMULA, warm)
    before = resident()
    fit = pp.lmm(_FORMULA, table)
    after = peak()
    assert fit.converged
    return after - before


def resident() -> int:
    """Bytes resident now; the peak so far where the system doesn't say.

    The peak would hide what was freed before: room that the fit may use again.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak()
    return pages * resource.getpagesize()


def peak() -> int:
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


if __name__ == "__main__":
    main()
