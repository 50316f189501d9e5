"""Space: a recipe and the genes that may vary in it. Genes are flat; what they make together is a concrete Recipe."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

from edgekit import registry
from edgekit.errors import EdgekitError, RecipeError, UsageError, did_you_mean
from edgekit.keras import has_parameters, is_network, network_names, takes_parameter
from edgekit.overrides import override
from edgekit.recipe import Recipe, parse_recipe
from edgekit.recipe_text import check_values, read_yaml
from edgekit.searching.genes import Gene, Genes, Value
from edgekit.searching.settings import Settings, parse_settings
from edgekit.searching.shares import LayerShares, check_ranks_first, layer_shares

__all__ = ["Space", "key_of", "load_space", "parse_space"]

ORDER = "passes"
"""The path of the gene that says in which order the passes stand."""
THEN = " > "


@dataclass(frozen=True)
class Space:
    """What may vary, and what it varies in.

    Attributes:
        values: The recipe's keys, without the table `search`; not to be changed.
        folder: That relative paths in them are taken from.
        settings: The table `search`.
        genes: In the order in which they are drawn.
        shares: What layers of a trained model may give up; their genes are the last.
    """

    values: Mapping[str, Any]
    folder: Path
    settings: Settings
    genes: tuple[Gene, ...]
    shares: tuple[LayerShares, ...] = ()

    @cached_property
    def size(self) -> int | None:
        """How many sets of genes there are; None where a real number varies."""
        sizes = [gene.size for gene in self.genes]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    @cached_property
    def identity(self) -> str:
        """sha256 of what decides which candidates there are and what they are worth."""
        told: list[Any] = [self.values, [[g.path, g.kind, g.values, g.low, g.high, g.log, g.step] for g in self.genes]]
        told += [self.settings.objectives, self.settings.fidelity.model_dump(), self.settings.inherits]
        told += [[one.model for one in self.shares]]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()

    def recipe(self, genes: Genes) -> Recipe:
        """The concrete recipe of a candidate.

        Raises:
            EdgekitError: What the genes make together breaks a rule of recipes.
        """
        values = copy.deepcopy(dict(self.values))
        if "model" in genes:
            values["model"] = genes["model"]
        for gene in self.genes:
            if gene.path not in ("model", ORDER) and not _is_switch(gene) and self._acts(gene, genes, values):
                override(values, f"{_plain_path(gene.path)}={json.dumps(genes[gene.path])}")
        values["passes"] = _chosen(values.get("passes") or [], genes)
        self._share_out(values["passes"], genes)
        return parse_recipe(values, folder=self.folder)

    @property
    def usual(self) -> dict[str, Value]:
        """The first value of every gene."""
        return {gene.path: _ends(gene)[0] for gene in self.genes}

    def _share_out(self, passes: list[Any], genes: Genes) -> None:
        """Give passes what each layer gives up; one that leaves all layers alone goes."""
        check_ranks_first([_name_of(item) for item in passes], self.shares)
        for one in self.shares:
            place = next((n for n, item in enumerate(passes) if _name_of(item) == one.label), None)
            if place is None:
                continue
            name, options = registry.entry(passes[place])
            key = one.key(genes)
            passes[place : place + 1] = [{name: {**options, one.path.split(".")[2]: key}}] if key else []

    def _acts(self, gene: Gene, genes: Genes, values: Mapping[str, Any]) -> bool:
        """Whether a gene has an effect beside the others: a parameter acts where its network has it."""
        first, _, rest = gene.path.partition(".")
        if any(one.has(gene) for one in self.shares):
            return False  # all layers of a pass act at once
        if first == "model":
            name = registry.entry(values["model"])[0]
            family, dot, _ = rest.rpartition(".")
            if dot:
                return family == name
            return not has_parameters(name) or takes_parameter(name, rest) or "model" not in genes
        return genes.get(f"passes.{rest.partition('.')[0]}", True) is not False if first == "passes" else True


def load_space(path: Path) -> Space:
    """Read a search's file: a recipe with a table `search`.

    Raises:
        RecipeError: The file is missing, is no YAML mapping or breaks a rule.
    """
    if not path.is_file():
        raise RecipeError(
            "A search is a YAML file: a recipe with a table search.",
            received=repr(str(path)),
            remedy="Check the path. `edgekit init` writes a recipe to start from.",
        )
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise RecipeError("A search is a mapping of keys.", received=str(path))
    return parse_space(values, path.parent)


def parse_space(values: Mapping[str, Any], folder: Path = Path()) -> Space:
    """Check a search's keys, and that its genes make recipes.

    Raises:
        RecipeError: A key breaks a rule, a path is no key of the recipe, or there is nothing to choose from.
    """
    check_values(values)
    rest = copy.deepcopy(dict(values))
    settings = parse_settings(rest.pop("search", None))
    budget = rest.setdefault("budget", {})
    if isinstance(budget, dict):
        budget.setdefault("accuracy_drop", None)  # accuracy is sought here, not held against each network's own
    genes = (*_pass_genes(settings, rest), *sorted(settings.own_genes(), key=lambda gene: gene.path != "model"))
    passes, by_layer = rest.get("passes") or [], settings.by_layer()
    if by_layer and any(gene.path.partition(".")[0] == "model" for gene in genes):
        raise RecipeError(
            "Shares by layer are of one trained model.",
            received="search.space with model in it",
            remedy="Let the model vary in a search of its own.",
        )
    recipe = Space(rest, folder, settings, ()).recipe({}) if by_layer else None
    shares = tuple(layer_shares(recipe, passes, by_layer)) if recipe else ()
    genes = (*genes, *(gene for one in shares for gene in one.genes))
    space = _with_orders(Space(rest, folder, settings, genes, shares))
    if space.size is not None and space.size < 2:
        raise RecipeError(
            "A search has at least two candidates.",
            received=f"a space of {space.size}",
            remedy="Give a gene more values, or run the recipe itself with: edgekit compress",
        )
    _check_paths(space)
    return space


def key_of(recipe: Recipe) -> str:
    """sha256 of a recipe: equal candidates have the same."""
    return hashlib.sha256(json.dumps(recipe.dump(), sort_keys=True).encode()).hexdigest()


def _pass_genes(settings: Settings, values: Mapping[str, Any]) -> list[Gene]:
    """Which passes take part, and in which order: only orders that recipes take."""
    known = [_name_of(item) for item in values.get("passes") or []]
    named = [*settings.optional(), *(settings.order() or [])]
    if unknown := [name for name in named if known.count(name) != 1]:
        raise RecipeError(
            "search.space names a pass of the recipe by its id, or by its name where it stands once.",
            received=repr(unknown[0]),
            remedy=did_you_mean(unknown[0], known) if known else "Add passes to the recipe.",
        )
    genes = [Gene(f"passes.{name}", "choice", (True, False)) for name in settings.optional()]
    order = settings.order()
    if order is not None:
        genes.append(Gene(ORDER, "choice", tuple(THEN.join(names) for names in permutations(order))))
    return genes


def _with_orders(space: Space) -> Space:
    """The space with those orders of passes alone that recipes take.

    Raises:
        RecipeError: No order is one.
    """
    order = next((gene for gene in space.genes if gene.path == ORDER), None)
    if order is None:
        return space
    usual = space.usual
    kept, refused = [], None
    for value in order.values:
        try:
            space.recipe({**usual, ORDER: value})
            kept.append(value)
        except EdgekitError as error:
            refused = error
    if not kept and refused is not None:
        raise refused
    return replace(space, genes=tuple(replace(g, values=tuple(kept)) if g is order else g for g in space.genes))


def _chosen(items: list[Any], genes: Genes) -> list[Any]:
    """The passes that take part, in the order that is chosen."""
    order = str(genes[ORDER]).split(THEN) if ORDER in genes else []
    places = [number for number, item in enumerate(items) if _name_of(item) in order]
    ordered = list(items)
    for place, name in zip(places, order, strict=True):
        ordered[place] = next(item for item in items if _name_of(item) == name)
    return [item for item in ordered if genes.get(f"passes.{_name_of(item)}", True) is not False]


def _name_of(item: object) -> str:
    name, options = registry.entry(item)
    return str(options.get("id") or name.partition(":")[0].rpartition(".")[2])


def _is_switch(gene: Gene) -> bool:
    return gene.path.startswith("passes.") and gene.path.count(".") == 1


def _plain_path(path: str) -> str:
    """The path of the recipe: a network's name between model and its parameter is only said to tell networks apart."""
    first, *rest = path.split(".")
    return f"model.{rest[-1]}" if first == "model" and len(rest) >= 2 else path


def _check_paths(space: Space) -> None:
    """Try every value of every choice, and both ends of every number, beside the first values of the others.

    Raises:
        RecipeError: Some path is no key, or some value is none that the key takes. What two genes break only together
            is no fault of the space: such candidates are not drawn.
    """
    usual, own = space.usual, _own_fault(space)
    for gene in space.genes:
        for value in _ends(gene):
            for start in _beside(space, gene, usual):
                try:
                    recipe = space.recipe({**start, gene.path: value})
                    if gene.path == "model":
                        _check_model(recipe)
                except EdgekitError as error:
                    if own is not None and (own.rule, own.received) == (error.rule, error.received):
                        raise own from None
                    raise RecipeError(
                        f"The gene {gene.path} must name a key of the recipe and values that it takes.",
                        received=f"{value!r} ({error.rule}{'' if error.received is None else f' {error.received}'})",
                        remedy=error.remedy,
                    ) from None


def _own_fault(space: Space) -> EdgekitError | None:
    """What is wrong with the recipe that the genes vary, which no gene is to blame for; None where nothing is."""
    try:
        replace(space, genes=(), shares=()).recipe({})
    except EdgekitError as error:
        return error
    return None


def _check_model(recipe: Recipe) -> None:
    source = recipe.source
    if not (is_network(source) or registry.is_reference(source) or Path(source).exists()):
        raise RecipeError(
            "A model is a network, a file or module:function.",
            received=repr(source),
            remedy=did_you_mean(source, network_names()),
        )


def _beside(space: Space, gene: Gene, usual: dict[str, Value]) -> list[dict[str, Value]]:
    """The others' values beside which a gene is tried: a parameter, under each network that has it."""
    models = next((g.values for g in space.genes if g.path == "model"), ())
    if not gene.path.startswith("model.") or not models:
        return [usual]
    having = [name for name in models if space._acts(gene, {**usual, "model": name}, {"model": name})]
    if not having:
        raise UsageError(
            "A gene of a network's parameter belongs to one of the networks.",
            received=repr(gene.path),
            remedy=f"The networks are {', '.join(map(str, models))}.",
        )
    return [{**usual, "model": name} for name in having]


def _ends(gene: Gene) -> tuple[Value, ...]:
    if gene.kind == "choice":
        return gene.values
    ends = (gene.low, gene.high)
    return tuple(int(end) for end in ends) if gene.kind == "int" else ends
