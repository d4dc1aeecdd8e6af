"""The page docs/speed.md: its sections, and the facts about machine and versions."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import partialpool as pp

__all__ = ["TARGET", "machine", "time_text", "versions", "write_section"]

TARGET = Path(__file__).parent.parent / "docs" / "speed.md"
_HEAD = "# Speed and memory\n"


def write_section(name: str, text: str) -> None:
    """Put one section into the page and leave the others as they are."""
    page = TARGET.read_text() if TARGET.exists() else _HEAD
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    section = f"{start}{text.strip()}\n{end}"
    if start in page:
        before, _, rest = page.partition(start)
        page = before + section + rest.partition(end)[2]
    else:
        page += "\n" + section
    TARGET.write_text(page)


def machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{_cpu()}, {cores} cores, {platform.system()}{load}"


def versions(others: Iterable[str] = ()) -> str:
    ours = (
        f"partialpool {pp.__version__}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("numpy", "scipy", "pandas")),
    )
    today = datetime.date.today().isoformat()
    return ", ".join((*ours, *others)) + f"; {today}"


def time_text(seconds: float) -> str:
    """Three digits and a unit: 1.23 s, 45.6 ms, 789 µs."""
    unit, size = next(u for u in (("s", 1.0), ("ms", 1e-3), ("µs", 0.0)) if seconds >= u[1])
    return f"{seconds / (size or 1e-6):.3g} {unit}"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
