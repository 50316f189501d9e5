"""The only door to TensorFlow, tf_keras, TF-MOT and Keras 3.

TensorFlow takes 5 to 12 seconds to import, so nothing imports it at module level; whoever needs it calls one of these
functions. They quiet the start-up noise and say what to install where a package is missing. Where TensorFlow loads
here first, `tf.keras` is Keras 2; where the user's program has loaded it, as whichever Keras, it stays as it is: what
is trained, pruned and quantised are models of tf_keras, which TF-MOT takes either way.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgekit.errors import MissingDependency

if TYPE_CHECKING:
    from edgekit.keras.frameworks import TensorFlow

__all__ = ["captured_output", "keras3", "prepare", "tensorflow", "tf_keras", "tfmot", "threads"]

THREADS = 2
"""Of one operation. Sums are added up in another order with another number, so that it may not hang on the machine."""
_SETTING = "TF_NUM_INTRAOP_THREADS"


@contextmanager
def captured_output() -> Iterator[list[str]]:
    """Catch what native code writes to file descriptors 1 and 2; given as lines after the block."""
    lines: list[str] = []
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield lines
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
            sink.seek(0)
            lines.extend(sink.read().decode(errors="replace").splitlines())


def prepare() -> None:
    """Set the environment that TensorFlow must find when it loads; cheap, and called before any code of the user's."""
    if "tensorflow" not in sys.modules:
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@functools.cache
def tensorflow() -> TensorFlow:
    """TensorFlow, with one seedable CPU device and no chatter where it was not loaded before."""
    ours = "tensorflow" not in sys.modules
    prepare()
    with captured_output():
        tf: TensorFlow = _import("tensorflow")
    if ours and not os.environ.get(_SETTING):
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.get_logger().setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    return tf


def threads() -> int:
    """How many threads an operation of TensorFlow has, or will have once it is loaded; it decides a training's result.

    Two, whatever the machine has, unless TF_NUM_INTRAOP_THREADS says otherwise; where the user's program has loaded
    TensorFlow, what it has set.
    """
    told = os.environ.get(_SETTING, "")
    planned = int(told) if told.isdecimal() and int(told) else THREADS
    if "tensorflow" not in sys.modules:
        return planned
    found = int(sys.modules["tensorflow"].config.threading.get_intra_op_parallelism_threads())
    if found or told:
        return found or planned
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def tf_keras() -> Any:
    """tf_keras (Keras 2), the Keras that TF-MOT and the converter take.

    Its dropout draws from generators with a state that can be set, so that a resumed training sees the same masks.
    Its LSTM and GRU put no version for GPUs into a graph on a machine that has none, until
    `put_back_versions_for_gpus` is called.
    """
    keras = _tf_keras()
    _leave_out_versions_for_gpus()
    return keras


@functools.cache
def _tf_keras() -> Any:
    tensorflow()
    keras = _import("tf_keras")
    keras.backend.experimental.enable_tf_random_generator()
    return keras


@functools.cache
def tfmot() -> Any:
    """TensorFlow Model Optimization: magnitude pruning and quantisation-aware training."""
    tf_keras()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _import("tensorflow_model_optimization")


@functools.cache
def keras3() -> Any:
    """Keras 3 with the TensorFlow backend, to read today's model files."""
    tensorflow()
    return _import("keras")


def _leave_out_versions_for_gpus() -> None:
    """tf_keras traces that version and its gradients at each call, for TensorFlow to swap in on a GPU: a third of the
    time that converting an LSTM or a GRU takes, and half of building one. A SavedModel runs on a GPU without it too.
    """
    utilities = _lstm_and_gru()
    register = getattr(utilities, "function_register", None)
    if register is None or hasattr(register, "whole"):
        return

    def where_there_is_one(*arguments: Any, **named: Any) -> Any:
        return register(*arguments, **named) if tensorflow().config.list_physical_devices("GPU") else None

    where_there_is_one.whole = register  # type: ignore[attr-defined]
    utilities.function_register = where_there_is_one


def put_back_versions_for_gpus() -> None:
    """Let LSTM and GRU of the user's own have their version for GPUs again."""
    utilities: Any = _lstm_and_gru() if "tf_keras" in sys.modules else None
    whole = getattr(getattr(utilities, "function_register", None), "whole", None)
    if whole is not None:
        utilities.function_register = whole


def _lstm_and_gru() -> Any:
    """The module of tf_keras that registers versions of a layer by device; None where a release has it elsewhere."""
    try:
        return importlib.import_module("tf_keras.src.layers.rnn.gru_lstm_utils")
    except ImportError:
        return None


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingDependency(
            f"Training and conversion need the package {name}, which is not installed.",
            remedy="Install it with: pip install 'edgekit[train]'",
        ) from error
