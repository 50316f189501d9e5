"""Sums that come out the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_blas_thread"]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Give NumPy's BLAS one thread in this block: with as many as the machine has cores, sums are added up in another
    order on each, and a pass that solves for weights gives other files. TensorFlow's threads are its own.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
