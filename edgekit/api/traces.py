"""No call leaves a trace in the user's process: what it needs set while it works is afterwards as it was before."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import random
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from edgekit import _tf
from edgekit.places import PYTHON, standing

__all__ = ["leaves_no_trace", "untouched"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_LOGGERS = ("tensorflow", "absl")
_Undo = Callable[[], object]


def leaves_no_trace(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function of the API leave the process as it found it, whether it returns or raises; it speaks Python."""

    @functools.wraps(function)
    def inner(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with standing([PYTHON]), untouched():
            return function(*args, **kwargs)

    return inner


@contextmanager
def untouched() -> Iterator[None]:
    """Put back after the block: random states, environment, `sys.path`, loggers, filters of warnings, dtype policies,
    the numbers of automatic layer names, and TensorFlow's seed and determinism. Where the block loads TensorFlow, they
    are afterwards as a fresh TensorFlow has them.
    """
    undo = [_process(), _tensorflow(), _tf_keras(), _keras3()]
    _quiet()
    try:
        yield
    finally:
        for step in undo:
            step()


def _process() -> _Undo:
    import numpy as np  # not at start-up: it starts threads, which no sandbox of a child would hold

    python, numpy = random.getstate(), np.random.get_state()
    environment, path, filters = dict(os.environ), list(sys.path), list(warnings.filters)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}

    def undo() -> None:
        random.setstate(python)
        np.random.set_state(numpy)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        sys.path[:] = path
        if warnings.filters != filters:
            warnings.filters[:] = filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)

    return undo


def _tensorflow() -> _Undo:
    """TensorFlow's global seed, the generator behind it, and whether operations are deterministic."""
    seed, drawn, deterministic = None, None, False
    if "tensorflow" in sys.modules:
        context, config = _tensorflow_parts()
        seed, rng = context._seed, getattr(context, "_rng", None)
        drawn = rng.getstate() if isinstance(rng, random.Random) else None
        deterministic = config.is_op_determinism_enabled()

    def undo() -> None:
        if "tensorflow" not in sys.modules:
            return
        context, config = _tensorflow_parts()
        context._seed = seed
        if drawn is not None:
            context._rng.setstate(drawn)
        (config.enable_op_determinism if deterministic else config.disable_op_determinism)()

    return undo


def _tf_keras() -> _Undo:
    """Of tf_keras: numbers of automatic names, the generator of seeds, the dtype policy, and LSTM's trace."""
    names: dict[Any, dict[Any, int]] = {}
    observed: set[str] = set()
    drawn, policy = None, "float32"
    if "tf_keras" in sys.modules:
        backend, precision = _tf_keras_parts()
        names = {graph: dict(numbers) for graph, numbers in backend.PER_GRAPH_OBJECT_NAME_UIDS.items()}
        observed, policy = set(backend.OBSERVED_NAMES), precision.global_policy().name
        generator = getattr(backend._SEED_GENERATOR, "generator", None)
        drawn = generator.getstate() if generator is not None else None

    def undo() -> None:
        if "tf_keras" not in sys.modules:
            return
        backend, precision = _tf_keras_parts()
        backend.reset_uids()
        for graph, numbers in names.items():
            backend.PER_GRAPH_OBJECT_NAME_UIDS[graph] = defaultdict(int, numbers)
        backend.OBSERVED_NAMES.update(observed)
        backend._SEED_GENERATOR.__dict__.pop("generator", None)
        if drawn is not None:
            backend._SEED_GENERATOR.generator = random.Random()
            backend._SEED_GENERATOR.generator.setstate(drawn)
        if precision.global_policy().name != policy:
            precision.set_global_policy(policy)
        _tf.put_back_versions_for_gpus()

    return undo


def _keras3() -> _Undo:
    """Of Keras 3: numbers of automatic names, and the dtype policy."""
    numbers: dict[str, int] = {}
    policy = None
    if "keras" in sys.modules:
        state = _keras3_state()
        numbers = dict(state.get_global_attribute("object_name_uids") or {})
        policy = state.get_global_attribute("dtype_policy")

    def undo() -> None:
        if "keras" not in sys.modules:
            return
        state = _keras3_state()
        known = state.get_global_attribute("object_name_uids")
        if known is not None:
            known.clear()
            known.update(numbers)
        if state.get_global_attribute("dtype_policy") is not policy and policy is not None:
            state.set_global_attribute("dtype_policy", policy)

    return undo


def _quiet() -> None:
    """TensorFlow's own chatter is not of the user's making; a TensorFlow that loads later is quieted then."""
    if "tensorflow" in sys.modules:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)


def _tensorflow_parts() -> tuple[Any, Any]:
    context = importlib.import_module("tensorflow.python.eager.context").context()
    return context, importlib.import_module("tensorflow.python.framework.config")


def _tf_keras_parts() -> tuple[Any, Any]:
    precision = importlib.import_module("tf_keras").mixed_precision
    return importlib.import_module("tf_keras.src.backend"), precision


def _keras3_state() -> Any:
    return importlib.import_module("keras.src.backend.common.global_state")
