"""Where an archive's list of members lies: the same record as zipfile follows, whatever the comment's length is."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from edgekit.zips import read_end

END = "<4s4H2LH"


def archive(comment: int, *, zip64: bool) -> bytes:
    """An archive of one member; with `zip64`, the larger record says so and the plain one claims none."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("a", b"content")
    whole = stream.getvalue()
    body, (_, _, _, _, count, size, place, _) = whole[:-22], struct.unpack(END, whole[-22:])
    if not zip64:
        return body + struct.pack(END, b"PK\5\6", 0, 0, count, count, size, place, comment) + b"c" * comment
    larger = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, place)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body), 1)
    return body + larger + locator + struct.pack(END, b"PK\5\6", 0, 0, 0, 0, 0, 0, comment) + b"c" * comment


@pytest.mark.parametrize("comment", [0, 1, 65_514, 65_515, 65_533, 65_534, 65_535])
@pytest.mark.parametrize("zip64", [False, True])
def test_the_record_that_zipfile_follows(comment: int, zip64: bool) -> None:
    content = archive(comment, zip64=zip64)
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        entries = len(made.infolist())
    end = read_end(io.BytesIO(content))
    assert (end.entries, end.zip64, end.comment) == (entries, zip64, comment) and entries == 1
    assert end.directory_bytes > 0
