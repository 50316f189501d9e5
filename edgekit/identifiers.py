"""Names that users give to parts of a recipe: one rule, told in words."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["Identifier", "check_identifier"]

LONGEST = 40


def check_identifier(name: str) -> str:
    """A name such as `model_2`.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(rf"[a-z][a-z0-9_]{{0,{LONGEST - 1}}}", name):
        raise ValueError(
            f"a name is a lower-case letter, then up to {LONGEST - 1} lower-case letters, digits and underscores"
        )
    return name


Identifier = Annotated[
    str,
    AfterValidator(check_identifier),
    Field(json_schema_extra={"pattern": "^[a-z][a-z0-9_]*$", "maxLength": LONGEST}),
]
"""A field of that rule, which a schema for editors has too."""
