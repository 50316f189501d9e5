"""Write docs/headlines.md from the JSON results: every figure there is one that a script measured.

python benchmarks/headlines/table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "headlines.md"
NAMES = (
    "pruning_lenet5", "pruning_vgg", "quantization", "low_rank", "distillation_text", "deep_compression",
    "mlperf_tiny_ic",
)  # fmt: skip

HEAD = """\
# What the literature claims, measured on shipped files

Each row is a script in `benchmarks/headlines/` and the JSON that it wrote beside itself. Top-1 is of `.tflite` files
on the whole test split; losses are against the baseline's file on the same samples, in points, with 95 % intervals.
CIFAR-10 has 5,000 test images here. Baselines are trained for few epochs on two CPU cores (see each script): they are
not the best that the networks can do, and fine-tuning is more training: a result may end above its baseline. Times are
of this host. Minutes are wall time of two cores that had other work, too.

| script | claim | here | loss in points | bar reached | minutes |
|---|---|---|---|---|---|
"""

TAIL = """
`vgg_small` under `quantization` is an earlier baseline of 20 epochs. `mobilenet_v1` there is trained for five epochs
and far from what it can do: the row says what rounding costs, not what the network is worth. Under `low_rank` and
`mlperf_tiny_ic` the compressed nets learn from `vgg_small` and ResNet8 together, which the baselines did not.
"""


def main() -> None:
    rows = []
    for name in NAMES:
        path = HERE / f"{name}.json"
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            cells = (
                f"`{name}`",
                found["claim"],
                _said(found["ratios"]),
                _said(found["loss_points"]),
                "yes" if found["met"] else "no",
                f"{found['machine_minutes']:.0f}",
            )
            rows.append(f"| {' | '.join(cells)} |")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(HEAD + "\n".join(rows) + "\n" + TAIL, encoding="utf-8")


def _said(value: Any) -> str:
    """Nested figures as text; those with an interval as `value [low, high]`."""
    if not isinstance(value, dict):
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    middle = next((k for k in ("value", "ratio") if k in value), None)
    if middle and "low" in value:
        rest = {k: v for k, v in value.items() if k not in (middle, "low", "high")}
        interval = "" if value["low"] is None else f" [{_said(value['low'])}, {_said(value['high'])}]"
        return f"{_said(value[middle])}{interval}" + (f"; {_said(rest)}" if rest else "")
    return "; ".join(f"{k.replace('_', ' ')}: {_said(v)}" for k, v in value.items())


if __name__ == "__main__":
    main()
