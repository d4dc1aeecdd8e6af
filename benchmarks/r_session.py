"""An R session beside Python that answers one command at a time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["RSession", "has_package", "unfair_blas"]

_OPTIMISED = re.compile("openblas|atlas|mkl|blis|accelerate|veclib", re.IGNORECASE)
# One thread in R's BLAS too: OpenBLAS starts more by itself.
_SINGLE = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)


class RSession:
    """A script that reads a line of words and answers with a line of fields after ``=>``.

    Attributes
    ----------
    folder
        For files to hand over; goes away with the session.
    """

    def __init__(self, script: Path) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        self._messages = self.folder / "messages.txt"
        self._process = subprocess.Popen(
            ["Rscript", "--vanilla", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages.open("w"),
            text=True,
            env={**os.environ, **_SINGLE},
        )

    def ask(self, *words: str) -> list[str]:
        """Send one command and wait for its answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("\t".join(words) + "\n")
        stdin.flush()
        for line in stdout:
            if line.startswith("=>"):
                return line.strip().split("\t")[1:]
        raise RuntimeError(f"R ended in {words[0]!r}: {self._messages.read_text().strip()}")


def has_package(name: str) -> bool:
    """Whether R is there and has a package."""
    if shutil.which("Rscript") is None:
        return False
    probe = ["Rscript", "--vanilla", "-e", f"quit(status = !requireNamespace('{name}'))"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def unfair_blas(blas: str) -> str | None:
    """Say why a comparison with an R on this BLAS says nothing, if so."""
    if _OPTIMISED.search(os.path.realpath(blas)) or _OPTIMISED.search(blas):
        return None
    return (
        f"R loaded the BLAS `{blas}`, which is not an optimised one: lme4 is up to 4 "
        "times slower than it could be. Install one (Debian: `libopenblas0-pthread`)."
    )
