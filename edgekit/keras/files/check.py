"""The check of a Keras configuration against the tables of kinds: what passes names only what they list.

It gives back a copy that is made anew: keys that Keras does not need are gone, and every class is named with the module
that the table says, never with the file's. Neither Keras nor TensorFlow is imported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from edgekit.errors import ModelError
from edgekit.keras.files.functions import OPERATIONS
from edgekit.keras.files.holds import Holds
from edgekit.keras.files.kinds import KINDS, TF_MOT, LayerKind
from edgekit.keras.files.objects import FAMILIES
from edgekit.keras.files.refused import reason_against
from edgekit.keras.files.sizes import fitting
from edgekit.keras.files.values import DEEPEST, JSON, Place, Values, is_object
from edgekit.places import by_place

__all__ = ["Checked", "Sized", "check_config", "check_sizes"]

MODELS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
"""Models, and what they are called today."""
MODEL_KEYS = frozenset(
    "name trainable dtype layers input_layers output_layers build_input_shape batch_input_shape".split()
)
NODE_KEYS = frozenset("name inbound_nodes shared_object_id".split())
"""What stands beside class and configuration of a layer in a graph."""
MOST_LAYERS = 20_000


@dataclass(frozen=True)
class Sized:
    """A layer whose sizes stand in the shape of a weight; see `LayerKind.weights`."""

    pattern: tuple[str, ...]
    config: Mapping[str, JSON]
    kind: str
    place: str


@dataclass(frozen=True)
class Checked:
    """A configuration that passed.

    Attributes:
        config: The copy: of a model, as Keras writes it.
        makers: Who must make classes known to Keras before it is built: "edgekit", "tensorflow_model_optimization", or
            a module of Keras that has them.
        custom: Classes of the user's that stand in it.
        sizes: What `check_sizes` has to compare with the weights.
    """

    config: dict[str, JSON]
    makers: frozenset[str]
    custom: frozenset[str]
    sizes: tuple[Sized, ...]


def check_config(config: JSON, *, file: str, custom: Collection[str] = ()) -> Checked:
    """Check the configuration of a model.

    Args:
        config: As it stands in the file, read as JSON.
        file: The file's name, for messages.
        custom: Names of classes and functions that the user hands over.

    Raises:
        ModelError: It names a class that is not in the tables, or a key holds something else than they say.
    """
    check = _Check(file, frozenset(custom))
    try:
        config = _lists(config)
        if not isinstance(config, dict):
            check.refuse("The configuration of a model is a mapping.", type(config).__name__)
        clean = check.model(config, Place("the model"))
    except RecursionError:
        check.refuse(f"A configuration is at most {DEEPEST} levels deep.", "more")
    return Checked(clean, frozenset(check.makers), frozenset(check.used), tuple(check.sizes))


def check_sizes(checked: Checked, shapes: Sequence[tuple[int, ...]], *, file: str) -> None:
    """Compare the sizes of layers with the weights of the file.

    Args:
        checked: The configuration.
        shapes: Shapes of all arrays in the file.
        file: The file's name, for messages.

    Raises:
        ModelError: A layer has other sizes than any array.
    """
    for layer in checked.sizes:
        wanted = fitting(layer.pattern, layer.config, layer.kind, shapes)
        if wanted:
            raise ModelError(
                "A layer's sizes are those of its weights in the file.",
                received=f"{file}, {wanted} in {layer.place}, and no array of that shape",
                remedy="The file is damaged, or was made to ask for memory: do not use it.",
            )


@dataclass
class _Check:
    file: str
    custom: frozenset[str]
    makers: set[str] = field(default_factory=set)
    sizes: list[Sized] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    layers: int = 0

    def __post_init__(self) -> None:
        self.values = Values(self.refuse, self.custom, self.used)

    def refuse(self, rule: str, received: str, remedy: str = "") -> NoReturn:
        raise ModelError(rule, received=f"{self.file}, {received}", remedy=remedy)

    def model(self, node: Mapping[str, JSON], place: Place) -> dict[str, JSON]:
        """A model, at the top or as a layer of another."""
        kind, config = _head(node)
        if kind not in MODELS:
            return self.layer(node, place)
        name = config.get("name") if isinstance(config, dict) else None
        place = place.inner(f"the model {str(name or kind)[:80]!r}")
        if isinstance(config, list):  # how Keras wrote Sequential until 2.1
            config = {"name": "sequential", "layers": config}
        if not isinstance(config, dict):
            self.refuse("The configuration of a model is a mapping.", str(place))
        given = [key for key, value in config.items() if value not in (None, [], {})]
        unknown = next((key for key in given if key not in MODEL_KEYS), None)
        if unknown is not None:
            self._unknown_key(unknown, kind, place)
        layers = config.get("layers")
        if not isinstance(layers, list):
            self.refuse("A model in a file lists its layers.", f"{place} without a list of layers")
        clean: dict[str, JSON] = {"layers": [self._in_graph(layer, place) for layer in layers]}
        for key, holds in (("name", Holds.TEXT), ("trainable", Holds.FLAG), ("dtype", Holds.POLICY)):
            if key in config:
                clean[key] = self.value(holds, config[key], place.key(key))
        for key in ("build_input_shape", "batch_input_shape"):
            if config.get(key) is not None:
                clean[key] = self.values.shape(config[key], place.key(key))
        for key in ("input_layers", "output_layers"):
            if key in config:
                clean[key] = self.values.plain(config[key], place.key(key))
        home = "keras" if kind == "Sequential" else _functional_home(node)
        return self._named(node, MODELS[kind], clean, home)

    def layer(self, node: Mapping[str, JSON], place: Place) -> dict[str, JSON]:
        """One layer, with the layers inside it."""
        kind, config = _head(node)
        self.layers += 1
        if self.layers > MOST_LAYERS:
            self.refuse(f"A model has at most {MOST_LAYERS:,} layers.", "more")
        if kind in MODELS:
            return self.model(node, place)
        name = config.get("name") if isinstance(config, dict) else None
        place = place.inner(f"the layer {str(name or node.get('name') or kind)[:80]!r}")
        own, module = self.values.custom_name(kind, node.get("registered_name")), node.get("module")
        operation = isinstance(module, str) and kind in OPERATIONS.get(module, ())
        row = None if own or operation else self._row(kind, node, place)  # names the class, whatever it holds
        if not isinstance(config, dict):
            self.refuse("The configuration of a layer is a mapping.", f"{kind!r} in {place}")
        if own:
            return self._custom(node, own, config, place)
        if row is None:
            return self._named(node, kind, self._operation(config, place), str(module))
        clean = self._keys(row.keys, config, kind, place)
        self.sizes += [Sized(pattern, clean, kind, str(place)) for pattern in row.weights]
        if row.found_by != "keras" or row.home.startswith("keras.src.applications"):
            self.makers.add(row.home)
        return self._named(node, kind, clean, row.home if row.found_by == "keras" else None)

    def value(self, holds: Holds, value: JSON, place: Place) -> JSON:
        """What one key holds."""
        if value is None:
            return None
        if holds is Holds.LAYER:
            return self.layer(self._object(value, place), place)
        if holds is Holds.LAYERS:
            if isinstance(value, list):
                return [self.layer(self._object(item, place), place) for item in value]
            return self.layer(self._object(value, place), place)
        if holds is Holds.POLICIES:
            if not isinstance(value, dict):
                self.refuse("Dtype policies are a mapping of layer paths to policies.", str(place))
            return {self.values.text(k, place): self.value(Holds.POLICY, v, place) for k, v in value.items()}
        if holds in FAMILIES:
            return self._member(holds, value, place)
        return self.values.of(holds, value, place)

    def unlisted(self, kind: str, title: str, place: Place) -> NoReturn:
        """Refuse a class, with the reason and the way to give it."""
        name = kind.rpartition(">")[2]
        if name in ("Lambda", "__lambda__"):
            layer = place.last.removeprefix("the layer ")
            raise ModelError(
                "A Lambda layer holds pickled code, which a model file may use to run anything.",
                received=f"{self.file} with the Lambda layer {layer}",
                remedy="Replace it by a built-in layer, or pass "
                f"{by_place(command='--unsafe', python='unsafe=True')} if you trust the file.",
            )
        why = reason_against(kind)
        self.refuse(
            f"A model file names only {title} classes that compute and do nothing else"
            + (f"; {name} is not one of them, because {why}." if why else "."),
            f"the class {kind[:80]!r} in {place}",
            "If the class is yours, give module:function that builds and loads it, or in Python "
            f"custom_objects={{{name[:80]!r}: ...}}. A file that you trust is opened by "
            f"{by_place(command='--unsafe', python='unsafe=True')}.",
        )

    def _row(self, kind: str, node: Mapping[str, JSON], place: Place) -> LayerKind:
        row = KINDS.get(kind) or KINDS.get(kind.rpartition("keras>")[2]) or KINDS.get(f"edgekit>{kind}")
        if row is None and "module" not in node and any(kind in classes for classes in OPERATIONS.values()):
            self.refuse(
                "Operations of keras.ops are kept by the .keras format; Keras cannot load them from an .h5 file.",
                f"the operation {kind} in {place}",
                "Save the model as .keras.",
            )
        if row is None or row.found_by == "edgekit" and not kind.startswith("edgekit>"):
            self.unlisted(kind, "layer", place)
        return row

    def _in_graph(self, node: JSON, place: Place) -> dict[str, JSON]:
        """A layer with its place in the graph."""
        node = self._object(node, place)
        clean = self.layer(node, place)
        for key in NODE_KEYS & node.keys():
            clean[key] = self.values.graph_value(node[key], place.inner(str(node.get("name", ""))[:80]).key(key))
        return clean

    def _member(self, holds: Holds, value: JSON, place: Place) -> JSON:
        """An initializer, an activation, a dtype policy, ...: by name, or as an object."""
        family = FAMILIES[holds]
        if holds is Holds.SEED and isinstance(value, int | float):
            return value
        if isinstance(value, str):
            known = value in family.names or value in self.custom
            if holds is Holds.POLICY:
                return self.values.name(value, place)
            if not known:
                self.unlisted(value, family.title, place)
            self.used |= {value} & self.custom
            return value
        node = self._object(value, place)
        kind, config = _head(node)
        if kind == "function" and isinstance(config, str) and family.names:  # by name, since Keras 2.13
            return self._member(holds, config, place)
        own = self.values.custom_name(kind, node.get("registered_name"))
        if own:
            return self._custom(node, own, config if isinstance(config, dict) else {}, place)
        if holds is Holds.ACTIVATION and kind not in family.rows:  # a layer serves as an activation
            return self.layer(node, place)
        row = family.rows.get(kind)
        if row is None:
            self.unlisted(kind, family.title, place)
        if not row.home.startswith("keras"):
            self.makers.add(row.home)
        clean = self._keys(row.keys, config if isinstance(config, dict) else {}, kind, place)
        return self._named(node, kind, clean, row.home if row.home.startswith("keras") else None)

    def _keys(self, keys: Mapping[str, Holds], config: Mapping[str, JSON], kind: str, place: Place) -> dict[str, JSON]:
        clean = {}
        for key, value in config.items():
            if key not in keys:
                if value is None:
                    continue  # a setting of a newer Keras, at its default
                self._unknown_key(key, kind, place)
            clean[key] = self.value(keys[key], value, place.key(key))
        return clean

    def _operation(self, config: Mapping[str, JSON], place: Place) -> dict[str, JSON]:
        return {key: self.values.plain(value, place.key(key)) for key, value in config.items() if isinstance(key, str)}

    def _custom(self, node: Mapping[str, JSON], own: str, config: Mapping[str, JSON], place: Place) -> dict[str, JSON]:
        """A class of the user's: its keys hold what it likes, but objects among them are checked like all others."""
        self.used.add(own)
        clean: dict[str, JSON] = {key: self._free(value, place.key(key)) for key, value in config.items()}
        named: dict[str, JSON] = {"class_name": own, "config": clean}
        return named | ({"module": None, "registered_name": own} if "module" in node else {})

    def _free(self, value: JSON, place: Place) -> JSON:
        if isinstance(value, dict):
            if is_object(value):
                return self._any_object(value, place)
            return {key: self._free(item, place) for key, item in value.items()}
        if isinstance(value, list):
            return [self._free(item, place) for item in value]
        return self.values.plain(value, place)

    def _any_object(self, value: dict[str, JSON], place: Place) -> JSON:
        kind = str(value.get("class_name"))
        if kind == "function":
            return self._member(Holds.ACTIVATION, value, place)
        holds = next((h for h, family in FAMILIES.items() if kind in family.rows), None)
        return self._member(holds, value, place) if holds else self.layer(value, place)

    def _object(self, value: JSON, place: Place) -> dict[str, JSON]:
        if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
            self.refuse("Inside a model, an object is a mapping with its class_name and config.", str(place))
        self.values.count(place)
        return value

    def _unknown_key(self, key: str, kind: str, place: Place) -> NoReturn:
        self.refuse(
            "Every key of a class is one whose content EdgeKit knows.",
            f"the key {str(key)[:80]!r} of {kind} in {place}",
            "Save the model again with a current Keras, or give module:function that builds and loads it.",
        )

    def _named(self, node: Mapping[str, JSON], kind: str, config: dict[str, JSON], home: str | None) -> dict[str, JSON]:
        """The object anew: in the file's grammar, with the table's module in the place of the file's."""
        clean: dict[str, JSON] = {"class_name": kind, "config": config}
        if "module" in node:
            clean |= {"module": home, "registered_name": None if home and home.startswith("keras.") else kind}
        wrapper = kind in KINDS and KINDS[kind].found_by == TF_MOT  # which makes its weights anew when it is called
        if isinstance(node.get("build_config"), dict) and not wrapper:  # the shapes that a layer is built for
            clean["build_config"] = self.values.shape(node["build_config"], Place(f"the build_config of {kind}"))
        if isinstance(node.get("shared_object_id"), int):
            clean["shared_object_id"] = node["shared_object_id"]
        return clean


def _lists(value: JSON) -> JSON:
    """Tuples as lists: SavedModels and older files mark them, and what stands between layers keeps its marks."""
    if isinstance(value, list):
        return [_lists(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape"):
        return _lists(value.get("items"))
    return {key: item if key == "inbound_nodes" else _lists(item) for key, item in value.items()}


def _head(node: Mapping[str, JSON]) -> tuple[str, JSON]:
    """Class and configuration; EdgeKit's own classes go by the name that they are registered under."""
    kind, registered = node.get("class_name"), node.get("registered_name")
    if isinstance(registered, str) and registered.startswith("edgekit>"):
        kind = registered
    return kind if isinstance(kind, str) else "", node.get("config")


def _functional_home(node: Mapping[str, JSON]) -> str:
    module = node.get("module")
    of_keras2 = isinstance(module, str) and (module.startswith("tf_keras") or ".engine." in module)
    return "tf_keras.src.engine.functional" if of_keras2 else "keras.src.models.functional"
