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

    epochs: Epochs = Field(20, description="passes over the training samples")
    batch_size: Annotated[int, Field(ge=1, le=1 << 20)] = Field(64, description="samples of one step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="sgd has momentum 0.9 (Nesterov)")
    learning_rate: Rate = Field(1e-3, description="of the optimizer, at the start")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="cosine falls to 0 at the last step")
    weight_decay: Annotated[float, Field(ge=0, le=1000)] = Field(0.0, description="for adamw")
    early_stopping: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="stop after this many epochs without a better validation score, and keep the best weights"
    )
    augment: Augment | None = Field(None, description="random flips and shifts of training images; fine-tuning too")
    precision: Precision = Field(
        "float32",
        description="mixed_bfloat16: faster on CPUs with AVX-512 BF16 or AMX, but for depthwise layers; weights stay "
        "float32",
    )


class Finetune(BaseModel):
    """Training that repairs what a pass broke; what is left out is as in `train`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Epochs = Field(2, description="passes over the training samples")
    learning_rate: Rate | None = Field(None, description="default: a tenth of train.learning_rate")
    batch_size: Annotated[int, Field(ge=1, le=1 << 20)] | None = Field(None, description="default: that of train")
    augment: Augment | None = Field(None, description="default: that of train")
    precision: Precision | None = Field(None, description="default: that of train, but float32 in qat")

    def as_train(self, train: Train) -> Train:
        """The full plan, with what is left out taken from `train`."""
        rate = self.learning_rate or train.learning_rate / 10
        keys = ("batch_size", "augment", "precision")
        own = {key: value for key in keys if (value := getattr(self, key)) is not None}
        return train.model_copy(update={"epochs": self.epochs, "learning_rate": rate, "early_stopping": None, **own})


FinetuneChoice = Finetune | Literal["auto", "none"]
