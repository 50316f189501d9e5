"""Training: what to optimise, how, and the loop that does it."""

from __future__ import annotations

from edgekit.training.augment import Augment
from edgekit.training.objective import Objective
from edgekit.training.plan import Finetune, FinetuneChoice, Train
from edgekit.training.trainer import Trainer, seed_everything

__all__ = ["Augment", "Finetune", "FinetuneChoice", "Objective", "Train", "Trainer", "seed_everything"]
