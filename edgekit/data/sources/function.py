"""`module:function`: your own code, which gives x, (x_train, y_train[, x_test, y_test]) or a mapping of these names.

For a model with several inputs, x_train and x_test are mappings from the input's name to its array.
"""

from __future__ import annotations

from typing import Any

from edgekit import registry, user_code
from edgekit.data.dataset import Raw, Wanted
from edgekit.data.memory import raw_of


def matches(source: str) -> bool:
    """Whether a source has the form `module:function`."""
    return registry.is_reference(source)


def read(source: str, wanted: Wanted) -> Raw:
    """Call the function."""
    held: Any = user_code.call(source)
    return raw_of(held, source)
