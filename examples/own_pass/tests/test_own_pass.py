"""What EdgeKit holds its own passes and targets to, these keep as well: run it with pytest, or as a script."""

from __future__ import annotations

from pathlib import Path

from own_pass.clip_weights import ClipWeights

from edgekit.testing import check_pass, check_target


def test_the_pass_conforms() -> None:
    check_pass(ClipWeights(deviations=2, finetune="none"))


def test_the_target_conforms() -> None:
    check_target(Path(__file__).parents[1] / "own_pass" / "my-board.yaml")


if __name__ == "__main__":
    test_the_pass_conforms()
    test_the_target_conforms()
