"""Checkpoints of killed runs: read whatever their folder is called, and one that cannot be read is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit import _tf
from edgekit.observer import EpochEnded
from edgekit.scratch import remove_tree
from edgekit.training import Trainer, trainer
from edgekit.training.history import keep_epoch


def checkpoint(folder: Path, epochs: int) -> Path:
    """As tf_keras writes it, of a training that has finished so many epochs."""
    tf = _tf.tensorflow()
    saved = tf.train.Checkpoint(ckpt_saved_epoch=tf.Variable(epochs - 1, dtype=tf.int64))
    tf.train.CheckpointManager(saved, str(folder / "t.checkpoint" / "chief"), 1).save()
    for epoch in range(epochs):
        keep_epoch(folder, EpochEnded("step", "t", epoch, 9, {"loss": 1.0}))
    return folder / "t.checkpoint"


@pytest.mark.parametrize("name", ["plain", "runs[1]", "a*b", "what?", "{x}", "with space"])
def test_any_name_of_a_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    assert trainer._finished_epochs(checkpoint(tmp_path / name, 3)) == 3


def _without(pattern: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        files = list(folder.glob(f"chief/{pattern}"))
        assert files
        for file in files:
            file.unlink()

    return spoil


def _garbled(folder: Path) -> None:
    for file in folder.glob("chief/*.index"):
        file.write_bytes(b"nothing")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder / "chief")


@pytest.mark.parametrize(
    "spoil", [_without("*.index"), _without("*.data*"), _without("checkpoint"), _without("*"), _garbled, _empty]
)
def test_half_a_checkpoint_is_none_and_goes(
    spoil: Callable[[Path], None], make_trainer: Callable[..., Trainer]
) -> None:
    """As a kill left it that came while it was removed."""
    made = make_trainer()
    folder = checkpoint(made.workdir, 2)
    assert made._first_epoch(folder, "t") == 2
    spoil(folder)
    assert made._first_epoch(folder, "t") == 0 and not folder.exists()
    assert [file.name for file in made.workdir.iterdir()] == ["training.json"]


def test_a_kill_while_it_is_removed_leaves_none(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_trainer()
    folder = checkpoint(made.workdir, 2)

    def killed(path: Path) -> None:
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "remove_tree", killed)
        with pytest.raises(KeyboardInterrupt):
            trainer._remove(folder)
    assert not folder.exists() and remove_tree is trainer.remove_tree
    trainer._remove(checkpoint(made.workdir, 1))
    assert [file.name for file in made.workdir.iterdir()] == ["training.json"]
