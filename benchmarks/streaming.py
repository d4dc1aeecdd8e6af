"""Fit a model to Parquet files of more and more rows, whole and in batches.

    python benchmarks/streaming.py                # writes docs/speed.md

Each fit runs in a fresh process.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from one_thread import restart_with_one_thread
from pyarrow import parquet
from speed_report import TARGET, machine, time_text, versions, write_section

import partialpool as pp

_FORMULA = "y ~ x + (x | g)"
_ROWS = (1_000_000, 10_000_000, 50_000_000)
_GROUP = 100
_AT_ONCE = 1_000_000
_INTRODUCTION = """\
## Tables that fit no memory

Made by `python benchmarks/streaming.py`: `{formula}` on a Parquet file of `y` and `x` (float64) and
`g` (int32), {group} rows for each group in random order, written a million rows at a time; each fit
in a fresh process, one thread of BLAS. `lmm` reads the columns and fits, `stream_lmm` reads a
million rows at a time, four times over. Seconds of the processor; *peak* is that of resident
memory, less what the imports take.

| rows | groups | `lmm` | peak | `stream_lmm` | peak | difference of the REML criteria |
|---:|---:|---:|---:|---:|---:|---:|
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit Parquet files, whole and in batches.")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS, metavar=("WHAT", "FILE"))
    child = parser.parse_args().child
    restart_with_one_thread()
    if child and child[0].isdigit():
        write_rows(Path(child[1]), int(child[0]))
        return
    if child:
        print(*measure(*child))
        return
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for n in _ROWS:
            path = Path(folder) / "rows.parquet"
            # Elsewhere too: a process starts with the peak of the one that has started it.
            in_a_process(str(n), path)
            whole, batches = (
                tuple(map(float, in_a_process(how, path).split())) for how in ("lmm", "stream_lmm")
            )
            lines.append(row(n, whole, batches))
            print(lines[-1], end="")
    head = _INTRODUCTION.format(formula=_FORMULA, group=_GROUP)
    write_section("streaming", f"{head}{''.join(lines)}\n{machine()}; {versions(['pyarrow'])}.\n")
    print(f"written to {TARGET}")


def write_rows(path: Path, n: int) -> None:
    rng = np.random.default_rng(1)
    groups = n // _GROUP
    effects = rng.normal(size=(groups, 2)) * [1.0, 0.3]
    schema = pa.schema([("y", pa.float64()), ("x", pa.float64()), ("g", pa.int32())])
    with parquet.ParquetWriter(path, schema) as writer:
        for _ in range(0, n, _AT_ONCE):
            g = rng.integers(0, groups, _AT_ONCE).astype(np.int32)
            x = rng.normal(size=_AT_ONCE)
            y = 1 + 0.5 * x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=_AT_ONCE)
            writer.write_table(pa.table({"y": y, "x": x, "g": g}, schema))


def measure(how: str, path: str) -> tuple[float, int, float]:
    """Return seconds, rise of the peak in bytes, and the criterion."""
    pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    before = peak()
    start = time.process_time()
    fit = getattr(pp, how)(_FORMULA, path)
    return time.process_time() - start, peak() - before, fit.objective


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_a_process(what: str, path: Path) -> str:
    command = [sys.executable, __file__, "--child", what, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def row(n: int, whole: tuple[float, ...], batches: tuple[float, ...]) -> str:
    cells = [f"{n:,}", f"{n // _GROUP:,}"]
    for seconds, rise, _ in (whole, batches):
        cells += [time_text(seconds), f"{rise / 1e6:,.0f} MB"]
    cells.append(f"{abs(whole[2] - batches[2]):.0e}")
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    main()
