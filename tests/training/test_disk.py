"""A full disk during training reads as everywhere else."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit import _tf
from edgekit.training.disk import disk_errors

TRAIN = """
import resource, signal, sys
from edgekit.cli import main
from edgekit import _tf
_tf.tf_keras()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
main(sys.argv[1:])
"""


def test_a_checkpoint_on_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("model: digits_cnn\ndata: digits\ntrain: {epochs: 2}\n")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, "100000", "compress", "recipe.yaml", "-o", "out", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 1 and "The operating system refused: [Errno 27] File too large" in line, done.stderr
    assert "checkpoint" in line and "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["ResourceExhaustedError", "FailedPreconditionError", "UnknownError", "InternalError"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_the_words_tell_whichever_the_class(kind: str, code: int, tmp_path: Path) -> None:
    error = getattr(_tf.tensorflow().errors, kind)(None, None, f"{tmp_path}/x.tempstate; {os.strerror(code)}")
    with pytest.raises(OSError) as raised, disk_errors(tmp_path):
        raise error
    assert raised.value.errno == code and str(tmp_path) in str(raised.value)


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    error = _tf.tensorflow().errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    with pytest.raises(type(error)), disk_errors(tmp_path):
        raise error
    with pytest.raises(KeyboardInterrupt), disk_errors(tmp_path):
        raise KeyboardInterrupt
