"""Han et al. 2015: LeNet-5 with a thirteenth of its weights and no loss, here on Fashion-MNIST.

    python benchmarks/headlines/pruning_lenet5.py [--short]

The bar: at least 13 times fewer parameters that are not zero in the shipped float32 file, biases counted, at no more
than 0.3 points below the dense baseline's file.
"""

from __future__ import annotations

from _headline import DATA, Headline, Session, main, sparser

RECIPE = {
    "model": "lenet5",
    "data": {"source": str(DATA / "fashion_mnist" / "fashion_mnist.npz"), "calibration": 512},
    "train": {"epochs": 15, "batch_size": 128, "learning_rate": 0.001, "augment": {"flip": True, "crop": 2}},
    "objective": {"distill": {"alpha": 0.5, "temperature": 4.0}},
    "passes": [
        {
            "sparsify": {
                "sparsity": 0.93,
                "scope": "global",
                "importance": "lamp",
                "end": 0.5,
                "finetune": {"epochs": 15, "learning_rate": 0.001},
            }
        }
    ],
    "convert": ["float32"],
}


def find(session: Session) -> Headline:
    claim = "9x to 13x fewer parameters without loss of accuracy (Han et al. 2015, arXiv:1506.02626, table 1)"
    return sparser(claim, session.compress("lenet5", RECIPE))


if __name__ == "__main__":
    main("pruning_lenet5", __doc__.splitlines()[0], find)
