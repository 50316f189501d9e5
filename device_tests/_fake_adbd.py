"""A small adbd: a device without a phone, for the real program adb to talk to over TCP.

It speaks the protocol of system/core/adb (protocol.txt, SERVICES.TXT, SYNC.TXT): CNXN, OPEN, OKAY, WRTE, CLSE, the
services `shell` (plain, and v2 with its exit codes), `exec` and `sync` (STAT, LIST, SEND, RECV). Commands run in this
machine's real /bin/sh, so that quoting is put to the test; what names a folder of a device is led to a temporary one.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_VERSION, _MOST = 0x01000001, 1 << 18
_FEATURES = "shell_v2"
_CHUNK = 1 << 16
_STDOUT, _STDERR, _EXIT = 1, 2, 3


class FakeDevice:
    """A device on a port of 127.0.0.1; `root` holds what it calls /data/local/tmp and /sys/devices/system/cpu.

    Args:
        root: An empty folder whose path needs no quoting in a shell.
        properties: For getprop.
        thermal: What `dumpsys thermalservice` prints; None for a device without that service.
        frequencies: Each core's highest frequency, in kHz.
        authorized: False for one that never accepts the computer's key.
    """

    def __init__(
        self,
        root: Path,
        *,
        properties: dict[str, str],
        thermal: str | None = None,
        frequencies: tuple[int, ...] = (1800000,) * 2,
        authorized: bool = True,
    ) -> None:
        self.tmp, self.cpu, self._bin = root / "tmp", root / "cpu", root / "bin"
        self._properties, self._authorized = properties, authorized
        self.commands: list[str] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._connections: list[socket.socket] = []
        self._furnish(thermal, frequencies)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.serial = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def vanish(self) -> None:
        """As if the cable were pulled: connections end, and what ran on the device is ended to leave nothing."""
        for end in (self._listener, *self._connections):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def host_path(self, remote: str) -> str:
        """Where a path of the device, or a script with such paths, lies on this machine."""
        return remote.replace("/data/local/tmp", str(self.tmp)).replace("/sys/devices/system/cpu", str(self.cpu))

    def popen(self, script: str) -> subprocess.Popen[bytes]:
        """Run a script as the device's shell would."""
        self.commands.append(script)
        process = subprocess.Popen(
            ["/bin/sh", "-c", self.host_path(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.tmp,
            env={**os.environ, "PATH": f"{self._bin}:/usr/bin:/bin"},
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def _furnish(self, thermal: str | None, frequencies: tuple[int, ...]) -> None:
        for folder in (self.tmp, self.cpu, self._bin):
            folder.mkdir(parents=True)
        for core, hz in enumerate(frequencies):
            (self.cpu / f"cpu{core}/cpufreq").mkdir(parents=True)
            (self.cpu / f"cpu{core}/cpufreq/cpuinfo_max_freq").write_text(f"{hz}\n")
        (self._bin / "thermal").write_text(thermal or "")
        cases = "".join(f"{name}) echo '{value}';;\n" for name, value in self._properties.items())
        missing = 'echo "Can\'t find service: $1" >&2'
        most = (1 << len(frequencies)) - 1
        programs = {
            "getprop": f'case "$1" in\n{cases}*) echo;;\nesac',
            "dumpsys": f'cat "{self._bin}/thermal"' if thermal is not None else missing,
            "taskset": f'if [ $((0x$1 & ~{most})) != 0 ]; then echo "taskset: bad mask: $1" >&2; exit 1; fi\n'
            f'echo "$1" >> "{self._bin}/masks"; shift; exec "$@"',
        }
        for name, text in programs.items():
            (self._bin / name).write_text(f"#!/bin/sh\n{text}\n")
            (self._bin / name).chmod(0o755)

    @property
    def masks(self) -> list[str]:
        """What taskset was given, call by call."""
        return (self._bin / "masks").read_text().split() if (self._bin / "masks").exists() else []

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=_Transport(self, connection).serve, daemon=True).start()

    @property
    def authorized(self) -> bool:
        return self._authorized

    @property
    def banner(self) -> bytes:
        told = {key: self._properties.get(key, "") for key in ("ro.product.name", "ro.product.model")}
        return f"device::{''.join(f'{k}={v};' for k, v in told.items())}features={_FEATURES}".encode()


@contextmanager
def fake_device(root: Path, **options: object) -> Iterator[FakeDevice]:
    """A device that vanishes at the end."""
    device = FakeDevice(root, **options)
    try:
        yield device
    finally:
        device.vanish()


class _Transport:
    """One computer's connection: packets in, services by stream."""

    def __init__(self, device: FakeDevice, connection: socket.socket) -> None:
        self._device, self._socket, self._lock = device, connection, threading.Lock()
        self._streams: dict[int, _Stream] = {}  # by our number
        self._next = 1

    def serve(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                command, first, second, data = self._packet()
                if command == b"CNXN" and self._device.authorized:
                    self.send(b"CNXN", _VERSION, _MOST, self._device.banner)
                elif command == b"CNXN" or (command == b"AUTH" and first == 2):
                    self.send(b"AUTH", 1, 0, bytes(20))  # no signature is good, and the user never says yes to the key
                elif command == b"OPEN":
                    self._open(first, data.rstrip(b"\0").decode())
                elif second in self._streams and command in (b"OKAY", b"WRTE", b"CLSE"):
                    self._streams[second].take(command, data)
        for stream in self._streams.values():
            stream.take(b"CLSE", b"")

    def send(self, command: bytes, first: int, second: int, data: bytes = b"") -> None:
        (number,) = struct.unpack("<I", command)
        header = struct.pack("<4s5I", command, first, second, len(data), sum(data) & 0xFFFFFFFF, number ^ 0xFFFFFFFF)
        with self._lock:
            self._socket.sendall(header + data)

    def _packet(self) -> tuple[bytes, int, int, bytes]:
        command, first, second, size, _, _ = struct.unpack("<4s5I", self._exactly(24))
        return command, first, second, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            got = self._socket.recv(size - len(data))
            if not got:
                raise EOFError
            data += got
        return data

    def _open(self, theirs: int, service: str) -> None:
        name, _, rest = service.partition(":")
        kind = name.partition(",")[0]
        if kind not in ("shell", "exec", "sync"):
            self.send(b"CLSE", 0, theirs)
            return
        stream = self._streams[self._next] = _Stream(self, self._next, theirs)
        self._next += 1
        self.send(b"OKAY", stream.ours, theirs)
        if kind == "sync":
            work, arguments = _sync, (self._device, stream)
        else:
            work, arguments = _shell, (self._device, stream, rest, "v2" in name.split(","))
        threading.Thread(target=_guarded, args=(work, stream, *arguments), daemon=True).start()


class _Stream:
    """One service's two directions; a write waits for the computer's OKAY."""

    def __init__(self, transport: _Transport, ours: int, theirs: int) -> None:
        self.ours, self._theirs, self._transport = ours, theirs, transport
        self._incoming: queue.Queue[bytes | None] = queue.Queue()
        self._ready = threading.Semaphore(1)
        self._rest, self.closed = b"", False

    def take(self, command: bytes, data: bytes) -> None:
        if command == b"OKAY":
            self._ready.release()
        elif command == b"WRTE":
            self._incoming.put(data)
            self._transport.send(b"OKAY", self.ours, self._theirs)
        else:
            self.closed = True
            self._incoming.put(None)
            self._ready.release()

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            data = self._incoming.get()
            if data is None:
                raise EOFError
            self._rest += data
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), _CHUNK):
            self._ready.acquire()
            if self.closed:
                raise EOFError
            self._transport.send(b"WRTE", self.ours, self._theirs, data[start : start + _CHUNK])

    def close(self) -> None:
        with suppress(OSError):
            self._transport.send(b"CLSE", self.ours, self._theirs)


def _guarded(work, stream, *arguments) -> None:
    try:
        with suppress(EOFError, OSError):
            work(*arguments)
    finally:
        stream.close()


def _shell(device: FakeDevice, stream: _Stream, script: str, v2: bool) -> None:
    process = device.popen(script)
    writing = threading.Lock()

    def forward(pipe, number: int) -> None:
        with pipe, suppress(EOFError, OSError):
            while data := pipe.read1(_CHUNK):
                with writing:
                    stream.write(struct.pack("<BI", number, len(data)) + data if v2 else data)

    pipes = [(process.stdout, _STDOUT), (process.stderr, _STDERR)]
    threads = [threading.Thread(target=forward, args=pair, daemon=True) for pair in pipes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    code = process.wait()
    if v2:
        stream.write(struct.pack("<BIB", _EXIT, 1, 128 - code if code < 0 else code))


def _sync(device: FakeDevice, stream: _Stream) -> None:
    while True:
        request, size = struct.unpack("<4sI", stream.read(8))
        if request == b"QUIT":
            return
        name = stream.read(size).decode()
        path = Path(device.host_path(name))
        if request == b"STAT":
            stream.write(b"STAT" + _status(path))
        elif request == b"LIST":
            for entry in sorted(path.iterdir()) if path.is_dir() else []:
                title = entry.name.encode()
                stream.write(b"DENT" + _status(entry) + struct.pack("<I", len(title)) + title)
            stream.write(b"DONE" + bytes(16))
        elif request == b"RECV":
            _give(path, stream)
        elif request == b"SEND":
            _take(device, name, stream)
        else:
            _refuse(stream, f"unknown request {request!r}")


def _status(path: Path) -> bytes:
    try:
        found = path.lstat()
    except OSError:
        return bytes(12)
    return struct.pack("<3I", found.st_mode, found.st_size, int(found.st_mtime))


def _give(path: Path, stream: _Stream) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        return _refuse(stream, str(error.strerror))
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        stream.write(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
    stream.write(b"DONE" + bytes(4))


def _take(device: FakeDevice, name: str, stream: _Stream) -> None:
    remote, _, mode = name.rpartition(",")
    data = b""
    while True:
        kind, size = struct.unpack("<4sI", stream.read(8))
        if kind == b"DONE":
            break
        data += stream.read(size)
    path = Path(device.host_path(remote))
    try:
        path.write_bytes(data)
    except OSError as error:
        return _refuse(stream, str(error.strerror))
    path.chmod(stat.S_IMODE(int(mode)))
    stream.write(b"OKAY" + bytes(4))


def _refuse(stream: _Stream, why: str) -> None:
    stream.write(b"FAIL" + struct.pack("<I", len(why)) + why.encode())
