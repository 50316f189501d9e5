"""Code of the user's own that a recipe or a flag names by `module:function`: imported, called, and its content told."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from pathlib import Path
from types import ModuleType

from edgekit import _tf
from edgekit.errors import EdgekitError, UsageError, did_you_mean
from edgekit.places import by_place

__all__ = ["call", "code_of", "member", "source_sha256"]

_loaded: dict[str, tuple[object, str]] = {}
"""By name of a module, the load that it stands for and sha256 of the text of which it was loaded."""


def call(reference: str, arguments: Mapping[str, object] | None = None) -> object:
    """Call `module:function` with keyword arguments, or without any; modules in the working directory are found too.

    Raises:
        UsageError: No such module or function.
    """
    try:
        return member(reference)(**(arguments or {}))
    except EdgekitError:
        raise
    except Exception as error:
        raise EdgekitError(
            "The function that module:function names must run.",
            received=f"{type(error).__name__} from {reference}: {error}",
            remedy=f"Correct it; {by_place(command='--debug shows the traceback', python='the traceback is above')}.",
        ) from error


def source_sha256(reference: str) -> str:
    """sha256 of the function that `module:function` names and of its module's source, as it was loaded: for caches.

    Other functions of the module are other content, though the text is the same.

    Raises:
        UsageError: No such module or function.
        EdgekitError: The file has changed since the module was loaded.
    """
    text = _text_sha256(sys.modules[member(reference).__module__])
    return hashlib.sha256(f"{reference.partition(':')[2]}\n{text}".encode()).hexdigest()


def code_of(made: object) -> str:
    """sha256 of the module's source where a class or function stands, as it was loaded, and its name: for caches.

    Raises:
        EdgekitError: The file has changed since the module was loaded.
    """
    name = getattr(made, "__qualname__", repr(made))
    with suppress(OSError, TypeError):  # made in a notebook or by another library
        module = inspect.getmodule(made)
        text = _text_sha256(module) if module else inspect.getsource(made)  # type: ignore[arg-type]
        return hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()
    return hashlib.sha256(f"{getattr(made, '__module__', '')}.{name}".encode()).hexdigest()


def member(reference: str) -> Callable[..., object]:
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
            remedy=f"Correct it; {by_place(command='--debug shows the traceback', python='the traceback is above')}.",
        ) from error
    found: Callable[..., object] | None = getattr(module, function, None)
    if not callable(found):
        raise UsageError(
            f"module:function names a function of the module {module_name}.",
            received=repr(reference),
            remedy=did_you_mean(function, [n for n in vars(module) if not n.startswith("_")]),
        )
    for name in {module_name, found.__module__}:
        if name in sys.modules and name not in _loaded:
            with suppress(OSError, TypeError, EdgekitError):  # it has no text, or whoever asks for its hash is told
                _text_sha256(sys.modules[name])
    return found


def _text_sha256(module: ModuleType) -> str:
    """sha256 of the text of which a module was loaded, remembered when it is first seen.

    A module in memory does not change when its file does, so that a hash of the file would name what did not run.

    Raises:
        EdgekitError: The file has another text now.
        OSError, TypeError: The module has no text.
    """
    load = module.__spec__ or module  # importlib.reload makes another one
    now = hashlib.sha256(inspect.getsource(module).encode()).hexdigest()
    known = _loaded.get(module.__name__)
    if known is not None and known[0] is load:
        changed = known[1] != now
    else:
        changed = _was_compiled_from_another_text(module)
        if not changed:
            _loaded[module.__name__] = (load, now)
    if changed:
        raise EdgekitError(
            "A module of yours is in memory as its file has it, so that a finished step names what made it.",
            received=f"{module.__file__}, which has changed since {module.__name__} was imported",
            remedy=f"Restart Python, or call importlib.reload({module.__name__}) and use what it then holds.",
        )
    return now


def _was_compiled_from_another_text(module: ModuleType) -> bool:
    """Whether the code that Python kept of an import is not that of the file as it is now; False where unknown."""
    loader, kept = module.__loader__, getattr(module, "__cached__", None)
    if type(loader) is not SourceFileLoader or kept is None or sys.dont_write_bytecode:
        return False
    try:
        if not os.access(Path(kept).parent, os.W_OK):
            return False  # what lies there may be older than the import
        code = SourcelessFileLoader(module.__name__, kept).get_code(module.__name__)
        return bool(code != loader.source_to_code(loader.get_data(loader.path), loader.path))
    except (OSError, ValueError, EOFError, TypeError, ImportError, SyntaxError):
        return False
