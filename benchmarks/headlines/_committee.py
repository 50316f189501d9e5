"""A teacher on CIFAR-10 that knows more than either of its members, which are vgg_small and MLPerf Tiny's ResNet8.

Hinton et al. 2015 (arXiv:1503.02531, section 3) teach with the averaged answers of several models.
"""

from __future__ import annotations

from pathlib import Path

from _headline import DATA, Session, vgg_small

from edgekit import _tf
from edgekit.keras import load_model

__all__ = ["RESNET8", "committee"]

RESNET8 = DATA / "models" / "ic" / "pretrainedResnet.h5"


def committee(session: Session, *, white: int) -> Path:
    """The Keras file of a model whose logits are the mean of its members' logits.

    Args:
        session: Trains vgg_small, if no earlier run has.
        white: Value of a white pixel in the input of the student, and so of the teacher.
    """
    run = session.compress("vgg_small", vgg_small() | {"convert": ["float32"]})
    trained = session.keras_file("vgg_small", run.steps[0].sha256)
    keras = _tf.tf_keras()
    image = keras.Input((32, 32, 3), name="image")
    members = [(trained, 1), (RESNET8, 255)]
    logits = [_logits(path)(keras.layers.Rescaling(own / white, name=f"to_{own}")(image)) for path, own in members]
    mean = keras.layers.Average(name="mean")(logits)
    model = keras.Model(image, keras.layers.Softmax(name="scores")(mean), name="committee")
    path = session.folder / f"committee_{white}.h5"
    model.save(path)
    return path


def _logits(path: Path) -> object:
    model = load_model(path)
    model.layers[-1].activation = _tf.tf_keras().activations.linear
    return model
