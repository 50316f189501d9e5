"""Words that lookup layers learned: Keras keeps them as texts beside the weights; here they join the configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from edgekit.keras.files.layouts import place_of
from edgekit.keras.files.values import JSON

__all__ = ["give_words"]

INNER = "_lookup_layer"
"""Attribute of the layers that look up by another layer inside them."""


def give_words(config: JSON, words: Mapping[str, list[str]]) -> None:
    """Put learned words into the configurations of the layers that they belong to.

    Args:
        config: Configuration of a model; changed in place.
        words: By the folder that Keras keeps them in: the places of the layers by class and number, such as
            "layers/string_lookup_1" or "layers/functional/layers/text_vectorization/_lookup_layer".
    """
    _walk(config, "", words)


def _walk(model: JSON, place: str, words: Mapping[str, list[str]]) -> None:
    inside = model.get("config") if isinstance(model, dict) else None
    layers = inside.get("layers") if isinstance(inside, dict) else None
    numbers: Counter[str] = Counter()
    for layer in layers if isinstance(layers, list) else []:
        kind = layer.get("class_name") if isinstance(layer, dict) else None
        if not isinstance(layer, dict) or not isinstance(kind, str):
            continue
        name = place_of(kind)
        folder = f"{place}layers/{name}_{numbers[name]}" if numbers[name] else f"{place}layers/{name}"
        numbers[name] += 1
        learned = words.get(folder, words.get(f"{folder}/{INNER}"))
        config = layer.get("config")
        if learned is not None and isinstance(config, dict) and config.get("vocabulary") is None:
            config["vocabulary"] = _numbers(learned) if kind == "IntegerLookup" else list(learned)
        _walk(layer, f"{folder}/", words)


def _numbers(words: list[str]) -> list[JSON]:
    try:
        return [int(word) for word in words]
    except ValueError:  # of no file that Keras wrote; the layer will refuse them
        return list(words)
