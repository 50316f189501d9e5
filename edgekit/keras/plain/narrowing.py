"""The same network with fewer channels everywhere, as pruning of equal shares leaves it."""

from __future__ import annotations

from typing import Any

from edgekit.keras.plain.description import Description, Layer
from edgekit.keras.plain.drawing import Drawing

__all__ = ["narrowed"]


def narrowed(description: Description, share: float) -> Description:
    """A network whose convolutions and inner dense layers keep this share of their channels, at least one.

    What the network tells keeps its width: the last layer with weights, and what follows from it.

    Args:
        description: Of the network.
        share: Above 0, at most 1.
    """
    drawing = Drawing(description.name, description.input_shape, description.classes, description.layers[0].name)
    last = [layer.name for layer in description.layers if layer.parameters and layer.kind != "BatchNormalization"][-1:]
    for layer in description.layers[1:]:
        _redraw(drawing, layer, 1.0 if layer.name in last else share)
    return description if share == 1 else drawing.description(sequential=description.sequential)


def _redraw(d: Drawing, layer: Layer, share: float) -> None:
    options: dict[str, Any] = dict(layer.options)
    first = layer.inputs[0]
    common: dict[str, Any] = {"bias": options.get("use_bias", True)}
    if "strides" in options:
        common |= {"stride": options["strides"], "padding": options["padding"]}
        common["dilation"] = options.get("dilation_rate", 1)
    more: dict[str, Any] = {"activation": options.get("activation"), "initializer": options.get("kernel_initializer")}
    match layer.kind:
        case "Conv2D":
            filters = max(1, round(options["filters"] * share))
            d.conv(first, filters, options["kernel_size"], layer.name, **common, **more, l2=options.get("l2"))
        case "DepthwiseConv2D":
            d.depthwise(first, options["kernel_size"], layer.name, **common)
        case "Dense":
            d.dense(first, max(1, round(options["units"] * share)), layer.name, **common, **more)
        case "BatchNormalization":
            d.norm(first, layer.name, momentum=options.get("momentum"))
        case "ReLU":
            d.relu(first, layer.name, most=options.get("max_value"))
        case "Add":
            d.add(first, layer.inputs[1], layer.name)
        case "Dropout":
            d.dropout(first, options["rate"], layer.name)
        case "MaxPooling2D":
            d.max_pool(first, layer.name, size=options["pool_size"])
        case "AveragePooling2D":
            d.average_pool(first, layer.name, size=options["pool_size"])
        case "GlobalAveragePooling2D":
            d.global_pool(first, layer.name)
        case "ZeroPadding2D":
            d.zero_pad(first, options["rows"], options["columns"], layer.name)
        case "Flatten":
            d.flatten(first, layer.name)
        case "Reshape":
            d.reshape(first, options["target_shape"], layer.name)
        case _:
            raise ValueError(f"a description has no layer of the kind {layer.kind}")
