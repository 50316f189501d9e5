"""How long and how fast to train: recipe keys of `train` and of every pass's `finetune`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgekit.training.augment import Augment
from edgekit.training.precision import Precision

__all__ = ["Finetune", "FinetuneChoice", "Train"]

Epochs = Annotated[int, Field(ge=1, le=1_000_000)]
Rate = Annotated[float, Field(gt=0, le=1000)]


class Train(BaseModel):
    """Training from scratch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Epochs = Field(default=20, description="passes over the training samples")
    batch_size: Annotated[int, Field(ge=1, le=1 << 20)] = Field(default=64, description="samples of one step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field(default="adam", description="sgd has momentum 0.9 (Nesterov)")
    learning_rate: Rate = Field(default=1e-3, description="learning rate of the optimizer, at the start")
    schedule: Literal["constant", "cosine"] = Field(default="cosine", description="cosine falls to 0 at the last step")
    weight_decay: Annotated[float, Field(ge=0, le=1000)] = Field(default=0.0, description="for adamw")
    early_stopping: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="stop after this many epochs without a better validation score, and keep the best weights",
    )
    augment: Augment | None = Field(
        default=None, description="random flips and shifts of training images; fine-tuning too"
    )
    precision: Precision = Field(
        default="float32",
        description="mixed_bfloat16: faster on CPUs with AVX-512 BF16 or AMX, but for depthwise layers; weights stay "
        "float32",
    )


class Finetune(BaseModel):
    """Training that repairs what a pass broke; what is left out is as in `train`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Epochs = Field(default=2, description="passes over the training samples")
    learning_rate: Rate | None = Field(default=None, description="by default a tenth of train.learning_rate")
    batch_size: Annotated[int, Field(ge=1, le=1 << 20)] | None = Field(
        default=None, description="by default that of train"
    )
    augment: Augment | None = Field(default=None, description="by default that of train")
    precision: Precision | None = Field(default=None, description="by default that of train, but float32 in qat")

    def as_train(self, train: Train) -> Train:
        """The full plan, with what is left out taken from `train`."""
        rate = self.learning_rate or train.learning_rate / 10
        keys = ("batch_size", "augment", "precision")
        own = {key: value for key in keys if (value := getattr(self, key)) is not None}
        return train.model_copy(update={"epochs": self.epochs, "learning_rate": rate, "early_stopping": None, **own})


FinetuneChoice = Finetune | Literal["auto", "none"]
