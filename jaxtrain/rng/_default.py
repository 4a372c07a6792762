"""The default generator: one for the program, and another inside a loader's thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import ArrayLike

from jaxtrain.rng._generator import Generator


class DefaultGenerator(Generator):
    """What draws come from that name no generator.

    Threads that load data each have a stream of their own, as PyTorch's worker
    processes have: within `substitute` this one draws from another, in that thread.
    """

    def __init__(self) -> None:
        self._own = Generator()
        self._thread = threading.local()

    @contextmanager
    def substitute(self, generator: Generator) -> Iterator[None]:
        """Draw from `generator` meanwhile, in this thread.

        Example:
            >>> default = DefaultGenerator()
            >>> with default.substitute(Generator(7)):
            ...     default.initial_seed()
            7
            >>> default.initial_seed()
            67280421310721
        """
        before = self._current()
        self._thread.generator = generator
        try:
            yield
        finally:
            self._thread.generator = before

    def _current(self) -> Generator:
        return getattr(self._thread, "generator", self._own)

    def __reduce__(self) -> Any:
        return _restore, (self.get_state(),)


def _restore(state: ArrayLike) -> Generator:
    return Generator().set_state(state)


def _forward(name: str) -> property:
    def get(self: DefaultGenerator) -> Any:
        return getattr(self._current(), name)

    def put(self: DefaultGenerator, value: Any) -> None:
        setattr(self._current(), name, value)

    return property(get, put)


# The methods are `Generator`'s own: what they keep is looked up where it belongs.
for _name in vars(Generator()):
    setattr(DefaultGenerator, _name, _forward(_name))
