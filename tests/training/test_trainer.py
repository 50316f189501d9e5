from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data import Dataset
from edgekit.observer import EpochEnded, Event
from edgekit.training import Finetune, Train, Trainer, seed_everything
from edgekit.training.history import read_training


def weights(model: Any) -> list[np.ndarray]:
    return [np.array(w) for w in model.get_weights()]


def same(a: Any, b: Any) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def test_training_learns_and_scores(trained: Any, make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer()
    score = trainer.score(trained.model)
    assert score > 0.85
    outputs = trainer.predict(trained.model, "validation")
    assert score == pytest.approx(np.mean(outputs.argmax(1) == trainer.dataset.labels("validation")))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_the_seed_decides_every_bit(
    optimizer: str, build_tiny: Callable[[], Any], make_trainer: Callable[..., Trainer]
) -> None:
    plan = Train.model_validate({"epochs": 1, "optimizer": optimizer, "learning_rate": 0.01})
    a, b = build_tiny(), build_tiny()
    make_trainer().fit(a, plan, name="a")
    np.random.default_rng().random()
    _tf.tensorflow().random.normal([3])  # another draw in between does not matter
    make_trainer().fit(b, plan, name="b")
    assert same(a, b)
    if optimizer == "adam":
        c = build_tiny()
        make_trainer(seed=1).fit(c, plan, name="c")
        assert not same(a, c)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_a_step_is_traced_once(
    optimizer: str, task: str, few_digits: Dataset, make_trainer: Callable[..., Trainer]
) -> None:
    """Twice would be seconds for a large network, and a minute where it learns its rounding."""
    keras, traces = _tf.tf_keras(), list[str]()
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(*((10, "softmax") if task == "classification" else (1,))))
    step = model.train_step
    model.train_step = lambda data: (traces.append("one"), step(data))[1]
    plan = Train.model_validate({"epochs": 1, "optimizer": optimizer})
    make_trainer(few_digits, task=task).fit(model, plan, name="once")
    assert traces == ["one"]


@pytest.mark.parametrize("folder", [".", "runs[1]"])
def test_a_killed_training_goes_on_and_ends_the_same(
    folder: str, build_tiny: Callable[[], Any], make_trainer: Callable[..., Trainer]
) -> None:
    plan = Train(epochs=3, learning_rate=0.01)
    whole = build_tiny()
    expected = make_trainer().fit(whole, plan, name="t")

    class Kill(_tf.tf_keras().callbacks.Callback):
        epochs = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            Kill.epochs += 1
            if Kill.epochs == 3:
                raise KeyboardInterrupt

    trainer, broken = make_trainer(), build_tiny()
    trainer = replace(trainer, workdir=trainer.workdir / folder)
    trainer.workdir.mkdir(exist_ok=True)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(broken, plan, name="t", callbacks=[Kill()])
    again = build_tiny()
    seed_everything(99)  # a new process starts somewhere else
    told: list[Event] = []
    history = replace(trainer, observer=told.append).fit(again, plan, name="t")
    assert [e.epoch for e in told if isinstance(e, EpochEnded)] == [2], "only the last epoch is left to do"
    assert same(again, whole)
    assert history == expected and all(len(values) == 3 for values in history.values()), "it has all epochs"
    assert read_training(trainer.workdir) == {"t": history}
    assert not list(trainer.workdir.glob("*.checkpoint"))


def test_a_killed_training_with_early_stopping_starts_again(
    build_tiny: Callable[[], Any], make_trainer: Callable[..., Trainer]
) -> None:
    plan = Train(epochs=6, learning_rate=0.02, schedule="constant", early_stopping=2)
    whole = build_tiny()
    make_trainer().fit(whole, plan, name="t")

    class Kill(_tf.tf_keras().callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    trainer, broken = make_trainer(), build_tiny()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(broken, plan, name="t", callbacks=[Kill()])
    again = build_tiny()
    trainer.fit(again, plan, name="t")
    assert same(again, whole), "what early stopping had seen is in no checkpoint"


def test_early_stopping_keeps_the_best_weights(
    build_tiny: Callable[[], Any], make_trainer: Callable[..., Trainer]
) -> None:
    trainer, model = make_trainer(), build_tiny()
    plan = Train(epochs=12, learning_rate=0.02, schedule="constant", early_stopping=1)
    history = trainer.fit(model, plan, name="t")
    assert len(history["loss"]) < 12
    assert trainer.score(model) == pytest.approx(max(history["val_accuracy"]), abs=1e-6)


def test_tensorboard_writes_logs(build_tiny: Callable[[], Any], make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer()
    trainer = replace(trainer, tensorboard=trainer.workdir / "tensorboard")
    trainer.fit(build_tiny(), Train(epochs=1), name="t")
    assert list((trainer.workdir / "tensorboard").rglob("events*"))


def test_reconstruction_trains_on_the_input_itself(make_trainer: Callable[..., Trainer]) -> None:
    keras = _tf.tf_keras()
    trainer = make_trainer(task="reconstruction")
    model = keras.Sequential(
        [keras.layers.Input((8, 8, 1)), keras.layers.Conv2D(8, 3, padding="same"), keras.layers.Conv2D(1, 1)]
    )
    before = trainer.score(model)
    trainer.fit(model, Train(epochs=2, learning_rate=0.01), name="t")
    assert trainer.score(model) < before / 2


def test_finetune_takes_what_is_left_out_from_train() -> None:
    train = Train(epochs=9, learning_rate=0.02, batch_size=7, early_stopping=2)
    plan = Finetune(epochs=3).as_train(train)
    assert (plan.epochs, plan.batch_size, plan.early_stopping) == (3, 7, None)
    assert plan.learning_rate == pytest.approx(0.002)
    assert Finetune(learning_rate=0.5).as_train(train).learning_rate == 0.5
