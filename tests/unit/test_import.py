"""What ``import partialpool`` brings with it, and that every name it promises is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import partialpool as pp

LATE = [
    "formulaic",
    "matplotlib",
    "narwhals",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
]


@pytest.mark.parametrize("module", LATE)
def test_importing_the_package_does_not_import(module):
    code = f"import sys, partialpool; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", pp.__all__)
def test_every_public_name_is_there(name):
    assert getattr(pp, name) is not None
    assert name in dir(pp)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'partialpool' has no attribute 'lmmm'"):
        pp.lmmm  # noqa: B018 - looking it up is the test
