"""Code of the user's own that a recipe or a flag names by `module:function`: imported, called, and its content told."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from edgekit import _tf
from edgekit.errors import EdgekitError, UsageError, did_you_mean

__all__ = ["call", "code_of", "member", "source_sha256"]


def call(reference: str) -> object:
    """Call `module:function` without arguments; modules in the working directory are found too.

    Raises:
        UsageError: No such module or function.
    """
    try:
        return member(reference)()
    except EdgekitError:
        raise
    except Exception as error:
        raise EdgekitError(
            "The function that module:function names must run.",
            received=f"{type(error).__name__} from {reference}: {error}",
            remedy="Correct it; --debug shows the traceback.",
        ) from error


def source_sha256(reference: str) -> str:
    """sha256 of the module's source that `module:function` names: its content, for caches."""
    module = sys.modules[member(reference).__module__]
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()


def code_of(made: object) -> str:
    """sha256 of the module's source where a class or function stands, and its name: for caches."""
    name = getattr(made, "__qualname__", repr(made))
    with suppress(OSError, TypeError):  # made in a notebook or by another library
        module = inspect.getmodule(made)
        text = inspect.getsource(module or made)  # type: ignore[arg-type]
        return hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()
    return hashlib.sha256(f"{getattr(made, '__module__', '')}.{name}".encode()).hexdigest()


def member(reference: str) -> Callable[[], object]:
    """The function or class that `module:name` names; modules in the working directory are found too.

    Raises:
        UsageError: No such module, or nothing in it that can be called.
    """
    module_name, _, function = reference.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    _tf.prepare()  # the module may import Keras, with its start-up noise
    try:
        with _tf.captured_output():
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.split(".")[0] and error.name != module_name:
            raise EdgekitError(
                "The module that module:function names must import.", received=f"{module_name}: {error}"
            ) from error
        raise UsageError(
            "module:function names an importable module.",
            received=repr(reference),
            remedy=f"Run from the folder that holds {module_name.split('.')[0]}.py, or install the package.",
        ) from None
    except Exception as error:
        raise EdgekitError(
            "The module that module:function names must import.",
            received=f"{type(error).__name__} from {module_name}: {error}",
            remedy="Correct it; --debug shows the traceback.",
        ) from error
    found: Callable[[], object] | None = getattr(module, function, None)
    if not callable(found):
        raise UsageError(
            f"module:function names a function of the module {module_name}.",
            received=repr(reference),
            remedy=did_you_mean(function, [n for n in vars(module) if not n.startswith("_")]),
        )
    return found
