"""Which modules have no doctests here, because what they import isn't installed."""

from importlib.util import find_spec

collect_ignore = []
if find_spec("marginaleffects") is None:
    collect_ignore.append("src/partialpool/compat/marginaleffects.py")
