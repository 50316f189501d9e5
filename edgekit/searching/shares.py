"""Spaces from a trained model: how much each of its layers gives up, a gene for each, started from its sensitivity.

`passes.prune.ratios: {by_layer: [0, 0.25, 0.5]}` makes genes of the channels of every group of layers that lose them
together, `passes.low_rank.layers: {by_layer: [0, 0.5]}` of the rank of every layer that has a smaller form. A gene's
value is the share that is given up; 0 leaves the layer alone, and a pass that is to leave all alone takes no part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgekit import registry
from edgekit.artifact import sha256_of, write_atomically
from edgekit.data import Dataset
from edgekit.errors import ModelError, RecipeError
from edgekit.files import read_json
from edgekit.keras import FOREIGN, load_model
from edgekit.keras.types import KerasModel
from edgekit.methods.channels import analyse
from edgekit.methods.low_rank import METHODS, Geometry
from edgekit.methods.low_rank.rebuild import calls
from edgekit.methods.sensitivity import Effect, sensitivity
from edgekit.passes import matches
from edgekit.recipe import Recipe
from edgekit.searching.genes import Gene, Genes, Value

__all__ = ["LayerShares", "check_ranks_first", "layer_shares", "starting_points"]

KEYS: Mapping[str, tuple[str, Literal["channels", "rank"]]] = {
    "channel_prune": ("ratios", "channels"),
    "low_rank": ("layers", "rank"),
}
"""By pass, the key that has a value for each layer, and the kind of change that `sensitivity` tries for it."""
TOLERANCES = (0.01, 0.03, 0.1)
"""Top-1 that each change of a starting candidate may cost alone; three candidates, from mild to strong."""
DECIBELS = (30.0, 20.0, 10.0)
"""The same where the task has no classes: the least SQNR of the output."""
FILE = "sensitivity.json"
_LARGEST = 16 << 20


@dataclass(frozen=True)
class LayerShares:
    """What may vary of one pass, layer by layer.

    Attributes:
        path: Of the key, such as "passes.prune.ratios".
        kind: Channels or rank.
        shares: What a layer may give up, in their order.
        full: By layer, its channels or its full rank.
        model: sha256 of the model's file.
    """

    path: str
    kind: Literal["channels", "rank"]
    shares: tuple[float, ...]
    full: Mapping[str, int]
    model: str

    @property
    def label(self) -> str:
        """Of the pass."""
        return self.path.split(".")[1]

    @property
    def genes(self) -> list[Gene]:
        """One for each layer."""
        return [Gene(f"{self.path}.{layer}", "choice", self.shares) for layer in self.full]

    def has(self, gene: Gene) -> bool:
        """Whether a gene is one of these."""
        return gene.path.startswith(f"{self.path}.")

    def key(self, genes: Genes) -> dict[str, Value]:
        """What the recipe's key is for a candidate; empty where all layers are left alone."""
        given = {layer: float(genes[f"{self.path}.{layer}"]) for layer in self.full}
        if not any(given.values()):
            return {}
        if self.kind == "channels":
            return {layer: share for layer, share in given.items() if share}
        return {layer: max(1, round(self.full[layer] * (1 - share))) if share else 0 for layer, share in given.items()}

    def tolerated(self, effects: Sequence[Effect], strength: int) -> dict[str, Value]:
        """Genes: of each layer the largest share that its sensitivity allows at a strength, from 0 on."""
        return {f"{self.path}.{layer}": self._most(effects, layer, strength) for layer in self.full}

    def _most(self, effects: Sequence[Effect], layer: str, strength: int) -> float:
        most = min(self.shares)
        told = [e for e in effects if e.kind == self.kind and e.layer.split(", ")[0] == layer]
        for effect in sorted(told, key=lambda e: e.amount or 0.0):
            lost = effect.score_drop
            if effect.sqnr_db < DECIBELS[strength] if lost is None else lost > TOLERANCES[strength]:
                break  # a larger share that does no harm is a lucky outlier
            most = effect.amount or most
        return most


def layer_shares(recipe: Recipe, passes: Sequence[object], said: Mapping[str, tuple[float, ...]]) -> list[LayerShares]:
    """Look up the layers that may give something up.

    Args:
        recipe: Whose model is trained.
        passes: Its passes, as they are written.
        said: Shares by path.

    Raises:
        RecipeError: The model is no trained one, the path is no such key, or no layer can give anything up.
    """
    if not said:
        return []
    if not Path(recipe.source).exists():
        raise RecipeError(
            "Shares by layer are of a trained model, whose layers are known.",
            received=f"model: {recipe.source}",
            remedy="Name the file of a trained model, or let the pass's own budget vary, such as passes.prune.macs.",
        )
    file = Path(recipe.source)
    model, sha256 = load_model(file, FOREIGN), sha256_of(file) if file.is_file() else str(file)
    found = []
    for path, shares in said.items():
        kind, options = _pass_of(path, passes)
        full = _channels(model, options) if kind == "channels" else _ranks(model, options)
        if not full:
            raise RecipeError(
                f"Some layer of the model must be able to give up {kind}.",
                received=f"search.space.{path} of {recipe.source}",
                remedy="Let another key vary.",
            )
        found.append(LayerShares(path, kind, shares, full, sha256))
    return found


def _pass_of(path: str, passes: Sequence[object]) -> tuple[Literal["channels", "rank"], Mapping[str, Any]]:
    parts = path.split(".")
    for item in passes:
        name, options = registry.entry(item)
        if len(parts) == 3 and parts[0] == "passes" and parts[1] == str(options.get("id") or name) and name in KEYS:
            key, kind = KEYS[name]
            if parts[2] == key:
                return kind, options
    raise RecipeError(
        "Shares by layer are ratios of channel_prune, or layers of low_rank, each a pass of the recipe.",
        received=f"search.space.{path}",
        remedy="Write for example: passes.channel_prune.ratios: {by_layer: [0, 0.25, 0.5]}",
    )


def check_ranks_first(labels: Sequence[str], shares: Sequence[LayerShares]) -> None:
    """Ranks are of the layers as the model has them, so they are given before channels go.

    Raises:
        RecipeError: Channels go first.
    """
    places = {one.kind: labels.index(one.label) for one in shares if one.label in labels}
    if places.get("channels", len(labels)) < places.get("rank", -1):
        raise RecipeError(
            "low_rank stands before channel_prune where both have shares by layer: full ranks fall with channels.",
            received=" > ".join(labels),
            remedy="Exchange the two passes.",
        )


def _channels(model: KerasModel, options: Mapping[str, Any]) -> dict[str, int]:
    """By the first layer of each group, its channels."""
    skip = options.get("skip") or ()
    groups = [group for group in analyse(model).groups if len(group.channels) > 1]
    return {g.layers[0]: len(g.channels) for g in groups if not any(matches(layer, skip) for layer in g.layers)}


def _ranks(model: KerasModel, options: Mapping[str, Any]) -> dict[str, int]:
    """By layer that has a form with fewer MACs, the full rank of the form that a rank is counted in."""
    method, called, found = str(options.get("method", METHODS[0])), calls(model), dict[str, int]()
    for layer in model.layers:
        try:
            geometry = Geometry.of(layer)
        except ModelError:
            continue
        forms = geometry.forms(method)
        if not forms or called.get(layer.name, 0) != 1:
            continue
        if any(geometry.saves(form, geometry.rounded(form, (1,) * len(geometry.full_rank(form)), 1)) for form in forms):
            found[layer.name] = max(geometry.full_rank(forms[0]))
    return found


def starting_points(
    shares: Sequence[LayerShares], usual: Genes, recipe: Recipe, dataset: Dataset, folder: Path
) -> list[dict[str, Value]]:
    """The first candidates of a search: what each layer tolerates alone, from mild to strong.

    What was measured is kept in the folder, and read again where the search goes on.

    Args:
        shares: Of the space.
        usual: Genes that are none of these layers'.
        recipe: Whose model is looked at.
        dataset: Whose calibration samples tell what is lost.
        folder: Of the search.
    """
    if not shares:
        return []
    known = _read(folder / FILE, shares[0].model)
    effects = _measured(shares, recipe, dataset) if known is None else known
    if known is None:
        folder.mkdir(parents=True, exist_ok=True)
        told = {"model": shares[0].model, "effects": [vars(effect) for effect in effects]}
        with write_atomically(folder / FILE) as temporary:
            temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    points: list[dict[str, Value]] = []
    for strength in range(len(TOLERANCES)):
        genes = {**usual}
        for one in shares:
            genes |= one.tolerated(effects, strength)
        if genes not in points:
            points.append(genes)
    return points


def _measured(shares: Sequence[LayerShares], recipe: Recipe, dataset: Dataset) -> list[Effect]:
    model = load_model(recipe.source, FOREIGN)
    labels = dataset.labels("calibration") if recipe.objective.classifies else None
    effects: list[Effect] = []
    for one in shares:
        ratios = [share for share in one.shares if share]
        effects += sensitivity(model, dataset.features("calibration"), labels, kinds=(one.kind,), ratios=ratios)
    return effects


def _read(path: Path, model: str) -> list[Effect] | None:
    """What was measured of this model before; None where nothing was."""
    if not path.is_file():
        return None
    told = read_json(path, most=_LARGEST, what="What a search measured of its model")
    if not isinstance(told, dict) or told.get("model") != model:
        return None
    return [Effect(**effect) for effect in told["effects"]]
