"""Han et al. 2016: forty times less storage, here vgg_small on CIFAR-10 with everything together.

    python benchmarks/headlines/deep_compression.py [--short]

The bar: the int8 file, zipped as an app's download is, is at least 40 times smaller than the float32 file of the dense
baseline, at a loss of at most 0.5 points. Channels go first, then single weights, then the bits, with the baseline as
teacher of every fine-tuning; gzip takes the place of Han's Huffman coding.
"""

from __future__ import annotations

from _headline import Headline, Session, drop, figures, main, minutes, pruned_vgg, vgg_small

SPARSER = {
    "sparsity": 0.83,
    "scope": "global",
    "importance": "lamp",
    "schedule": "constant",
    "finetune": {"epochs": 10, "learning_rate": 0.0005},
}
QAT = {"finetune": {"epochs": 3, "learning_rate": 0.0001}}
RECIPE = vgg_small() | {"passes": [*pruned_vgg(), {"sparsify": SPARSER}, {"qat": QAT}], "convert": ["int8"]}


def find(session: Session) -> Headline:
    manifest = session.compress("vgg_small", RECIPE)
    dense, small = manifest.steps[0], manifest.models[0]
    ratio, loss = dense.model_bytes / small.gzip_bytes, drop(small)
    return Headline(
        claim="35x to 49x less storage without loss (Han et al. 2016, arXiv:1510.00149, abstract)",
        baseline=figures(dense),
        result=figures(small) | {"steps": {s.name: figures(s) for s in manifest.steps[1:]}},
        ratios={
            "float32_bytes_by_int8_gzip": ratio,
            "float32_bytes_by_int8_bytes": dense.model_bytes / small.bytes,
            "float32_gzip_by_int8_gzip": dense.gzip_bytes / small.gzip_bytes,
        },
        loss_points=loss,
        met=ratio >= 40 and loss["value"] <= 0.5,
        minutes=minutes(manifest),
    )


if __name__ == "__main__":
    main("deep_compression", __doc__.splitlines()[0], find)
