"""Seconds of a training epoch: with a teacher against without, and fine-tuning of passes against TF-MOT called by hand.

    python benchmarks/training_epoch.py [--images N] [--rounds N]

ResNet8 on CIFAR-10 of $EDGEKIT_DATA, batches of 64. All trainings run in one process and take turns, an epoch each
(A B C A B C ...), while the others wait; the clock covers the training steps, not validation. The first epoch of each,
which traces the graph, does not count.

- plain: `Trainer.fit` as it trains a baseline.
- distill: the same with a ResNet8 as the teacher, whose answers are recorded before.
- sparsify, qat: the passes' own fine-tuning.
- TF-MOT pruning, TF-MOT QAT: `prune_low_magnitude(model)` and `quantize_model(model)`, compiled and fitted on arrays as
  TF-MOT's guides do.

Prints medians with their 95 % intervals and ratios within a round; writes benchmarks/training_epoch.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.data import Dataset, Preprocessing
from edgekit.data.dataset import Raw, split
from edgekit.keras import build_network
from edgekit.measure.environment import environment
from edgekit.measure.statistics import bootstrap_median
from edgekit.passes import Context, parse_pass
from edgekit.target import Budget, load_target
from edgekit.training import Distillation, Objective, Train, Trainer, keras_teacher, seed_everything

DATA = Path(os.environ.get("EDGEKIT_DATA", "data"))
BATCH = 64
COMPARED = {"distill": "plain", "sparsify": "TF-MOT pruning", "qat": "TF-MOT QAT"}
LIMITS = {"distill": 1.15, "sparsify": 1.0, "qat": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    dataset = _dataset(options.images)
    with tempfile.TemporaryDirectory() as folder:
        seconds = _by_turns(_ways(dataset, options.rounds + 1, Path(folder)))
    report = {
        "schema": "edgekit.training_epoch/1",
        "model": "resnet8",
        "images": len(dataset.raw("train")),
        "batch": BATCH,
        "rounds": options.rounds,
        "results": {name: _result(name, seconds) for name in seconds},
        "environment": environment(),
    }
    for name, result in report["results"].items():
        took, ratio = result["seconds_per_epoch"], result.get("ratio")
        against = (
            f"   {ratio['median']:5.2f}x {COMPARED[name]} [{ratio['low']:.2f}, {ratio['high']:.2f}], "
            f"at most {LIMITS[name]:.2f}"
            if ratio
            else ""
        )
        print(f"{name:16} {took['median']:7.2f} s [{took['low']:.2f}, {took['high']:.2f}]{against}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def _dataset(images: int) -> Dataset:
    """So many training images beside 64 for validation and 32 for calibration."""
    with np.load(DATA / "cifar10" / "cifar10.npz", allow_pickle=False) as data:
        x, y = data["x_train"][: images + 96], data["y_train"][: images + 96].ravel().astype(np.int64)
    steps = Preprocessing.parse(["cast", {"rescale": {"scale": 1 / 255}}])
    return split(Raw(x, y, x[:64], y[:64]), steps, calibration=32, validation=64 / len(x), test=0.1, seed=0)


def _ways(dataset: Dataset, epochs: int, folder: Path) -> dict[str, Callable[[Any], None]]:
    """For every way a function that trains, given the callback that makes it take turns."""
    plan = Train(epochs=epochs, batch_size=BATCH)
    x, y = dataset.features("train"), dataset.labels("train")

    def model() -> Any:
        seed_everything(0)
        return build_network("resnet8", x.shape[1:], 10)

    def trainer(name: str, turn: Any) -> Trainer:
        return _Turning(dataset, Objective(), 0, folder / name, quiet=True).taking(turn)

    def plain(turn: Any) -> None:
        trainer("plain", turn).fit(model(), plan, name="plain")

    def distill(turn: Any) -> None:
        taught = replace(trainer("distill", turn), objective=Objective(distill=Distillation()))
        teacher = keras_teacher(model(), name="teacher")
        replace(taught, teacher=teacher).taking(turn).fit(model(), plan, name="distill")

    def tuned(name: str, **own: Any) -> Callable[[Any], None]:
        def run(turn: Any) -> None:
            given = trainer(name, turn)
            context = Context(given, plan, load_target("generic"), Budget(), 1.0, lambda line: None)
            parse_pass({name: {**own, "finetune": {"epochs": epochs}}}).apply(model(), context)

        return run

    def by_hand(wrap: Callable[[Any], Any], callbacks: Callable[[], list[Any]]) -> Callable[[Any], None]:
        def run(turn: Any) -> None:
            keras, wrapped = _tf.tf_keras(), wrap(model())
            wrapped.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
            wrapped.fit(x, y, batch_size=BATCH, epochs=epochs, callbacks=[*callbacks(), turn], verbose=0)

        return run

    tfmot = _tf.tfmot()
    sparsity = tfmot.sparsity.keras
    steps = epochs * -(-len(x) // BATCH)
    schedule = {"pruning_schedule": sparsity.PolynomialDecay(0.0, 0.5, 0, steps)}
    return {
        "plain": plain,
        "distill": distill,
        "sparsify": tuned("sparsify", sparsity=0.5),
        "TF-MOT pruning": by_hand(
            lambda m: sparsity.prune_low_magnitude(m, **schedule), lambda: [sparsity.UpdatePruningStep()]
        ),
        "qat": tuned("qat"),
        "TF-MOT QAT": by_hand(tfmot.quantization.keras.quantize_model, list),
    }


class _Turning(Trainer):
    """A trainer whose fits take turns with others."""

    def taking(self, turn: Any) -> _Turning:
        object.__setattr__(self, "_turn", turn)
        return self

    def fit(self, model: Any, plan: Train, *, name: str, callbacks: Any = ()) -> dict[str, list[float]]:
        return super().fit(model, plan, name=name, callbacks=[*callbacks, self.__dict__["_turn"]])


def _by_turns(ways: dict[str, Callable[[Any], None]]) -> dict[str, list[float]]:
    """Run every way in a thread of its own, of which only one moves; gives seconds per epoch without the first."""
    names, seconds = list(ways), {name: [] for name in ways}
    gate, holder, failures = threading.Condition(), [0], []

    def wait(name: str) -> None:
        with gate:
            gate.wait_for(lambda: names[holder[0]] == name)

    def pass_on() -> None:
        with gate:
            holder[0] = (holder[0] + 1) % len(names)
            gate.notify_all()

    def run(name: str) -> None:
        class Turn(_tf.tf_keras().callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                pass_on()
                wait(name)
                self.start, self.done = time.perf_counter(), False

            def on_test_begin(self, logs: Any = None) -> None:
                self._stop()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                self._stop()

            def _stop(self) -> None:
                if not self.done:
                    seconds[name].append(time.perf_counter() - self.start)
                    self.done = True

        wait(name)
        try:
            ways[name](Turn())
        except BaseException as error:
            failures.append(error)
            os._exit(_failed(name, error))  # the others would wait for ever
        pass_on()

    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: took[1:] for name, took in seconds.items()}


def _failed(name: str, error: BaseException) -> int:
    import traceback

    traceback.print_exception(error)
    print(f"{name} failed", flush=True)
    return 1


def _result(name: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    took = bootstrap_median(seconds[name])
    found: dict[str, Any] = {
        "seconds_per_epoch": {"median": took.value, "low": took.low, "high": took.high},
        "seconds": seconds[name],
    }
    if name in COMPARED:
        ratio = bootstrap_median(np.array(seconds[name]) / np.array(seconds[COMPARED[name]]))  # the load cancels
        found["against"] = COMPARED[name]
        found["ratio"] = {"median": ratio.value, "low": ratio.low, "high": ratio.high, "at_most": LIMITS[name]}
    return found


if __name__ == "__main__":
    main()
