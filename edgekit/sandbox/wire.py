"""Messages between a process and its child: a JSON header and arrays in .npy form, over a socket pair.

Neither side trusts the other: a model may have taken over the child, so nothing is ever pickled.
"""

from __future__ import annotations

import io
import json
import socket
import struct
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # a child shuts itself off before it imports NumPy, which may start threads
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

__all__ = ["ProtocolError", "receive", "send"]

_MAX_HEADER = 1 << 24  # bytes
_MAX_ARRAY = 1 << 32  # bytes
_CHUNK = 1 << 26  # bytes


class ProtocolError(Exception):
    """The other side sent what is not a message."""


def send(sock: socket.socket, header: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
    """Send one message; the socket's own time limit holds.

    Raises:
        OSError: The other side is gone, or takes nothing within the time limit (TimeoutError).
    """
    blobs = [_to_bytes(array) for array in arrays]
    head = json.dumps({**header, "arrays": [len(blob) for blob in blobs]}).encode()
    sock.sendall(b"".join([struct.pack("!I", len(head)), head, *blobs]))


def receive(
    sock: socket.socket, limit: float | None = None, *, most: int | None = None
) -> tuple[dict[str, Any], list[Array]]:
    """Wait for one message, at most `limit` seconds in all, with arrays of at most `most` bytes in all.

    Raises:
        EOFError: The other side closed its end.
        TimeoutError: The message did not come in time.
        ProtocolError: What came is not a message.
    """
    deadline = None if limit is None else time.monotonic() + limit
    (length,) = struct.unpack("!I", _exactly(sock, 4, deadline))
    if length > _MAX_HEADER:
        raise ProtocolError(f"header of {length} bytes")
    try:
        header = json.loads(bytes(_exactly(sock, length, deadline)))
        sizes = [int(size) for size in header.pop("arrays")]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"unreadable header ({error})") from error
    if any(not 0 < size <= _MAX_ARRAY for size in sizes) or (most is not None and sum(sizes) > most):
        raise ProtocolError(f"arrays of {sum(sizes)} bytes")
    return header, [_from_bytes(_exactly(sock, size, deadline)) for size in sizes]


def _exactly(sock: socket.socket, size: int, deadline: float | None) -> bytearray:
    data, filled = bytearray(), 0
    while filled < size:
        if filled == len(data):  # in parts, for a size may be announced that never comes
            data += bytes(min(size - filled, _CHUNK))
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(left)
        with memoryview(data) as view:
            got = sock.recv_into(view[filled:])
        if not got:
            raise EOFError
        filled += got
    return data


def _to_bytes(array: Array) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _from_bytes(data: bytearray) -> Array:
    import numpy as np

    stream = io.BytesIO(data)
    try:
        np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)  # type: ignore[no-untyped-call]
        if dtype.hasobject or dtype.itemsize == 0 or dtype.fields is not None:
            raise ValueError(f"values of the kind {str(dtype)[:100]}")
        flat: Array = np.frombuffer(memoryview(data)[stream.tell() :], dtype)
        return flat.reshape(shape, order="F" if fortran else "C")
    except (ValueError, EOFError, SyntaxError, TypeError, MemoryError, RecursionError, OverflowError) as error:
        raise ProtocolError(f"unreadable array ({error})") from error
