"""The streams of random numbers that loading draws from: seeded, saved, set again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from jaxtrain import rng

State = dict[str, Any]
"""Dictionaries of integers, texts and arrays, for JSON with arrays beside it."""


class Streams:
    """Python's `random`, NumPy's global stream, ours, and generators by name.

    Example:
        >>> streams = Streams(own=rng.Generator(0))
        >>> state = streams.get()
        >>> first = streams.generators["own"].uniform()
        >>> streams.set(state)
        >>> bool(first == streams.generators["own"].uniform())
        True
    """

    def __init__(self, **generators: Any) -> None:
        self.generators: dict[str, rng.Generator] = {"default": rng.default_generator}
        for name, generator in generators.items():
            known = any(generator is other for other in self.generators.values())
            if isinstance(generator, rng.Generator) and not known:
                self.generators[name] = generator

    def get(self) -> State:
        """Where each stands."""
        return {
            "random": _get_random(),
            "numpy": _arrays(np.random.get_state(legacy=False)),
            **{name: each.get_state() for name, each in self.generators.items()},
        }

    def set(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        random.setstate(_random_state(state["random"]))
        np.random.set_state(_values(state["numpy"]))
        for name, generator in self.generators.items():
            if name in state:
                generator.set_state(state[name])


def seeded(base_seed: int, worker: int) -> State:
    """The streams of a worker as PyTorch seeds them.

    `random` and `rng.default_generator` begin with base_seed + worker, NumPy's stream
    with four words stirred from both, so that the first two and it have nothing in
    common.

    PyTorch: `torch.utils.data`'s workers.

    Example:
        >>> seeded(7, 1)["default"].tolist() == rng.Generator(8).get_state().tolist()
        True
    """
    seed = base_seed + worker
    entropy = [worker, base_seed % 2**32, base_seed >> 32, 0]
    # What PyTorch wrote down for itself is NumPy's own SeedSequence.
    words = np.random.SeedSequence(entropy).generate_state(4)
    own = random.Random(seed)
    return {
        "random": _random_dict(own.getstate()),
        "numpy": _arrays(np.random.RandomState(words).get_state(legacy=False)),
        "default": rng.Generator(seed).get_state(),
    }


@contextmanager
def exchanged(state: State, streams: Streams) -> Iterator[None]:
    """The streams of a worker in the place of the program's own, in this thread.

    `state` follows what is drawn. `random` and NumPy's global stream are the whole
    program's meanwhile: no other thread may draw from them.
    """
    before = streams.get()
    own = rng.Generator()
    with rng.default_generator.substitute(own):
        streams.set(state)
        try:
            yield
        finally:
            state.update(streams.get())
            # What the program draws from by default was never away.
            streams.set({**before, "default": state["default"]})


def same(one: State, other: State) -> bool:
    """Whether no stream was drawn from between the two.

    Example:
        >>> state = Streams().get()
        >>> same(state, Streams().get())
        True
    """
    return _flat(one) == _flat(other)


def _flat(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _flat(item) for key, item in value.items()}
    return value.tobytes() if isinstance(value, np.ndarray) else value


def _get_random() -> State:
    return _random_dict(random.getstate())


def _random_dict(state: tuple[Any, ...]) -> State:
    version, words, gauss = state
    found = {"version": version, "words": np.array(words, np.uint32)}
    if gauss is not None:
        found["gauss"] = np.array([gauss])
    return found


def _random_state(state: Mapping[str, Any]) -> tuple[Any, ...]:
    gauss = float(state["gauss"][0]) if "gauss" in state else None
    return int(state["version"]), tuple(state["words"].tolist()), gauss


def _arrays(state: Any) -> Any:
    """A state of NumPy's, its float in an array, that JSON may not round it."""
    if isinstance(state, Mapping):
        return {key: _arrays(value) for key, value in state.items()}
    return np.array([state]) if isinstance(state, float) else state


def _values(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {
            key: float(value[0]) if key == "gauss" else _values(value)
            for key, value in state.items()
        }
    return state
