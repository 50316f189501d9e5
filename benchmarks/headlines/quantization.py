"""Jacob et al. 2018: integer files a quarter of the size at a negligible loss, on four kinds of network.

    python benchmarks/headlines/quantization.py [--short]

Calibrated after training, no fine-tuning. The bar for each: at most 0.3 points lower than the float32 file on the same
samples; and in bytes at most 0.31 of it on ResNet8, 0.27 above half a million parameters. ResNet8 is MLPerf Tiny's
published model; the others are trained here: vgg_small and mobilenet_v1 on CIFAR-10, ds_cnn on Fashion-MNIST.
"""

from __future__ import annotations

from typing import Any

from _headline import CIFAR10, DATA, Headline, Session, drop, figures, main, minutes, vgg_small

FASHION = str(DATA / "fashion_mnist" / "fashion_mnist.npz")
TRAIN = {"batch_size": 128, "learning_rate": 0.002}
SMALLER = {"resnet8": 0.31, "vgg_small": 0.27}
"""Largest bytes of the int8 file by those of the float32 file; the small networks are dominated by their structure."""


def recipes() -> dict[str, dict[str, Any]]:
    resized = ["cast", {"rescale": {"scale": 1 / 255}}, {"resize": {"height": 48, "width": 48}}]
    chosen: dict[str, dict[str, Any]] = {
        "resnet8": {
            "model": str(DATA / "models" / "ic" / "pretrainedResnet.h5"),
            "data": {"source": str(CIFAR10), "calibration": 512},
        },
        "vgg_small": vgg_small(),
        "ds_cnn": {
            "model": "ds_cnn",
            "data": {"source": FASHION, "calibration": 512},
            "train": TRAIN | {"epochs": 6},
        },
        "mobilenet_v1": {
            "model": "mobilenet_v1",
            "data": {"source": str(CIFAR10), "calibration": 512, "preprocessing": resized},
            "train": TRAIN | {"epochs": 5},
        },
    }
    return {name: recipe | {"passes": [], "convert": ["float32", "int8"]} for name, recipe in chosen.items()}


def find(session: Session) -> Headline:
    baseline, result, ratios, losses, runs = {}, {}, {}, {}, []
    met = True
    for name, recipe in recipes().items():
        manifest = session.compress(name, recipe)
        runs.append(manifest)
        files = {m.format: m for m in manifest.models}
        baseline[name], result[name] = figures(files["float32"]), figures(files["int8"])
        ratios[name] = round(files["int8"].bytes / files["float32"].bytes, 3)
        losses[name] = drop(files["int8"])
        met = met and ratios[name] <= SMALLER.get(name, 1.0) and losses[name]["value"] <= 0.3
    return Headline(
        claim="4x smaller with negligible loss (Jacob et al. 2018, arXiv:1712.05877, section 4)",
        baseline=baseline,
        result=result,
        ratios={"bytes_int8_by_float32": ratios},
        loss_points=losses,
        met=met,
        minutes=minutes(*runs),
    )


if __name__ == "__main__":
    main("quantization", __doc__.splitlines()[0], find)
