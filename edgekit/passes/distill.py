"""distill: a smaller student takes the model's place, taught by it; Hinton et al. 2015 (arXiv:1503.02531).

Without a student the same network learns once more from itself: born-again networks, Furlanello et al. 2018
(arXiv:1805.04770, section 3), which is often a little better than its teacher.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator

from edgekit.errors import EdgekitError, Finding
from edgekit.keras import FOREIGN, Loading
from edgekit.keras.kinds import unknown_kernels
from edgekit.keras.types import KerasModel
from edgekit.observer import logger
from edgekit.passes import Context, Pass, Stage, is_quantized
from edgekit.target import Target
from edgekit.training import Distillation, Finetune, Teacher, Train, keras_teacher, seed_everything
from edgekit.training.hints import find_hints
from edgekit.training.student import named_student, narrower, reinitialised

__all__ = ["PASS", "Distill"]

_log = logger(__name__)


class Distill(Distillation, Pass):
    """Train a student that takes the model's place."""

    stage = Stage.ARCHITECTURE
    summary = "Knowledge distillation: a smaller student, or the same network once more, learns from the model."

    student: str | None = Field(
        default=None,
        description="a reference network, a Keras model file or module:function; by default the same network with new "
        "weights",
    )
    width: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="the same network with this fraction of its channels"
    )
    train: Train | None = Field(
        default=None, description="how to train the student; by default as the recipe's train says"
    )
    teacher: str | None = Field(
        default=None,
        description="who teaches, as for objective.distill.teacher; by default the model that the pass is given",
    )

    @model_validator(mode="after")
    def _one_student(self) -> Distill:
        if self.student is not None and self.width is not None:
            raise ValueError("student and width exclude each other")
        return self

    @property
    def settings(self) -> Distillation:
        """How to learn, as for an objective."""
        return Distillation.model_validate({key: getattr(self, key) for key in Distillation.model_fields})

    def check(self, model: KerasModel, target: Target, loading: Loading = FOREIGN) -> list[Finding]:
        """Findings for a student that cannot take the model's place."""
        findings = []
        if is_quantized(model):
            findings.append(Finding("distill comes before qat", "a quantisation-aware model"))
        if self.finetune == "none" and (self.width is not None or self.student is not None):
            rule = "A new student is trained, for it knows nothing"
            findings.append(Finding(rule, "none", "Leave finetune out.", "finetune"))
        try:
            student = self._student(model, target, loading)
            if self.teacher is None:
                find_hints(self.settings, student, model)
        except EdgekitError as error:
            findings.append(error.finding)
        return findings

    def apply(self, model: KerasModel, context: Context) -> Any:
        """Return the trained student."""
        teacher = keras_teacher(model, name="the model") if self.teacher is None else context.open_teacher(self.teacher)
        seed_everything(context.trainer.seed)
        student = self._student(model, context.target, context.loading)
        if self.width is not None and (unknown := unknown_kernels(model)):
            _log.info(f"distill: of unknown kinds, as wide as before: {', '.join(unknown)}")
        if self.finetune == "none":
            student.set_weights(model.get_weights())
            _log.info("distill: finetune: none, so the student is the model as it is")
            return student
        return self._taught(student, teacher, context)

    def _student(self, model: KerasModel, target: Target, loading: Loading) -> Any:
        if self.width is not None:
            return narrower(model, self.width, target.channel_multiple)
        return reinitialised(model) if self.student is None else named_student(self.student, model, loading)

    def _taught(self, student: KerasModel, teacher: Teacher, context: Context) -> Any:
        objective = context.trainer.objective.model_copy(update={"distill": self.settings})
        trainer = replace(context.trainer, objective=objective, teacher=teacher)
        objective.check(student, trainer.dataset)
        _log.info(f"distill: training a student of {student.count_params():,} weights, taught by {teacher.name}")
        trainer.fit(student, self._plan(context.train), name=self.name)
        score = trainer.score(student)
        _log.info(f"distill: validation {score:.4f} ({context.reference:.4f} of the baseline)")
        return student

    def _plan(self, train: Train) -> Train:
        """All of `train`, since a fresh student never is good enough; `finetune` changes its epochs and rate."""
        plan = self.train or train
        if not isinstance(self.finetune, Finetune):
            return plan
        rate = self.finetune.learning_rate or plan.learning_rate
        return self.finetune.as_train(plan).model_copy(update={"learning_rate": rate})


PASS = Distill
