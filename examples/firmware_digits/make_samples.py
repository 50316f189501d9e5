"""Write `samples.h`: digits that the demo's training did not see.

python examples/firmware_digits/make_samples.py build/samples.h 5
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from edgekit.data import load_data

__all__ = ["text"]


def text(count: int) -> str:
    """The header: pixels of 0 to 16, and what they are."""
    split = load_data("digits").raw("test")
    pixels = np.asarray(split.x)[:count].reshape(count, -1).astype(np.uint8)
    rows = (f"    {{{', '.join(map(str, row.tolist()))}}}," for row in pixels)
    answers = ", ".join(str(int(answer)) for answer in split.y[:count])
    return "\n".join(
        [
            "/* Of scikit-learn's hand-written digits, those that the training did not see. */",
            "#include <stdint.h>",
            f"#define SAMPLES {count}",
            f"static const uint8_t samples[SAMPLES][{pixels.shape[1]}] = {{",
            *rows,
            "};",
            f"static const uint8_t answers[SAMPLES] = {{{answers}}};",
            "",
        ]
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(int(sys.argv[2])), encoding="utf-8")
