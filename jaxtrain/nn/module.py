"""Parameters and buffers of a module by PyTorch's names, and its layers' outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import Lock
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike


class Module(nnx.Module):
    """What every layer here is: an `nnx.Module` that shows its arguments.

    Flax makes modules by a metaclass, so that `help` and tab completion would show
    `(*args, **kwargs)`.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        parameters = list(inspect.signature(cls.__init__).parameters.values())
        cls.__signature__ = inspect.Signature(parameters[1:])


def draw_parameter(
    initialiser: Callable[..., Any], *args: Any, dtype: DTypeLike, **kwargs: Any
) -> nnx.Param:
    """A parameter from one of `jaxtrain.nn.init`'s functions.

    float64 draws PyTorch's float64 values; every other type draws float32 values and
    rounds them, as `module.to(dtype)` does.

    Example:
        >>> from jaxtrain.nn import init
        >>> draw_parameter(init.constant, (2,), 0.5, dtype=jnp.bfloat16).shape
        (2,)
    """
    kind = np.float64 if jnp.dtype(dtype) == np.float64 else np.float32
    return nnx.Param(jnp.asarray(initialiser(*args, dtype=kind, **kwargs), dtype))


def fill_parameter(shape: tuple[int, ...], value: float, dtype: DTypeLike) -> nnx.Param:
    """A parameter that begins with one value everywhere.

    Example:
        >>> fill_parameter((2,), 1.0, jnp.float32)[...]
        Array([1., 1.], dtype=float32)
    """
    return nnx.Param(jnp.full(shape, value, dtype))


def value(parameter: nnx.Param | None) -> jax.Array | None:
    """What a parameter holds, if it is there.

    Example:
        >>> value(fill_parameter((2,), 1.0, jnp.float32)), value(None)
        (Array([1., 1.], dtype=float32), None)
    """
    return None if parameter is None else parameter[...]


def named_modules(model: nnx.Module) -> dict[str, nnx.Module]:
    """The model, under the empty name, and every module in it, by PyTorch's names.

    A module that is held in several places has the name of the first.

    PyTorch: `torch.nn.Module.named_modules`.

    Example:
        >>> from jaxtrain import nn
        >>> list(named_modules(nn.Sequential(nn.Linear(3, 2), nn.ReLU())))
        ['', '0', '1']
    """
    modules: dict[str, nnx.Module] = {}
    ids: set[int] = set()

    def walk(path: str, module: nnx.Module) -> None:
        if id(module) in ids:
            return
        ids.add(id(module))
        modules[path] = module
        for name, member in _members(module):
            if isinstance(member, nnx.Module):
                walk(f"{path}.{name}" if path else name, member)

    walk("", model)
    return modules


def named_variables(module: nnx.Module) -> dict[str, nnx.Variable]:
    """Every parameter and buffer, by PyTorch's names and in its order.

    Example:
        >>> from jaxtrain import nn
        >>> list(named_variables(nnx.clone(nn.Linear(3, 2))))
        ['weight', 'bias']
    """
    flat = {
        ".".join(map(str, path)): variable
        for path, variable in nnx.to_flat_state(nnx.state(module))
    }
    # Flax sorts by name. What the walk cannot reach, as in a plain list, comes last.
    order = [name for name in map(".".join, _paths(module)) if name in flat]
    return {name: flat[name] for name in dict.fromkeys([*order, *flat])}


def _array(value: Any) -> np.ndarray:
    # A tensor that asks for gradients is none that NumPy takes.
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def _paths(module: nnx.Module) -> Iterator[tuple[str, ...]]:
    """Paths in PyTorch's order: own parameters, own buffers, then module by module."""
    members = _members(module)
    buffers = []
    for name, member in members:
        if isinstance(member, nnx.Param):
            yield (name,)
        elif isinstance(member, nnx.Variable):
            buffers.append((name,))
    yield from buffers
    for name, member in members:
        if isinstance(member, nnx.Module):
            yield from ((name, *path) for path in _paths(member))


def _members(module: nnx.Module) -> list[tuple[str, Any]]:
    """Attributes, in the order in which they were first set.

    Flax puts a module together anew (`nnx.merge`, `nnx.clone`) with its attributes by
    name. What it keeps in the old order is its record of which of them are data.
    """
    nodes = getattr(module, "_pytree__nodes", ())
    places = {name: place for place, name in enumerate(nodes)}
    # A sort is stable: without a record the order is that of the attributes.
    return sorted(vars(module).items(), key=lambda m: places.get(m[0], len(places)))


def state_dict(module: nnx.Module) -> dict[str, np.ndarray]:
    """The module's parameters and buffers, by PyTorch's names and in its order.

    The order is that in which a module's members were set: own parameters, own buffers,
    then module by module. It outlasts `nnx.split`, `nnx.merge` and `nnx.clone`.

    PyTorch: `torch.nn.Module.state_dict`.

    Example:
        >>> from jaxtrain import nn
        >>> list(state_dict(nn.Sequential(nn.Linear(3, 2), nn.ReLU())))
        ['0.weight', '0.bias']
    """
    return {
        name: np.asarray(variable[...])
        for name, variable in named_variables(module).items()
    }


def load_state_dict(module: nnx.Module, state: Mapping[str, Any]) -> None:
    """Copy parameters and buffers into the module, in the module's own dtypes.

    Args:
        module: changed in place.
        state: arrays (NumPy, JAX, or CPU tensors) by PyTorch's dotted names.

    Raises:
        ValueError: names are missing or unexpected, or shapes differ; the message lists
            all of them, and nothing is changed.

    PyTorch: `torch.nn.Module.load_state_dict`.

    Example:
        >>> from jaxtrain import nn
        >>> load_state_dict(nn.Linear(1, 1), {"weight": np.ones((1, 1))})
        Traceback (most recent call last):
            ...
        ValueError: Linear cannot load this state: missing 'bias'
    """
    own = named_variables(module)
    arrays = {name: _array(value) for name, value in state.items()}
    faults = [f"missing {name!r}" for name in own if name not in arrays]
    faults += [f"unexpected {name!r}" for name in arrays if name not in own]
    faults += [
        f"{name!r} is {arrays[name].shape}, not {own[name].shape}"
        for name in own
        if name in arrays and arrays[name].shape != own[name].shape
    ]
    if faults:
        raise ValueError(
            f"{type(module).__name__} cannot load this state: {'; '.join(faults)}"
        )
    target = nnx.state(module)
    for path, variable in nnx.to_flat_state(target):
        name = ".".join(map(str, path))
        # Copied: the caller may go on to change what was given, in place.
        variable[...] = jnp.array(arrays[name], variable.dtype)
    nnx.update(module, target)


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
    classes: list[type] = []
    try:
        for owner in owners:
            _tap(owner)
            classes.append(owner)
        yield collector.outputs
    finally:
        _collectors.reset(token)
        for owner in classes:
            _untap(owner)


class _Collector:
    """What one block gathers."""

    def __init__(self, model: nnx.Module):
        modules = named_modules(model)
        # Held, so that no other module can come to have one of these ids.
        self.modules = list(modules.values())
        self.names = {id(module): name for name, module in modules.items()}
        self.active: set[int] = set()
        self.outputs: dict[str, list[Any]] = {}

    def enter(self, module: Any) -> bool:
        """Whether this is a layer's own call, and not one of its parent class in it."""
        if id(module) not in self.names or id(module) in self.active:
            return False
        self.active.add(id(module))
        return True

    def leave(self, module: Any) -> None:
        self.active.remove(id(module))

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
            owner.__call__ = _wrap_call(owner.__call__)
        _users[owner] = _users.get(owner, 0) + 1


def _untap(owner: Any) -> None:
    with _lock:
        _users[owner] -= 1
        if not _users[owner]:
            owner.__call__ = _originals.pop(owner)
            del _users[owner]


def _wrap_call(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        collectors = [each for each in _collectors.get() if each.enter(self)]
        try:
            output = original(self, *args, **kwargs)
        finally:
            for each in collectors:
                each.leave(self)
        for each in collectors:
            each.take(self, output)
        return output

    return call
