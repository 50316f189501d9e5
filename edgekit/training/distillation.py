"""What a student takes from its teacher, and how much: keys of `objective.distill` and of the pass `distill`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Distillation", "LayerPair"]


class LayerPair(BaseModel):
    """A layer of the student that learns from a layer of the teacher."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    student: str = Field(description="name of the student's layer, as before any pass")
    teacher: str = Field(description="name of the teacher's layer")
    weight: Annotated[float, Field(gt=0, le=1e6)] = Field(
        default=1.0, description="beta: how much this pair adds to the loss"
    )


class Distillation(BaseModel):
    """Learning from a teacher.

    The loss is `alpha * T^2 * KL(teacher_T || student_T) + (1 - alpha) * cross-entropy`, after Hinton et al. 2015
    (arXiv:1503.02531, section 2); for regression and reconstruction the first term is `alpha` times the mean squared
    error against the teacher. Every layer pair adds a term of its own; see `edgekit.training.hints`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="weight of the teacher's answers; the labels have 1 - alpha"
    )
    temperature: Annotated[float, Field(gt=0, le=1e6)] = Field(
        default=4.0,
        description="divides the logits of both: higher values show more of what the teacher holds for less likely",
    )
    teacher: str | None = Field(
        default=None,
        description="a Keras model, a .tflite, an .npz with `logits` [training samples of the source, classes] "
        "or module:function; by default the baseline",
    )
    features: tuple[LayerPair, ...] = Field(
        default=(), description="layer pairs whose outputs are matched through a learned projection (FitNets)"
    )
    attention: tuple[LayerPair, ...] = Field(
        default=(), description="layer pairs whose maps of attention, the energy over channels, are matched"
    )
