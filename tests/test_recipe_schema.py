"""The JSON schema of recipes accepts what EdgeKit accepts, and refuses what it refuses."""

from __future__ import annotations

from typing import Any

import yaml

from edgekit import passes, registry
from edgekit.recipe import recipe_schema, starter_recipe


def check(value: Any, schema: dict[str, Any], root: dict[str, Any], where: str = "recipe") -> list[str]:
    """What in a value breaks a JSON schema: the few keywords that ours uses."""
    if "$ref" in schema:
        return check(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, where)
    if "anyOf" in schema:
        tried = [check(value, option, root, where) for option in schema["anyOf"]]
        return [] if [] in tried else min(tried, key=len)
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is not one of {schema['enum']}"]
    kinds = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
        "null": type(None),
    }  # fmt: skip
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{where}: {value!r} is no {schema['type']}"]
    found = []
    if isinstance(value, dict):
        known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{where}: lacks {key}" for key in schema.get("required", []) if key not in value]
        for key, item in value.items():
            rule = known.get(key, other)
            found += [f"{where}: unknown key {key}"] if rule is False else []
            found += check(item, rule, root, f"{where}.{key}") if isinstance(rule, dict) else []
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            found += check(item, schema["items"], root, f"{where}.{i}")
    return found


def test_the_schema_accepts_the_starter_recipe_and_refuses_mistakes() -> None:
    schema = recipe_schema()
    with starter_recipe() as path:
        starter = yaml.safe_load(path.read_text())
    assert check(starter, schema, schema) == []
    for change in ({"modle": 1}, {"passes": ["nope"]}, {"passes": [{"sparsify": {"x": 1}}]}, {"convert": ["int4"]}):
        assert check({**starter, **change}, schema, schema), change


def test_the_schema_accepts_the_short_form_of_data() -> None:
    schema = recipe_schema()
    assert check({"model": "digits_cnn", "data": "digits"}, schema, schema) == []


def test_the_schema_knows_every_pass() -> None:
    (enum,) = (o["enum"] for o in recipe_schema()["properties"]["passes"]["items"]["anyOf"] if "enum" in o)
    assert enum == registry.names(passes)


def test_the_schema_knows_parameters_of_networks() -> None:
    schema = recipe_schema()
    assert check({"model": {"resnet8": {"width": 0.5}}, "data": "digits"}, schema, schema) == []
    assert check({"model": {"resnet8": {"wide": 0.5}}, "data": "digits"}, schema, schema)
