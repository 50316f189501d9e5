"""Keras models: loading from any file, the bridge from Keras 3, graphs, lowering, saving, and reference networks."""

from __future__ import annotations

from edgekit.keras.families import (
    Network,
    build_network,
    describe_network,
    described_networks,
    has_parameters,
    is_network,
    network_names,
    network_options,
    parse_model,
    takes_parameter,
)
from edgekit.keras.loading import FOREIGN, OWN, Loading, load_model
from edgekit.keras.plain import Description
from edgekit.keras.saving import save_model
from edgekit.keras.users import describe_own

__all__ = [
    "FOREIGN", "OWN", "Description", "Loading", "Network", "build_network", "describe_network", "describe_own",
    "described_networks", "has_parameters", "is_network", "load_model", "network_names", "network_options",
    "parse_model", "save_model", "takes_parameter",
]  # fmt: skip
