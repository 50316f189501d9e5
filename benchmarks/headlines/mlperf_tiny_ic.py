"""MLPerf Tiny's image classification at half the MACs, against the published int8 file.

    python benchmarks/headlines/mlperf_tiny_ic.py [--short]

The published ResNet8 loses channels over its residual graph, is fine-tuned with vgg_small as teacher and then
quantisation-aware. The bar: at most half the MACs of the published int8 file, and no loss against it on the same 5,000
CIFAR-10 test images (the published 86.97 % is on 10,000; here both files see the first 5,000).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _headline import CIFAR10, DATA, Headline, Session, figures, main, minutes, vgg_small

import edgekit
from edgekit import _tf
from edgekit.measure.accuracy import correct, paired_drop
from edgekit.models import load_model, save_model

IC = DATA / "models" / "ic"
PUBLISHED = IC / "pretrainedResnet_quant.tflite"


def recipe(teacher: Path) -> dict[str, Any]:
    finetune = {"batch_size": 128, "augment": {"flip": True, "crop": 4, "views": 7}}
    return {
        "model": str(IC / "pretrainedResnet.h5"),
        "data": {"source": str(CIFAR10), "calibration": 512},
        "objective": {"distill": {"alpha": 0.7, "temperature": 4.0, "teacher": str(teacher)}},
        "passes": [
            {"channel_prune": {"macs": 0.5, "finetune": finetune | {"epochs": 14, "learning_rate": 0.002}}},
            {"qat": {"finetune": finetune | {"epochs": 2, "learning_rate": 0.0002}}},
        ],
        "convert": ["int8"],
        "budget": {"accuracy_drop": 0.01},
    }


def find(session: Session) -> Headline:
    base = session.compress("vgg_small", vgg_small() | {"passes": [], "convert": ["float32"]})
    run = session.compress("mlperf", recipe(_teacher(session, base)))
    ours = run.models[0]
    published = edgekit.evaluate(PUBLISHED, str(CIFAR10))
    mine = edgekit.evaluate(session.file("mlperf", ours.sha256), str(CIFAR10))
    labels = edgekit.load_data(str(CIFAR10)).labels("test")
    loss = paired_drop(correct(published.outputs, labels), correct(mine.outputs, labels))
    theirs = edgekit.inspect(PUBLISHED)
    macs = run.steps[-1].macs
    return Headline(
        claim="half the MACs of MLPerf Tiny's ResNet8 at no loss (github.com/mlcommons/tiny, image classification)",
        baseline={
            "sha256": theirs.sha256,
            "accuracy": published.score.value,
            "accuracy_low": published.score.low,
            "accuracy_high": published.score.high,
            "macs": theirs.macs,
            "bytes": theirs.bytes,
        },
        result=figures(ours) | {"macs": macs, "steps": {s.name: figures(s) for s in run.steps}},
        ratios={"macs_result_by_baseline": macs / theirs.macs, "bytes_result_by_baseline": ours.bytes / theirs.bytes},
        loss_points={k: round(100 * v, 2) for k, v in zip(("value", "low", "high"), loss, strict=True)},
        met=macs <= theirs.macs / 2 and loss[0] <= 0,
        minutes=minutes(base, run),
    )


def _teacher(session: Session, base: Any) -> Path:
    """vgg_small, made to take pixels of 0 to 255 as the published ResNet8 does."""
    path = session.folder / "teacher.h5"
    keras = _tf.tf_keras()
    trained = load_model(session.file("vgg_small", base.steps[0].sha256, kind="model.h5"))
    inputs = keras.Input(trained.input_shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 255, name="rescale")(inputs)
    save_model(keras.Model(inputs, trained(scaled), name="teacher"), path)
    return path


if __name__ == "__main__":
    main("mlperf_tiny_ic", __doc__.splitlines()[0], find)
