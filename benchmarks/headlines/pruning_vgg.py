"""Han et al. 2015: VGG with a thirteenth of its weights and no loss, here vgg_small on CIFAR-10.

    python benchmarks/headlines/pruning_vgg.py [--short]

The bar: at least 13 times fewer parameters that are not zero in the shipped float32 file, biases and scales counted,
at no more than 0.3 points below the dense baseline's file.
"""

from __future__ import annotations

from _headline import Headline, Session, drop, figures, main, minutes, vgg_small

RECIPE = vgg_small() | {
    "objective": {"distill": {"alpha": 0.7, "temperature": 4.0}},
    "passes": [
        {
            "sparsify": {
                "sparsity": 0.935,
                "scope": "global",
                "importance": "lamp",
                "end": 0.5,
                "finetune": {"epochs": 6, "learning_rate": 0.001},
            }
        }
    ],
    "convert": ["float32"],
}


def find(session: Session) -> Headline:
    manifest = session.compress("vgg_small", RECIPE)
    dense, sparse = manifest.steps[0], manifest.models[0]
    fewer = dense.nonzero_params / sparse.nonzero_params
    loss = drop(sparse)
    return Headline(
        claim="13x fewer parameters of VGG-16 without loss of accuracy (Han et al. 2015, arXiv:1506.02626, table 1)",
        baseline=figures(dense),
        result=figures(sparse),
        ratios={"nonzero_params_baseline_by_result": round(fewer, 2)},
        loss_points=loss,
        met=fewer >= 13 and loss["value"] <= 0.3,
        minutes=minutes(manifest),
    )


if __name__ == "__main__":
    main("pruning_vgg", __doc__.splitlines()[0], find)
