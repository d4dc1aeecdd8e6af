"""Profile likelihood: what the data say of one parameter, the others at their best."""

from __future__ import annotations

from partialpool.inference.profile.profiling import profile
from partialpool.inference.profile.result import Curve, Profile

__all__ = ["Curve", "Profile", "profile"]
