"""Words that lookup layers learned come with the model, whatever the layers are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.keras.files.reading import read_model
from edgekit.keras.files.words import give_words


@pytest.mark.parametrize("which", ["keras3", "tf_keras"])
def test_learned_words_are_read(which: str, tmp_path: Path) -> None:
    keras = getattr(_tf, which)()
    layers = keras.layers
    texts, numbers = layers.Input((1,), dtype="string"), layers.Input((1,), dtype="int64")
    known = layers.StringLookup(vocabulary=["x"], name="first")
    learning = layers.StringLookup(name="string_lookup"), layers.TextVectorization(name="sentence")
    counted = layers.IntegerLookup(name="codes")
    for layer in learning:
        layer.adapt(np.array([["cat"], ["dog"], ["cat"]]))
    counted.adapt(np.array([[7], [7], [5]]))
    outputs = [known(texts), *(layer(texts) for layer in learning), counted(numbers)]
    keras.Model([texts, numbers], outputs).save(tmp_path / "m.keras")
    config: Any = read_model(tmp_path / "m.keras").config
    words = {layer["config"]["name"]: layer["config"].get("vocabulary") for layer in config["config"]["layers"]}
    assert words["first"] == ["x"], "its own"
    assert words["string_lookup"][-2:] == ["cat", "dog"] and words["sentence"][-2:] == ["cat", "dog"]
    assert words["codes"][-2:] == [7, 5]


def test_words_find_nested_layers_and_nothing_else() -> None:
    def lookup(name: str) -> dict[str, Any]:
        return {"class_name": "StringLookup", "config": {"name": name, "vocabulary": None}}

    inner = {"class_name": "Functional", "config": {"layers": [lookup("a"), lookup("b"), 3, {"class_name": ["x"]}]}}
    model = {"config": {"layers": [{"class_name": "Conv2D", "config": {}}, lookup("c"), inner]}}
    give_words(model, {"layers/functional/layers/string_lookup_1": ["w"], "a": ["no"], "layers/conv2d": ["v"]})
    found = [layer["config"]["vocabulary"] for layer in (model["config"]["layers"][1], *inner["config"]["layers"][:2])]
    assert found == [None, None, ["w"]]
    for damaged in (None, [], {"config": []}, {"config": {"layers": {"a": 1}}}):
        give_words(damaged, {})
