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
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "ProtocolError", "receive", "send"]

Array = NDArray[Any]

_MAX_HEADER = 1 << 24  # bytes
_MAX_ARRAY = 1 << 32  # bytes


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


def receive(sock: socket.socket, limit: float | None = None) -> tuple[dict[str, Any], list[Array]]:
    """Wait for one message, at most `limit` seconds in all.

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
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"unreadable header ({error})") from error
    if any(not 0 < size <= _MAX_ARRAY for size in sizes):
        raise ProtocolError(f"arrays of {sizes} bytes")
    return header, [_from_bytes(_exactly(sock, size, deadline)) for size in sizes]


def _exactly(sock: socket.socket, size: int, deadline: float | None) -> bytearray:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(left)
        got = sock.recv_into(view[filled:])
        if not got:
            raise EOFError
        filled += got
    return data


def _to_bytes(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _from_bytes(data: bytearray) -> Array:
    try:
        array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, SyntaxError) as error:
        raise ProtocolError(f"unreadable array ({error})") from error
    return array
