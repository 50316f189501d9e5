"""Models: loading from any Keras file, saving, reference networks, and reading `.tflite` files."""

from __future__ import annotations

from edgekit.models.loading import FOREIGN, OWN, Loading, build_network, is_network, load_model, network_names
from edgekit.models.saving import save_model

__all__ = ["FOREIGN", "OWN", "Loading", "build_network", "is_network", "load_model", "network_names", "save_model"]
