"""Offsets and random terms leave no hole in what remains."""

import pytest

from partialpool.formula import parse


@pytest.mark.parametrize(
    ("written", "fixed"),
    [
        ("(1 | g) + offset(t)", "1"),
        ("((1 | g) + offset(t)) + x", "1 + x"),
        ("((1 | g) + (offset(t))) - 1", "0"),
        ("(1 | g) - x + x", "1 + x"),
        ("x + ((1 | g) - x) + z", "1 + x + z"),
        ("offset(t) - 1 + x", "0 + x"),
    ],
)
def test_what_is_added_can_be_taken_out(written, fixed):
    formula = parse(f"y ~ {written}")
    assert formula.fixed == fixed
    assert bool(formula.random) == ("|" in written)
    assert formula.offsets == ("t",) * written.count("offset")
