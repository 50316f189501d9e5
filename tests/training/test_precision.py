from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.training import Finetune, Train, Trainer

INSTRUCTIONS = Path("/proc/cpuinfo")


def difference(a: Any, b: Any) -> float:
    return max(float(np.abs(x - y).max()) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_mixed_precision_learns_and_leaves_the_model_in_float32(
    build_tiny: Callable[[], Any], make_trainer: Callable[..., Trainer]
) -> None:
    mixed, plain, again = build_tiny(), build_tiny(), build_tiny()
    trainer, plan = make_trainer(), Train(epochs=3, learning_rate=0.01)
    trainer.fit(mixed, plan.model_copy(update={"precision": "mixed_bfloat16"}), name="mixed")
    trainer.fit(plain, plan, name="plain")
    trainer.fit(again, plan, name="again")
    assert trainer.score(mixed) > trainer.score(plain) - 0.05 > 0.7
    assert {v.dtype for v in mixed.weights} == {_tf.tensorflow().float32}
    assert all(layer.compute_dtype == "float32" for layer in mixed.layers)
    assert difference(plain, again) == 0, "the precision ends with the training that asked for it"
    if INSTRUCTIONS.is_file() and "avx512_bf16" in INSTRUCTIONS.read_text():
        assert difference(plain, mixed) > 1e-4, "this processor has the instructions, so they were used"


def test_finetuning_computes_as_training_did_unless_it_says() -> None:
    train = Train(precision="mixed_bfloat16")
    assert Finetune().as_train(train).precision == "mixed_bfloat16"
    assert Finetune(precision="float32").as_train(train).precision == "float32"
