"""Augmentation by seed replay: what happens to a sample follows from the seed, the view's number and the sample alone.

So a killed run goes on with the same images, and a teacher can answer each view once, before training. Storing seeds
instead of images is the idea of Shen and Xing 2022 (arXiv:2112.01528, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.types import KerasTensor

__all__ = ["Augment", "Views"]


class Augment(BaseModel):
    """Random changes of training images [H, W, C]; validation, calibration and test see none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: bool = Field(default=False, description="mirror every other image, left to right")
    crop: Annotated[int, Field(ge=0, le=4096)] = Field(
        default=0, description="shift by up to this many pixels; the border is filled"
    )
    views: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=8,
        description="different versions of each image; later epochs see them again, and teachers answer each once",
    )

    @model_validator(mode="after")
    def _does_something(self) -> Augment:
        if not self.flip and not self.crop:
            raise ValueError("augment needs flip or crop")
        return self

    def check(self, shape: tuple[int, ...]) -> None:
        """Make sure that samples of this shape, without the batch, are images.

        Raises:
            ModelError: They are not, or are no larger than the shift.
        """
        if len(shape) != 3 or min(shape[:2]) <= self.crop:
            raise ModelError(
                f"augment takes images [H, W, C] larger than its crop of {self.crop}.",
                received=f"samples of shape {list(shape)}",
                remedy="Leave out train.augment.",
            )


@dataclass(frozen=True)
class Views:
    """The views of one training split.

    Attributes:
        augment: What to do.
        samples: How many there are.
        seed: Seed of the choice.
    """

    augment: Augment
    samples: int
    seed: int

    def of(self, x: KerasTensor, indices: KerasTensor, view: KerasTensor) -> Any:
        """The samples `indices` as they are in a view; runs in a TensorFlow graph.

        Args:
            x: All samples, tensor [N, H, W, C].
            indices: int tensor [B].
            view: int tensor, at least 0; taken modulo the number of views.

        Returns:
            Tensor [B, H, W, C]: pixels beyond the border repeat those at it.
        """
        tf = _tf.tensorflow()
        height, width = x.shape[1:3]
        flips, down, right = (tf.gather(table[view % self.augment.views], indices) for table in self._tables())
        rows = tf.clip_by_value(tf.range(height)[None] + down[:, None], 0, height - 1)
        columns = tf.clip_by_value(tf.range(width)[None] + right[:, None], 0, width - 1)
        columns = tf.where(flips[:, None], width - 1 - columns, columns)
        moved = tf.gather(tf.gather(x, indices), rows, axis=1, batch_dims=1)
        return tf.gather(moved, columns, axis=2, batch_dims=1)

    def _tables(self) -> tuple[Any, Any, Any]:
        """For every view and sample: whether it is flipped, and its shifts; each [views, samples]."""
        tf = _tf.tensorflow()
        size, most = (self.augment.views, self.samples), self.augment.crop
        rng = np.random.default_rng((self.seed, 0xA06))
        flips = rng.random(size) < (0.5 if self.augment.flip else 0.0)
        down, right = rng.integers(-most, most + 1, (2, *size), dtype=np.int32)
        return tf.constant(flips), tf.constant(down), tf.constant(right)
