"""Han et al. 2015: VGG with a thirteenth of its weights and no loss, here vgg_small on CIFAR-10.

    python benchmarks/headlines/pruning_vgg.py [--short]

The bar: at least 13 times fewer parameters that are not zero in the shipped float32 file, biases and scales counted,
at no more than 0.3 points below the dense baseline's file. Whole channels go first, then single weights, with the
dense baseline as teacher.
"""

from __future__ import annotations

from _headline import Headline, Session, main, pruned_vgg, sparser, vgg_small

RECIPE = vgg_small() | {"passes": pruned_vgg(), "convert": ["float32"]}


def find(session: Session) -> Headline:
    claim = "13x fewer parameters of VGG-16 without loss of accuracy (Han et al. 2015, arXiv:1506.02626, table 1)"
    return sparser(claim, session.compress("vgg_small", RECIPE))


if __name__ == "__main__":
    main("pruning_vgg", __doc__.splitlines()[0], find)
