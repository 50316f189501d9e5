"""Training: what to optimise, how, and the loop that does it."""

from __future__ import annotations

from edgekit.training.augment import Augment
from edgekit.training.distillation import Distillation, LayerPair
from edgekit.training.objective import Objective
from edgekit.training.plan import Finetune, FinetuneChoice, Train
from edgekit.training.teacher import Teacher, keras_teacher, open_teacher
from edgekit.training.trainer import Trainer, seed_everything

__all__ = [
    "Augment",
    "Distillation",
    "Finetune",
    "FinetuneChoice",
    "LayerPair",
    "Objective",
    "Teacher",
    "Train",
    "Trainer",
    "keras_teacher",
    "open_teacher",
    "seed_everything",
]
