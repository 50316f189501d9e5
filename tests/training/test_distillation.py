from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data import Dataset, DataSpec, Preprocessing, load_data
from edgekit.data.dataset import Raw, split
from edgekit.errors import DataError, EdgekitError, ModelError, UsageError
from edgekit.keras import save_model
from edgekit.measure.predict import predict
from edgekit.training import (
    Augment,
    Distillation,
    Objective,
    Teacher,
    Train,
    Trainer,
    keras_teacher,
    open_teacher,
    seed_everything,
)
from edgekit.training import lesson as lessons
from edgekit.training.augment import Views
from edgekit.training.lesson import lesson
from edgekit.training.teacher import source_rows

IMAGES = np.random.default_rng(0).random((160, 6, 6, 1)).astype(np.float32)
LABELS = (IMAGES.mean((1, 2, 3)) * 40).astype(int) % 4


def made(x: Any = IMAGES, y: Any = LABELS) -> Dataset:
    return split(Raw(x, y), Preprocessing(), calibration=8, validation=0.1, test=0.2, seed=0)


def trainer(
    tmp_path: Path, teacher: Teacher, *, data: Dataset | None = None, task: Any = "classification", **distill: Any
) -> Trainer:
    objective = Objective(task=task, distill=Distillation.model_validate(distill))
    return Trainer(data or made(), objective, 0, tmp_path, quiet=True, teacher=teacher)


def network(units: int = 4, activation: str | None = "softmax", channels: int = 3) -> Any:
    layers = _tf.tf_keras().layers
    seed_everything(channels)
    return _tf.tf_keras().Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(channels, 3, activation="relu", name="conv"),
            layers.Flatten(name="flatten"),
            layers.Dense(units, activation=activation, name="scores"),
        ]
    )


def of_mean(samples: Any) -> Any:
    """Logits that follow from a sample alone: a bump at four times its mean, which crops change."""
    return -((4 * samples.reshape(len(samples), -1).mean(1)[:, None] - np.arange(4)) ** 2)


class Counting:
    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, samples: Any) -> Any:
        self.asked += len(samples)
        return of_mean(samples)


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize(("units", "activation"), [(4, "softmax"), (4, None), (1, "sigmoid")])
def test_the_loss_is_hintons(units: int, activation: str | None, tmp_path: Path) -> None:
    model = network(units, activation)
    logits = network(units, None)
    logits.set_weights(model.get_weights())
    labels = LABELS % max(units, 2)
    given = np.random.default_rng(1).normal(size=(20, units)).astype(np.float32) * 3
    teacher = Teacher("t", "f", lambda x: np.zeros((len(x), units)))
    with lesson(trainer(tmp_path, teacher, data=made(y=labels), alpha=0.3, temperature=3.0), model, Train()) as taught:
        assert taught is not None and taught.model is model
        packed = np.concatenate([labels[:20, None], given], axis=1).astype(np.float32)
        ours = float(taught.loss(_tf.tensorflow().constant(packed), model(IMAGES[:20])))
        plain = float(taught.loss(_tf.tensorflow().constant(labels[:20, None]), model(IMAGES[:20])))
    z, t = logits(IMAGES[:20]).numpy().astype(np.float64), given.astype(np.float64)
    if units == 1:
        z, t = (np.concatenate([np.zeros_like(v), v], axis=1) for v in (z, t))
    p, q = softmax(t / 3), softmax(z / 3)
    divergence = (p * np.log(p / q)).sum(1).mean()
    entropy = -np.log(softmax(z)[np.arange(20), labels[:20]]).mean()
    assert plain == pytest.approx(entropy, rel=1e-4)
    assert ours == pytest.approx(0.3 * 9 * divergence + 0.7 * entropy, rel=1e-4)


def test_a_sure_student_still_gets_gradients(tmp_path: Path) -> None:
    """Probabilities below 1e-7 are cut off from what made them; logits are not."""
    tf, model = _tf.tensorflow(), network()
    model.layers[-1].bias.assign([60.0, 0, 0, 0])
    with lesson(trainer(tmp_path, Teacher("t", "f", of_mean), alpha=1.0, temperature=1.0), model, Train()) as taught:
        assert taught is not None
        target = tf.constant([[0.0, -60, 0, 0, 0]])

        @tf.function
        def gradient() -> Any:
            with tf.GradientTape() as tape:
                loss = taught.loss(target, model(IMAGES[:1], training=True))
            return tape.gradient(loss, model.layers[-1].bias)

        assert gradient().numpy()[0] > 0.9


def test_each_view_of_a_sample_gets_the_answer_to_that_view_and_is_asked_once(tmp_path: Path) -> None:
    tf, answer = _tf.tensorflow(), Counting()
    teach = trainer(tmp_path, Teacher("t", "f", answer, batch=50))
    x, y = teach.dataset.features("train"), teach.dataset.labels("train")
    augment = Augment(crop=2, flip=True, views=3)
    views = Views(augment, len(x), teach.seed)
    with lesson(teach, network(), Train(epochs=2, augment=augment)) as taught:
        assert taught is not None
        assert answer.asked == 2 * len(x) + 2, "two epochs need two views, and two samples are tried"
        indices = tf.constant([5, 0, 7])
        for epoch in (0, 1):
            seen = views.of(tf.constant(x), indices, tf.constant(epoch))
            samples, targets = taught.packed(seen, tf.gather(tf.constant(y), indices), indices, tf.constant(epoch))
            expected = of_mean(seen.numpy())
            np.testing.assert_allclose(targets[:, 1:], expected - expected.max(1, keepdims=True), atol=0.01)
            np.testing.assert_array_equal(targets[:, 0], y[[5, 0, 7]])
            np.testing.assert_array_equal(samples, seen)
    with lesson(teach, network(), Train(epochs=9, augment=augment)):
        assert answer.asked == 3 * len(x) + 4, "only the third view was missing"
    with lesson(replace(teach, seed=1), network(), Train(epochs=1, augment=augment)):
        assert answer.asked == 4 * len(x) + 6, "another seed shows other images"
    damaged = next(tmp_path.rglob("outputs-2.npy"))
    damaged.write_bytes(damaged.read_bytes()[:200])
    with lesson(teach, network(), Train(epochs=3, augment=augment)):
        assert answer.asked == 5 * len(x) + 8


def test_a_student_learns_what_its_teacher_says(tmp_path: Path) -> None:
    """With alpha 1 the labels do not matter: the teacher calls every class by the next one's name."""
    data = made()
    known = {x.tobytes(): y for x, y in zip(IMAGES, LABELS, strict=True)}
    teacher = Teacher("t", "f", lambda xs: np.eye(4)[[(known[x.tobytes()] + 1) % 4 for x in xs]] * 9)
    teach, model = trainer(tmp_path, teacher, data=data, alpha=1.0, temperature=2.0), network(channels=8)
    history = teach.fit(model, Train(epochs=30, batch_size=16, learning_rate=0.03, schedule="constant"), name="t")
    said = teach.predict(model, "train").argmax(1)
    assert np.mean(said == (data.labels("train") + 1) % 4) > 0.7
    assert history["accuracy"][-1] < 0.2, "the metric is about labels"
    assert history["val_accuracy"][-1] == pytest.approx(teach.score(model), abs=1e-6)


@pytest.mark.parametrize("task", ["regression", "reconstruction"])
def test_regression_follows_the_teacher_by_squared_error(task: str, tmp_path: Path) -> None:
    x = np.random.default_rng(2).random((60, 3)).astype(np.float32)
    layers = _tf.tf_keras().layers
    model = _tf.tf_keras().Sequential([layers.Input((3,)), layers.Dense(3, kernel_initializer="identity")])
    teach = trainer(tmp_path, Teacher("t", "f", lambda s: s + 1), data=made(x, 3 * x), task=task, alpha=0.25)
    with lesson(teach, model, Train()) as taught:
        assert taught is not None
        tf = _tf.tensorflow()
        rows, targets = teach.dataset.features("train"), teach.objective.targets(teach.dataset, "train")
        _, packed = taught.packed(rows[:4], tf.constant(targets[:4]), tf.range(4), tf.constant(0))
        labelled = np.mean((targets[:4] - rows[:4]) ** 2)
        assert float(taught.loss(packed, model(rows[:4]))) == pytest.approx(0.25 + 0.75 * labelled, rel=1e-4)
    teach.fit(model, Train(epochs=1), name="t")


def test_layers_teach_and_leave_no_trace(tmp_path: Path) -> None:
    big, small = network(channels=6), network(channels=2)
    pair = {"student": "conv", "teacher": "conv"}
    nodes = [len(layer.outbound_nodes) for layer in small.layers]
    silent = {"alpha": 0.0, "features": [{**pair, "weight": 5}], "attention": [{**pair, "weight": 50}]}
    teach = trainer(tmp_path, keras_teacher(big, name="big"), **silent)
    plan = Train(epochs=8, learning_rate=0.02, schedule="constant")
    history = teach.fit(small, plan, name="t")
    plain = network(channels=2)
    alone = replace(teach, teacher=None).fit(plain, plan, name="p")
    assert history["loss"][0] > 1.5 * alone["loss"][0] and history["val_loss"][0] < history["loss"][0]
    assert not np.allclose(small.get_weights()[0], plain.get_weights()[0])
    x = teach.dataset.features("train")

    def gap(model: Any) -> float:
        maps = []
        for m in (model, big):
            energy = (m.layers[0](x).numpy() ** 2).sum(-1).reshape(len(x), -1)
            maps.append(energy / np.linalg.norm(energy, axis=1, keepdims=True))
        return float(np.mean(((maps[0] - maps[1]) ** 2).sum(1)))

    assert gap(small) < 0.7 * gap(plain)
    assert [len(layer.outbound_nodes) for layer in small.layers] == nodes
    assert [w.shape for w in small.get_weights()] == [w.shape for w in plain.get_weights()]
    assert len(list(tmp_path.rglob("attention-*.npy"))) == 1


def test_a_killed_training_with_a_teacher_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    pair = [{"student": "conv", "teacher": "conv"}]
    teach = trainer(tmp_path / "a", keras_teacher(network(channels=6), name="big"), features=pair, attention=pair)
    plan = Train(epochs=2, learning_rate=0.01, augment=Augment(crop=1, views=2))
    whole = network()
    expected = teach.fit(whole, plan, name="t")

    class Kill(_tf.tf_keras().callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    other = replace(teach, workdir=tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        other.fit(network(), plan, name="t", callbacks=[Kill()])
    again = network()
    seed_everything(99)
    history = other.fit(again, plan, name="t")
    assert history == expected and len(history["loss"]) == 2, "it has the epoch of before the kill"
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_words_can_be_taught(tmp_path: Path) -> None:
    words = np.random.default_rng(3).integers(0, 20, (80, 5), dtype=np.int32)
    layers = _tf.tf_keras().layers

    def build(width: int) -> Any:
        seed_everything(width)
        return _tf.tf_keras().Sequential(
            [
                layers.Input((5,), dtype="int32"),
                layers.Embedding(20, width, mask_zero=True, name="words"),
                layers.GlobalAveragePooling1D(),
                layers.Dense(2, activation="softmax"),
            ]
        )

    data, pair = made(words, words[:, 0] % 2), [{"student": "words", "teacher": "words"}]
    teach = trainer(tmp_path, keras_teacher(build(8), name="big"), data=data, features=pair, attention=pair)
    history = teach.fit(build(4), Train(epochs=12, learning_rate=0.02), name="t")
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    ("distill", "student", "teacher", "message"),
    [
        ({}, lambda: network(), lambda: network(5), r"as many classes as its student, \[4\]. Received: big .* \[5\]"),
        (
            {"features": [{"student": "conv", "teacher": "cnov"}]},
            network,
            network,
            "layer of the teacher. Received: 'cnov'. Did you mean 'conv'",
        ),
        (
            {"features": [{"student": "cnov", "teacher": "conv"}]},
            network,
            network,
            "layer that the student has. Received: cnov. Did you mean 'conv'",
        ),
        (
            {"attention": [{"student": "flatten", "teacher": "conv"}]},
            network,
            network,
            r"as many places.*flatten with \[48\] and conv with \[4, 4, 3\]",
        ),
        ({"attention": [{"student": "scores", "teacher": "scores"}]}, network, network, "for attention at least one"),
    ],
)
def test_pairs_and_classes_that_do_not_fit(
    distill: Any, student: Callable[[], Any], teacher: Callable[[], Any], message: str, tmp_path: Path
) -> None:
    teach = trainer(tmp_path, keras_teacher(teacher(), name="big"), **distill)
    with pytest.raises(ModelError, match=message):
        teach.fit(student(), Train(), name="t")


def test_a_pair_whose_student_layer_is_gone_is_left_out(tmp_path: Path, said: list[str]) -> None:
    pairs = [{"student": "conv", "teacher": "conv"}, {"student": "gone", "teacher": "conv"}]
    teach = trainer(tmp_path, keras_teacher(network(), name="big"), attention=pairs)
    with lesson(teach, network(), Train()) as taught:
        assert taught is not None and taught.answers.sizes == (4, 16)
    assert said == ["distill: the student has no layer 'gone' (any more): left out"]
    function = replace(teach, teacher=Teacher("mine:f", "f", of_mean))
    with pytest.raises(ModelError, match="need a Keras model as the teacher"), lesson(function, network(), Train()):
        pass


def test_teachers_of_every_kind_give_the_same_logits(
    trained: Any, tflites: dict[str, Path], digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = digits.features("test")[:100]
    save_model(trained.model, tmp_path / "m.h5")
    (tmp_path / "my_teacher.py").write_text("def logits(x):\n    return x.reshape(len(x), -1)[:, :10]\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    keras = keras_teacher(trained.model, name="t")
    expected = keras.logits(trained.model.predict(x, verbose=0)).astype(np.float64)
    assert keras.fingerprint == open_teacher(str(tmp_path / "m.h5")).fingerprint
    for source, least in ((tmp_path / "m.h5", 20), (tflites["float32"], 20), (tflites["int8"], np.log(512))):
        teacher = open_teacher(str(source), run_tflite=predict)
        assert teacher.activation == "softmax" and teacher.answer is not None
        found = teacher.logits(teacher.answer(x)).astype(np.float64)
        near = expected > -2
        np.testing.assert_allclose(found[near], expected[near], atol=0.05 if least == 20 else 0.6)
        assert found.min() >= -least - 0.01 and (found.argmax(1) == expected.argmax(1)).mean() > 0.95
    function = open_teacher("my_teacher:logits")
    assert function.answer is not None
    np.testing.assert_array_equal(function.answer(x), x.reshape(100, -1)[:, :10])
    with pytest.raises(EdgekitError, match="ValueError from my_teacher:logits"):
        function.answer(x[:0])
    with pytest.raises(UsageError, match="Did you mean 'logits'"):
        open_teacher("my_teacher:logist")
    with pytest.raises(ModelError, match="Received: 'nowhere.h5'"):
        open_teacher("nowhere.h5")


def test_stored_logits_find_the_rows_of_the_train_split(tmp_path: Path) -> None:
    x = np.arange(100, dtype=np.float32)[:, None]
    np.savez(tmp_path / "own.npz", x_train=x, y_train=np.arange(100) % 4, x_test=x[:9], y_test=np.arange(9) % 4)
    np.savez(tmp_path / "cut.npz", x_train=x, y_train=np.arange(100) % 4)
    np.savez(tmp_path / "logits.npz", logits=np.tile(x, (1, 4)))
    for name in ("own", "cut"):
        spec = DataSpec(source=str(tmp_path / f"{name}.npz"), calibration=10)
        data = load_data(spec, seed=5)

        def rows(count: int, data: Dataset = data, spec: DataSpec = spec) -> Any:
            return source_rows(data, spec, 5, count)

        teacher = open_teacher(str(tmp_path / "logits.npz"), rows=rows)
        np.testing.assert_array_equal(teacher.stored[:, 0], data.features("train")[:, 0])  # type: ignore[index]
        with pytest.raises(DataError, match=r"before the split: .*100.* Received: 99 rows"):
            source_rows(data, spec, 5, 99)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"logit": IMAGES[:, 0, :, 0]}, "holds the array logits.*with logit"),
        ({"logits": LABELS}, r"logits of shape \[160\] and dtype int64"),
        ({"logits": np.full((160, 4), np.nan)}, "finite"),
    ],
)
def test_damaged_logits(arrays: Any, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "l.npz", **arrays)
    with pytest.raises(DataError, match=message):
        open_teacher(str(tmp_path / "l.npz"), rows=np.arange)
    (tmp_path / "l.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="complete numpy archive"):
        open_teacher(str(tmp_path / "l.npz"), rows=np.arange)


def test_stored_logits_exclude_augmentation(tmp_path: Path) -> None:
    data = made()
    stored = np.eye(4)[data.labels("train")]
    teach = trainer(tmp_path, Teacher("l.npz", "f", None, stored=stored), data=data)
    with pytest.raises(DataError, match="as they are. Received: l.npz and train.augment"):
        teach.fit(network(), Train(augment=Augment(flip=True)), name="t")
    teach.fit(network(), Train(epochs=1), name="t")
    wide = replace(teach, teacher=Teacher("l.npz", "f", None, stored=stored[:, :3]))
    with pytest.raises(ModelError, match=r"shape \[3\]"):
        wide.fit(network(), Train(epochs=1), name="t")


def test_answers_must_be_finite(tmp_path: Path) -> None:
    teach = trainer(tmp_path, Teacher("t", "f", lambda x: np.full((len(x), 4), np.nan)))
    with pytest.raises(ModelError, match="finite numbers. Received: NaN or infinity for sample 0"):
        teach.fit(network(), Train(epochs=1), name="t")


@pytest.mark.parametrize("what", ["versions", "threads"])
def test_answers_are_of_one_version_and_number_of_threads(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objective = Objective.model_validate({"task": "classification"})
    setup: Any = SimpleNamespace(dataset=SimpleNamespace(fingerprint="d"), objective=objective, seed=0)
    teacher, plan = Teacher("t", "f", None), Train()
    first = lessons._content(setup, teacher, plan)
    assert lessons._content(setup, teacher, plan) == first
    monkeypatch.setattr(*((lessons, "versions") if what == "versions" else (_tf, "threads")), lambda: 7)
    assert lessons._content(setup, teacher, plan) != first
