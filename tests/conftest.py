"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# Pictures are drawn without a display.
os.environ.setdefault("MPLBACKEND", "Agg")

# A slow machine is no failure: examples have no time limit.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
