"""Load any Keras model as a flat tf_keras model: .h5, .keras, SavedModel, module:function, reference networks.

A file is foreign: a child process reads it under the allow list of `edgekit.keras.files.kinds` and gives back plain
data, of which the model is built here. A model object, or what `module:function` gives, is the user's own.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgekit import _tf, registry, sandbox, user_code
from edgekit.errors import ModelError, did_you_mean
from edgekit.filekinds import TFLITE, kind_of
from edgekit.keras.families import network_names
from edgekit.keras.files.archives import holds_saved_model, unpack_saved_model
from edgekit.keras.files.building import build_model, first_line
from edgekit.keras.files.plain import PlainModel
from edgekit.keras.files.reading import version_of
from edgekit.keras.types import KerasModel
from edgekit.keras.users import build_own
from edgekit.observer import logger

__all__ = [
    "FOREIGN",
    "OWN",
    "Loading",
    "check_source",
    "classes_made_known",
    "load_model",
    "model_from",
    "size_of",
]

_log = logger(__name__)
FILES = (".h5", ".hdf5", ".keras")


@dataclass(frozen=True)
class Loading:
    """How the files of models are opened.

    Attributes:
        unsafe: Let Keras itself open them, with whatever code they hold. Only for files that the user trusts.
        custom_objects: Classes and functions of the user's that the files name, by name.
        memory_limit: Bytes of resident memory that reading one may take; default 2 GB and 20 times the file.
        time_limit: Seconds that it may take.
    """

    unsafe: bool = False
    custom_objects: Mapping[str, Any] = field(default_factory=dict)
    memory_limit: int | None = None
    time_limit: float | None = None

    def limits(self, size: int) -> sandbox.Limits:
        """Of the child that reads so many bytes."""
        return sandbox.Limits.for_file(size, memory=self.memory_limit, seconds=self.time_limit)

    @property
    def fingerprint(self) -> tuple[bool, dict[str, str]]:
        """What of it decides which model a file becomes, JSON-ready: classes count by their code."""
        return self.unsafe, {name: user_code.code_of(made) for name, made in sorted(self.custom_objects.items())}


IN_MEMORY = "the model in memory"
FOREIGN = Loading()
OWN = Loading(memory_limit=1 << 40, time_limit=7 * 24 * 3600.0)
"""For files that EdgeKit made itself: a child keeps crashes away, and need not be held to anything."""


def load_model(
    source: str | Path | KerasModel, loading: Loading = FOREIGN, parameters: Mapping[str, Any] | None = None
) -> Any:
    """Load a trained model as a flat tf_keras model, which TF-MOT and the converter take.

    Args:
        source: A `.h5` or `.keras` file of Keras 2 or 3, a SavedModel folder or a zip archive of one, or
            `module:function`. What a file is, its content says. Or a model in memory, of either Keras.
        loading: How a file is opened.
        parameters: Keyword arguments of the function that `module:function` names.

    Returns:
        A tf_keras Functional or Sequential model without nested models.

    Raises:
        ModelError: The file is missing, damaged, holds code or a layer that cannot be carried over.
    """
    if not isinstance(source, str | Path):
        return _as_flat_tf_keras(source, IN_MEMORY, unsafe=loading.unsafe)
    text, path = str(source), Path(source)
    if registry.is_reference(text):
        return _as_flat_tf_keras(build_own(text, parameters or {}), text, unsafe=loading.unsafe)
    check_source(path)
    if loading.unsafe:
        return _as_flat_tf_keras(_trusted(path, loading.custom_objects), text, unsafe=True)
    job = "edgekit.keras.files.saved_models" if holds_saved_model(path) else "edgekit.keras.files.jobs.read"
    limits = loading.limits(size_of(path))
    request = {
        "path": str(path.resolve()),
        "name": text,
        "custom": sorted(loading.custom_objects),
        "reading": limits.reading,
    }
    reply = sandbox.run(job, request, readable=[path.resolve()], limits=limits, what=text)
    return model_from(PlainModel.unpack(reply.header, reply.arrays), text, loading.custom_objects)


def check_source(path: Path) -> None:
    """A model file is there, and it is none that was converted already. What else it is, the child finds out.

    Raises:
        ModelError: It is not.
    """
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise ModelError("A model folder is a SavedModel.", received=f"{path} without saved_model.pb")
        return
    if not path.exists() and path.suffix not in FILES:
        raise ModelError(
            "A Keras model is a .h5 or .keras file, a SavedModel folder or module:function.",
            received=repr(str(path)),
            remedy=did_you_mean(str(path), network_names()),
        )
    if not path.is_file():
        raise ModelError("A model file must exist.", received=repr(str(path)), remedy="Check the path.")
    if not path.stat().st_size:
        raise ModelError("A model file must hold a model.", received=f"{path}, an empty file")
    if kind_of(path) == TFLITE:
        use = "Use" if path.suffix == ".tflite" else "Let its name end in .tflite, and use"
        raise ModelError(
            "This job takes a Keras model.",
            received=f"{path}, a .tflite model, which is converted already",
            remedy=f"{use} it with edgekit evaluate, benchmark or inspect.",
        )


def model_from(plain: PlainModel, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build a flat tf_keras model of what was read of a file.

    Args:
        plain: As a child gave it, or as it was read inside one.
        name: What messages call the file.
        custom_objects: Classes and functions of the user's.

    Raises:
        ModelError: It cannot be built, or a layer cannot be carried over.
    """
    with classes_made_known(plain.makers):
        return _as_flat_tf_keras(build_model(plain, name=name, custom_objects=custom_objects), name, unsafe=False)


def _as_flat_tf_keras(model: object, source: str, *, unsafe: bool) -> Any:
    from edgekit.keras.bridge import bridge
    from edgekit.keras.flatten import flatten
    from edgekit.keras.unwrapping import unwrapped

    ours: type[KerasModel] = _tf.tf_keras().Model
    if isinstance(model, ours):
        bare, notes = unwrapped(model, source)
        for note in notes:
            _log.info(note)
        return registry.ask("edgekit.methods.low_rank.expanding:expand")(flatten(bare))
    theirs: type[KerasModel] = _tf.keras3().Model
    if isinstance(model, theirs):
        return bridge(model, unsafe=unsafe)
    raise ModelError(
        "EdgeKit compresses Keras models.",
        received=f"{type(model).__name__} from {source}",
        remedy="Give a Keras Functional or Sequential model.",
    )


@contextmanager
def classes_made_known(makers: frozenset[str]) -> Iterator[None]:
    """Make classes of TF-MOT's and EdgeKit's known to Keras where a file names them: TF-MOT takes seconds to load."""
    with ExitStack() as scopes:
        if "tensorflow_model_optimization" in makers:
            scopes.enter_context(registry.ask("edgekit.methods.tfmot:loading_scope")())
            registry.ask("edgekit.methods.quantize.quantizers:DepthwiseConfig")  # they stand inside those wrappers
        if "edgekit" in makers:
            registry.ask("edgekit.methods.low_rank.layers:LowRank")
        yield


def _trusted(path: Path, custom_objects: Mapping[str, Any]) -> Any:
    """Let Keras open a file that the user trusts."""
    if path.is_dir():
        return _opened(path, "2", custom_objects, path)
    with TemporaryDirectory() as folder:
        if holds_saved_model(path):
            return _opened(unpack_saved_model(path, Path(folder), str(path)), "2", custom_objects, path)
        named = Path(folder) / ("model.keras" if zipfile.is_zipfile(path) else "model.h5")  # as Keras goes by names
        named.symlink_to(path.resolve())
        return _opened(named, version_of(path), custom_objects, path)


def _opened(path: Path, version: str, custom_objects: Mapping[str, Any], source: Path) -> Any:
    keras = _tf.tf_keras() if version.split(".")[0] in ("1", "2") else _tf.keras3()
    options = {} if path.is_dir() else {"safe_mode": False}
    with classes_made_known(frozenset(["tensorflow_model_optimization", "edgekit"])):
        try:
            return keras.models.load_model(path, compile=False, custom_objects=dict(custom_objects), **options)
        except Exception as error:  # Keras raises every kind of error on a damaged or unknown file
            raise ModelError(
                f"Keras {version} must be able to load the model.",
                received=f"{source} ({first_line(error)})",
                remedy="If it has custom layers, give module:function that builds and loads it; else save it again.",
            ) from error


def size_of(path: Path) -> int:
    """Bytes of a model file, or of all files in a SavedModel folder."""
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size
