"""Convert whatever a user names: a file or folder in a child process, their own code in this one."""

from __future__ import annotations

from pathlib import Path

from edgekit import registry
from edgekit.errors import UsageError
from edgekit.keras.loading import Loading, load_model
from edgekit.keras.types import KerasModel
from edgekit_converters.tflite.calibration import Representative
from edgekit_converters.tflite.conversion import Conversion
from edgekit_converters.tflite.convert import convert_keras
from edgekit_converters.tflite.foreign import convert_file
from edgekit_converters.tflite.reference import Held
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["convert_source"]

MOST_DB = 200


def convert_source(
    model: str | Path | KerasModel,
    path: Path,
    spec: ConvertSpec,
    *,
    representative: Representative | None,
    held: Held | None,
    accept_parity: float | None,
    loading: Loading,
) -> Conversion:
    """`convert_keras` or `convert_file`, whichever a model asks for.

    Raises:
        UsageError: `accept_parity` is no number of dB.
    """
    if accept_parity is not None and not -MOST_DB <= accept_parity <= MOST_DB:
        raise UsageError(f"accept_parity is a number of dB between -{MOST_DB} and {MOST_DB}.", received=accept_parity)
    in_memory = not isinstance(model, str | Path)
    if in_memory or registry.is_reference(str(model)) or loading.unsafe or loading.custom_objects:
        own = load_model(model, loading)
        return convert_keras(own, path, spec, representative=representative, held=held, accept_parity=accept_parity)
    return convert_file(
        Path(str(model)),
        path,
        spec,
        representative=representative,
        held=held,
        accept_parity=accept_parity,
        loading=loading,
    )
