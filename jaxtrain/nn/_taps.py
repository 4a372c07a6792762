"""The outputs of every layer, in the order of the calls."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import Lock
from typing import Any

import jax
from flax import nnx

from jaxtrain.nn._named_modules import named_modules


@contextmanager
def layer_outputs(model: nnx.Module) -> Iterator[dict[str, list[Any]]]:
    """Inside the block, what the model's modules return is collected.

    The dictionary that it gives fills as the model is called: name of a module -> every
    array that it returned, call by call; the model itself has the empty name. Arrays
    are traced where the model is called under a transformation: use them inside it.
    Other threads' calls are not collected, and blocks may be nested.

    PyTorch: `torch.nn.Module.register_forward_hook`, on every module.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtrain import nn
        >>> model = nn.Sequential(nn.ReLU(), nn.Softplus())
        >>> with layer_outputs(model) as outputs:
        ...     _ = model(jnp.array([-1.0, 2.0]))
        >>> outputs["0"]
        [Array([0., 2.], dtype=float32)]
        >>> list(outputs)
        ['0', '1', '']
    """
    collector = _Collector(model)
    owners = {_owner(type(module)) for module in collector.modules} - {None}
    token = _collectors.set((*_collectors.get(), collector))
    entered: list[type] = []
    try:
        for owner in owners:
            _tap(owner)
            entered.append(owner)
        yield collector.outputs
    finally:
        _collectors.reset(token)
        for owner in entered:
            _untap(owner)


class _Collector:
    """What one block gathers."""

    def __init__(self, model: nnx.Module):
        named = named_modules(model)
        # Held, so that no other module can come to have one of these ids.
        self.modules = list(named.values())
        self.names = {id(module): name for name, module in named.items()}
        self.running: set[int] = set()
        self.outputs: dict[str, list[Any]] = {}

    def enter(self, module: Any) -> bool:
        """Whether this is a layer's own call, and not one of its parent class in it."""
        if id(module) not in self.names or id(module) in self.running:
            return False
        self.running.add(id(module))
        return True

    def leave(self, module: Any) -> None:
        self.running.remove(id(module))

    def take(self, module: Any, output: Any) -> None:
        arrays = [x for x in jax.tree.leaves(output) if hasattr(x, "shape")]
        self.outputs.setdefault(self.names[id(module)], []).extend(arrays)


_collectors: ContextVar[tuple[_Collector, ...]] = ContextVar(
    "layer_outputs", default=()
)


# Python looks `__call__` up in the class, so the class is where a call is seen. Blocks
# of several threads may overlap in any order: the first puts the tap in, the last takes
# it out, and who is told of a call is a matter of the thread that makes it.
_lock = Lock()
_originals: dict[type, Any] = {}
_users: dict[type, int] = {}


def _owner(kind: type) -> Any:
    """The class in which `kind`'s calls are defined, if it can be called."""
    return next((base for base in kind.__mro__ if "__call__" in vars(base)), None)


def _tap(owner: Any) -> None:
    with _lock:
        if owner not in _users:
            # As it stands in the class, where it may be another kind of descriptor.
            _originals[owner] = vars(owner)["__call__"]
            owner.__call__ = _tapped(owner.__call__)
        _users[owner] = _users.get(owner, 0) + 1


def _untap(owner: Any) -> None:
    with _lock:
        _users[owner] -= 1
        if not _users[owner]:
            owner.__call__ = _originals.pop(owner)
            del _users[owner]


def _tapped(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        told = [each for each in _collectors.get() if each.enter(self)]
        try:
            output = original(self, *args, **kwargs)
        finally:
            for each in told:
                each.leave(self)
        for each in told:
            each.take(self, output)
        return output

    return call
