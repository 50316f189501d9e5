"""TF-MOT's wrappers of quantisation out of a `.keras` file, which TF-MOT itself cannot read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from edgekit.methods.quantize.tfmot import internals

__all__ = ["wrappers_read"]


@contextmanager
def wrappers_read() -> Iterator[None]:
    """While files are loaded, wrappers take their own weights out of what a file has of them.

    A wrapper begins its list with the weights of the layer inside it where that was built before. So it was when the
    model was made, and is not when it is loaded: there are as many weights more in the file, in front of the others.
    """
    wrapper = internals().Wrapper
    load = wrapper.load_own_variables

    def load_own_variables(self: Any, store: Mapping[str, Any]) -> None:
        more = len(store) - len(self._trainable_weights) - len(self._non_trainable_weights)
        if more > 0:
            store = {str(number - more): store[str(number)] for number in range(more, len(store))}
        load(self, store)

    wrapper.load_own_variables = load_own_variables
    try:
        yield
    finally:
        wrapper.load_own_variables = load
