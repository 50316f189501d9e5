"""Where the source of the QEMU plugin comes from that counts instructions.

It is under QEMU's licence (GPL-2.0-or-later), and so in a distribution of its own, edgekit-qemu-insn. Only the source
whose sha256 stands here is built, wherever it was found: it is code that runs on this machine, in the emulator.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edgekit.errors import RuntimeFailed
from edgekit.observer import logger

__all__ = ["PLUGIN", "SHA256", "plugin_source"]

_log = logger(__name__)

PLUGIN = "edgekit-qemu-insn==1.0.0"
SHA256 = "479bd291f7c6b7505421d16beab31ee5d209a780a3267819c454b9544040ab71"
"""Of its counter.c."""

_PACKAGE, _FILE = "edgekit_qemu_insn", "counter.c"
_CHECKOUT = Path(__file__).parents[3] / "plugins" / "edgekit-qemu-insn" / _PACKAGE / _FILE


def plugin_source(step: Callable[[Sequence[str]], None]) -> bytes:
    """The text of counter.c: of this checkout, of the installed package, or else of the one that pip finds.

    Args:
        step: Runs a command, and raises RuntimeFailed where that fails.

    Raises:
        RuntimeFailed: It cannot be fetched, or is another one than this EdgeKit builds.
    """
    source, where = _present() or _fetched(step)
    found = hashlib.sha256(source).hexdigest()
    if found != SHA256:
        raise RuntimeFailed(
            f"The QEMU plugin is built from {_FILE} of {PLUGIN}, whose sha256 is {SHA256}.",
            received=f"{found} of {where}",
            remedy=f"Install that version: pip install '{PLUGIN}'",
        )
    return source


def _present() -> tuple[bytes, str] | None:
    specification = importlib.util.find_spec(_PACKAGE)
    folders = (specification.submodule_search_locations or []) if specification is not None else []
    for path in (_CHECKOUT, *(Path(folder) / _FILE for folder in folders)):
        if path.is_file():
            return path.read_bytes(), str(path)
    return None


def _fetched(step: Callable[[Sequence[str]], None]) -> tuple[bytes, str]:
    _log.info(f"fetching the source of the QEMU plugin, {PLUGIN} (GPL-2.0-or-later)")
    with tempfile.TemporaryDirectory() as place:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        try:
            step([*pip, "--disable-pip-version-check", "--dest", place, PLUGIN])
        except RuntimeFailed as error:
            raise RuntimeFailed(
                f"The runtime arm64 counts instructions with a QEMU plugin, {PLUGIN}, which pip must find.",
                received=error.received,
                remedy="Install it from EdgeKit's sources: pip install plugins/edgekit-qemu-insn",
            ) from error
        (wheel,) = Path(place).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"{_PACKAGE}/{_FILE}"), wheel.name
