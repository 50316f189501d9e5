"""Passes go Keras -> Keras, one file each. A pass is a frozen pydantic model whose fields are its recipe keys.

A file added here is a pass: it defines one public subclass of `Pass`, named `PASS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgekit import passes, registry, user_code
from edgekit.errors import Finding, RecipeError, UsageError, did_you_mean
from edgekit.identifiers import Identifier
from edgekit.keras import FOREIGN, Loading
from edgekit.keras.kernels import named_kernels
from edgekit.keras.types import KerasModel
from edgekit.observer import logger
from edgekit.target import Budget, Target
from edgekit.training import Finetune, FinetuneChoice, Teacher, Train, Trainer, open_teacher

__all__ = [
    "Context",
    "Pass",
    "Stage",
    "is_quantized",
    "load_pass",
    "matches",
    "parse_pass",
    "unmatched_patterns",
    "zero_masks",
]

_log = logger(__name__)


@dataclass(frozen=True)
class Context:
    """What a pass may use.

    Attributes:
        trainer: Trains and scores on the recipe's data and objective.
        train: The plan that fine-tuning takes its batch size, optimiser and rate from.
        target, budget: What the device accepts and what the user allows.
        reference: Validation score of the baseline, for `finetune: auto`.
        open_teacher: Opens the teacher that a recipe names; a run's also takes a `.tflite` and an `.npz` of logits.
        instructions: Converts a tf_keras model as the target takes it and counts arm64 instructions of one inference;
            None outside a run.
        loading: How the files of models are opened.
    """

    trainer: Trainer
    train: Train
    target: Target
    budget: Budget
    reference: float
    open_teacher: Callable[[str], Teacher] = open_teacher
    instructions: Callable[[Any], int] | None = None
    loading: Loading = FOREIGN

    def good_enough(self, score: float) -> bool:
        """Whether a validation score keeps the accuracy budget (a drop of 0.01 where none is set)."""
        allowed = 0.01 if self.budget.accuracy_drop is None else self.budget.accuracy_drop
        if self.trainer.objective.metric == "mse":
            return score <= self.reference * (1 + allowed)
        return self.reference - score <= allowed


class Stage(IntEnum):
    """What a pass changes; in a recipe the stages follow one another, since each would undo a later one."""

    ARCHITECTURE = 0
    """Another network takes the model's place."""
    STRUCTURE = 1
    """Layers are replaced or narrowed: their weights are new, and zeros and ranges of before would be lost."""
    SPARSITY = 2
    """Single weights become zero."""
    QUANTIZATION = 3
    """Ranges are fixed for the model that ships."""


class Pass(BaseModel, ABC):
    """One step Keras -> Keras."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stage: ClassVar[Stage]
    summary: ClassVar[str]
    """One line for `edgekit passes`."""

    id: Identifier | None = Field(
        default=None, description="a name of its own, so that --set passes.ID.KEY=VALUE finds it"
    )
    finetune: FinetuneChoice = Field(
        default="auto",
        description="epochs and learning_rate; auto trains only if the accuracy budget would be missed; none never",
    )

    if not TYPE_CHECKING:  # which reads the arguments off the fields

        def __init__(self, **keys: Any) -> None:
            """What breaks a rule is said as it is said of a recipe, also where the pass is made in Python.

            Raises:
                RecipeError: An unknown key, or a value that breaks a rule.
            """
            try:
                super().__init__(**keys)
            except ValidationError as error:
                raise RecipeError.from_pydantic(error, where=self.name, model=type(self)) from None

    @property
    def name(self) -> str:
        """What messages and steps call it: the name of its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def reference(self) -> str:
        """What recipes call it: its name, or `module:Class` where it is not EdgeKit's."""
        kind = type(self)
        return self.name if kind.__module__.startswith(f"{passes.__name__}.") else f"{kind.__module__}:{kind.__name__}"

    @property
    def label(self) -> str:
        """What its step is called: its id, else its name."""
        return self.id or self.name

    @property
    def source_sha256(self) -> str:
        """Of the code that it runs, as far as its module goes: for caches."""
        return user_code.code_of(type(self))

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Runtimes that the pass asks for figures while it works."""
        return ()

    @abstractmethod
    def check(self, model: KerasModel, target: Target, loading: Loading = FOREIGN) -> list[Finding]:
        """Findings that stand against applying this pass, before any training; empty if there are none.

        Args:
            model: A tf_keras model.
            target: What it is to fit.
            loading: How model files are opened that the pass names.
        """

    @abstractmethod
    def apply(self, model: KerasModel, context: Context) -> Any:
        """Return a new tf_keras model, and leave the given one as it is.

        Raises:
            ModelError: The result breaks what the pass promises.
        """

    def lost(self, result: KerasModel, later: KerasModel) -> list[Finding]:
        """Findings for what a later model has lost of this pass's result; empty if nothing is lost.

        Args:
            result: The tf_keras model that this pass gave.
            later: What a later pass made of it.
        """
        return []

    def decide(self, context: Context, score_without: Callable[[], float]) -> Finetune | None:
        """How to fine-tune, or None for not at all; `score_without` is asked only where the recipe says `auto`."""
        if isinstance(self.finetune, Finetune):
            return self.finetune
        if self.finetune == "none":
            return None
        score = score_without()
        enough = context.good_enough(score)
        verdict = "within budget, no fine-tuning" if enough else "below budget, fine-tuning"
        _log.info(
            f"{self.name}: validation {score:.4f} without fine-tuning ({context.reference:.4f} before), {verdict}"
        )
        return None if enough else Finetune()


def __getattr__(name: str) -> type[Pass]:
    """The classes of passes by name, such as `ChannelPrune` and `QAT`, for recipes that are written in Python."""
    for module in registry.names(passes) if name[:1].isupper() else ():  # as modules have small letters
        if module.replace("_", "") == name.lower():
            return load_pass(module)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_pass(name: str) -> type[Pass]:
    """The pass of that name, or the user's own, `module:Class`.

    Raises:
        UsageError: No such pass, or a class that is none.
    """
    if not registry.is_reference(name):
        kind: type[Pass] = registry.load(passes, name).PASS
        return kind
    own = user_code.member(name)
    if not (isinstance(own, type) and issubclass(own, Pass)):
        raise UsageError("module:Class names a subclass of edgekit.passes.Pass.", received=f"{name}, which is none")
    return own


def parse_pass(item: object) -> Pass:
    """From recipe form: `qat` or `{sparsify: {sparsity: 0.5}}`.

    Raises:
        RecipeError: An unknown pass or key.
    """
    name, options = registry.entry(item)
    try:
        return load_pass(name).model_validate(options)
    except UsageError as error:
        rule = error.rule if registry.is_reference(name) else "Unknown pass."
        raise RecipeError(rule, received=repr(name), remedy=error.remedy) from None
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where=name, model=load_pass(name)) from None


def matches(layer: str, patterns: Sequence[str] | Mapping[str, Any]) -> str | None:
    """The first shell-style pattern (`conv*`) that a layer's name fits, or None."""
    return next((p for p in patterns if fnmatchcase(layer, p)), None)


def unmatched_patterns(key: str, patterns: Iterable[str], names: Iterable[str]) -> list[Finding]:
    """Findings for the patterns under a recipe key that fit none of the layers' names."""
    known = set(names)
    return [
        Finding("Each name or pattern fits a layer of the model", repr(pattern), did_you_mean(pattern, known), key)
        for pattern in patterns
        if not any(matches(name, [pattern]) for name in known)
    ]


def is_quantized(model: KerasModel) -> bool:
    """Whether a tf_keras model carries TF-MOT's quantisation wrappers."""
    return any(type(layer).__name__.startswith("Quantize") for layer in model.layers)


def zero_masks(model: KerasModel, *, least: float = 0.1) -> dict[str, Any]:
    """Where kernels hold pruned zeros: "layer/kernel" -> boolean array, for kernels at least this fraction zero.

    A kernel keeps its name inside a quantisation wrapper, so that a mask can be compared before and after.
    """
    masks = {name: weight.numpy() == 0 for name, weight in named_kernels(model)}
    return {name: mask for name, mask in masks.items() if np.mean(mask) >= least}
