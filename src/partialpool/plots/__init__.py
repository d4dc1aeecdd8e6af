"""Pictures of a fit. Needs the extra ``plots``.

Every function returns a :class:`matplotlib.figure.Figure` and opens no window:
save it with ``figure.savefig("fit.png")``; a notebook displays it by itself.
"""

from __future__ import annotations

from partialpool.extras import require

require("matplotlib", extra="plots")

from partialpool.plots.checks import group_influence, quantile_residuals  # noqa: E402
from partialpool.plots.effects import effects  # noqa: E402
from partialpool.plots.graphs import model_graph  # noqa: E402
from partialpool.plots.intervals import caterpillar  # noqa: E402
from partialpool.plots.means import means  # noqa: E402
from partialpool.plots.penalties import penalty_path  # noqa: E402
from partialpool.plots.posterior import (  # noqa: E402
    posterior_intervals,
    trace,
)
from partialpool.plots.predictive import posterior_predictive  # noqa: E402
from partialpool.plots.profiles import profile  # noqa: E402
from partialpool.plots.training import training  # noqa: E402
from partialpool.plots.trellis import fitted_lines  # noqa: E402

__all__ = [
    "caterpillar",
    "effects",
    "fitted_lines",
    "group_influence",
    "means",
    "model_graph",
    "penalty_path",
    "posterior_intervals",
    "posterior_predictive",
    "profile",
    "quantile_residuals",
    "trace",
    "training",
]
