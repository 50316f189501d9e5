"""qat: quantisation-aware training with TF-MOT; Jacob et al. 2018 (arXiv:1712.05877, section 3).

After `sparsify` the zeros are kept: TF-MOT's prune-preserving scheme multiplies every kernel by its mask, and the
result is checked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.models.pooling import with_free_pooling_scale
from edgekit.passes import Context, Pass, Stage, is_quantized, matches, zero_masks
from edgekit.target import Target

__all__ = ["PASS", "Qat"]

LEFT_OUT = ("InputLayer", "Conv2DTranspose")
"""TF-MOT wraps transposed convolutions, but the wrapper cannot be saved for the converter."""
EMA_DECAY = 0.999
"""TF-MOT's own, of the moving averages of activation ranges."""
CALIBRATION_BATCH = 64
FOLDS_BATCH_NORM = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense")


class Qat(Pass):
    """Train with 8-bit rounding in the loop, so that the converted model loses less."""

    stage = Stage.QUANTIZATION
    summary = "Quantisation-aware training (TF-MOT): 8-bit rounding in the loop; keeps the zeros of sparsify."

    skip: tuple[str, ...] = Field(
        (), description="layer names or patterns (conv*) that the converter calibrates instead"
    )

    def check(self, model: Any, target: Target) -> list[str]:
        names = [layer.name for layer in model.layers]
        findings = [
            f"skip names {p!r}, which no layer of the model fits"
            for p in self.skip
            if not any(matches(n, [p]) for n in names)
        ]
        if is_quantized(model):
            findings.append("the model is already quantisation-aware: qat comes once, and last")
        if "int8" not in target.formats:
            findings.append(f"the target {target.name} does not run int8 models")
        return findings

    def apply(self, model: Any, context: Context) -> Any:
        model = with_free_pooling_scale(model)
        masks = zero_masks(model)
        wrapped = self._wrap(model, context, keep_zeros=bool(masks))
        _calibrate_ranges(wrapped, context)
        plan = self.decide(context, lambda: context.trainer.score(wrapped))
        if plan is not None:
            keep = _keep_zeros(wrapped, masks)
            context.trainer.fit(wrapped, plan.as_train(context.train), name=self.name, callbacks=[keep])
        _assert_zeros_kept(masks, wrapped)
        return wrapped

    def _wrap(self, model: Any, context: Context, *, keep_zeros: bool) -> Any:
        tfmot = _tf.tfmot()
        quantization = tfmot.quantization.keras
        scheme: Any = quantization.default_8bit.Default8BitQuantizeScheme()
        if keep_zeros:
            scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
        registry = _honest(scheme.get_quantize_registry())
        scheme.get_quantize_registry = lambda: registry
        left = []

        def annotate(layer: Any) -> Any:
            copy = layer.__class__.from_config(layer.get_config())
            if not self._quantizes(registry, layer):
                left.append(layer.name)
                return copy
            return quantization.quantize_annotate_layer(copy)

        with quantization.quantize_scope():
            annotated = _tf.tf_keras().models.clone_model(model, clone_function=annotate)
            for layer in annotated.layers:
                inner = getattr(layer, "layer", layer)
                inner.set_weights(model.get_layer(inner.name).get_weights())
            left = [n for n in left if model.get_layer(n).weights or matches(n, self.skip)]
            if left:
                context.log(f"qat: left to the converter's calibration: {', '.join(left)}")
            try:
                return quantization.quantize_apply(annotated, scheme)
            except (RuntimeError, ValueError) as error:
                raise ModelError(
                    "TF-MOT must be able to quantise the model.",
                    received=str(error).splitlines()[0],
                    remedy="Name the layer under qat: {skip: [...]}, so that the converter calibrates it.",
                ) from error

    def _quantizes(self, registry: Any, layer: Any) -> bool:
        """Whether TF-MOT can wrap a layer; batch normalisation only where it folds into the layer before it."""
        if type(layer).__name__ in LEFT_OUT or matches(layer.name, self.skip):
            return False
        if type(layer).__name__ != "BatchNormalization":
            return bool(registry.supports(layer))
        before = layer.inbound_nodes[0].inbound_layers
        foldable = getattr(before, "activation", None) is _tf.tf_keras().activations.linear
        alone = not isinstance(before, list) and len(before.outbound_nodes) == 1
        return foldable and alone and type(before).__name__ in FOLDS_BATCH_NORM and self._quantizes(registry, before)


def _honest(registry: Any) -> Any:
    """TF-MOT's prune-preserving registry says that it supports layers (Rescaling, for one) that it then refuses."""
    claims = registry.supports

    def supports(layer: Any) -> bool:
        if not claims(layer):
            return False
        registry.supports = claims  # which the next call asks in turn
        try:
            return registry.get_quantize_config(layer) is not None
        except ValueError:
            return False
        finally:
            registry.supports = supports

    registry.supports = supports
    return registry


def _calibrate_ranges(model: Any, context: Context) -> None:
    """Set the ranges of activations to what calibration data show, weights untouched.

    Fresh wrappers start at -6..6 and move by a thousandth per batch, so a model that is trained little would clip. One
    step of a moving average tells what the batch showed: seen = old + (new - old) / (1 - decay). Ranges are the mean
    over batches, as training would settle on; three rounds, since a clipped layer hides the range of the next one.
    The input's range, outside the wrappers, is the extremes seen and needs no help. Batch statistics move in training
    mode too and are put back.
    """
    tf = _tf.tensorflow()
    x = context.trainer.dataset.features("calibration")
    wrappers = [layer for layer in model.layers if type(layer).__name__.startswith("QuantizeWrapper")]
    ranges = [w for layer in wrappers for w in layer.weights if _is_range(w.name) and "kernel" not in w.name]
    kept = [(w, w.numpy()) for w in model.weights if not _is_range(w.name)]
    for _ in range(3):
        seen = []
        before = [w.numpy() for w in ranges]
        for start in range(0, len(x), CALIBRATION_BATCH):
            for weight, value in zip(ranges, before, strict=True):
                weight.assign(value)
            model(tf.constant(x[start : start + CALIBRATION_BATCH]), training=True)
            seen.append([o + (w.numpy() - o) / (1 - EMA_DECAY) for w, o in zip(ranges, before, strict=True)])
        for i, weight in enumerate(ranges):
            weight.assign(np.mean([values[i] for values in seen], axis=0))
    for weight, value in kept:
        weight.assign(value)


def _is_range(name: str) -> bool:
    last = name.rpartition("/")[2]
    return "_min" in last or "_max" in last


def _keep_zeros(model: Any, masks: dict[str, Any]) -> Any:
    """A callback that puts back the zeros of kernels without a quantiser after every step; TF-MOT keeps the others."""
    plain = [layer for layer in model.layers if not any("kernel_min" in w.name for w in layer.weights)]
    kept = []
    for weight in (w for layer in plain for w in layer.weights):
        mask = masks.get("/".join(weight.name.partition(":")[0].split("/")[-2:]))
        if mask is not None:
            kept.append((weight, (~mask).astype(weight.dtype.as_numpy_dtype)))

    class KeepZeros(_tf.tf_keras().callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            for weight, mask in kept:
                weight.assign(weight * mask)

    return KeepZeros()


def _assert_zeros_kept(before: dict[str, Any], model: Any) -> None:
    after = zero_masks(model, least=0.0)
    for name, mask in before.items():
        lost = int(np.sum(mask & ~after[name])) if name in after else mask.size
        if lost:
            raise ModelError(
                f"qat must keep the zeros of {name.partition('/')[0]!r}.",
                received=f"{lost} of {int(mask.sum())} zeros lost",
                remedy="Give that layer's pattern under qat: {skip: [...]}, or sparsify other layers.",
            )


PASS = Qat
