"""Mixed precision: the arithmetic of a training in bfloat16, weights and everything delicate in float32.

TensorFlow rewrites the graph (Micikevicius et al. 2018, arXiv:1710.03740, section 3.1, with bfloat16 in the place of
float16, so that no loss scaling is needed): convolutions and matrix products take bfloat16, losses, statistics and
variables stay float32. The model itself is not touched, so wrappers, files and converters never see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from edgekit import _tf

__all__ = ["Precision", "computing_in"]

Precision = Literal["float32", "mixed_bfloat16"]

_REWRITE = "auto_mixed_precision_onednn_bfloat16"


@contextmanager
def computing_in(precision: Precision) -> Iterator[None]:
    """Run TensorFlow at this precision inside the block; bfloat16 is fast only on CPUs with bfloat16 instructions."""
    options = _tf.tensorflow().config.optimizer
    before = options.get_experimental_options().get(_REWRITE, False)
    options.set_experimental_options({_REWRITE: precision == "mixed_bfloat16"})
    try:
        yield
    finally:
        options.set_experimental_options({_REWRITE: before})
