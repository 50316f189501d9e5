"""What the signature of a `.tflite` calls a model's inputs and outputs."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from edgekit.keras.types import KerasModel

__all__ = ["output_names", "parameter_names"]


def parameter_names(names: Sequence[str]) -> dict[str, str]:
    """For each input's name a name that a function's parameter can have, as TensorFlow's signatures need it."""
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        if not plain.isidentifier() or keyword.iskeyword(plain) or plain == "self":
            plain = f"input_{plain}"
        taken = {*found.values(), *(other for other in names if other != name)}
        found[name] = f"{plain}_{number}" if plain in taken else plain
    return found


def output_names(model: KerasModel) -> list[str]:
    """Layer names of the outputs, made unique; a wrapper's prefix would leak the way the model was made."""
    names: list[str] = []
    for name in (n.removeprefix("quant_") for n in model.output_names):
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names
