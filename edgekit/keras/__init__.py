"""Keras models: loading from any file, the bridge from Keras 3, graphs, lowering, saving, and reference networks."""

from __future__ import annotations

from edgekit.keras.loading import FOREIGN, OWN, Loading, build_network, is_network, load_model, network_names
from edgekit.keras.saving import save_model

__all__ = ["FOREIGN", "OWN", "Loading", "build_network", "is_network", "load_model", "network_names", "save_model"]
