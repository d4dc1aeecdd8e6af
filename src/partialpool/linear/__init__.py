"""Linear mixed models."""

from __future__ import annotations

from partialpool.linear.fit import LmmFit
from partialpool.linear.model import lmm
from partialpool.linear.stated import StatedModel, stated_model
from partialpool.linear.streamed import StreamedLmm, stream_lmm

__all__ = ["LmmFit", "StatedModel", "StreamedLmm", "lmm", "stated_model", "stream_lmm"]
