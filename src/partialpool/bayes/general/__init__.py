"""The general engine: every parameter sampled, by NumPyro's no-U-turn sampler.

Needs the extra ``bayes``.
"""

from __future__ import annotations

from partialpool.extras import require

require("numpyro", extra="bayes")

from partialpool.bayes.general.sampling import sample_general  # noqa: E402

__all__ = ["sample_general"]
