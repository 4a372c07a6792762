"""Modules and parameters in order, by name or by place."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxtrain.nn.module import Module


class Members(Module):
    """Members in order, each an attribute under a name of its own.

    Example:
        >>> Members([("a", Identity())]).names
        ('a',)
    """

    def __init__(self, members: Iterable[tuple[str, Any]]):
        self.names: tuple[str, ...] = ()
        for name, member in members:
            self._add(name, member)

    def _add(self, name: str, member: Any) -> None:
        if hasattr(self, name):
            raise ValueError(f"{type(self).__name__}: the name {name!r} is taken")
        setattr(self, name, member)
        self.names = (*self.names, name)

    def append(self, module: Any) -> Any:
        """Add one module at the end, named by its place, and return the container.

        Example:
            >>> len(Sequential().append(Identity()))
            1
        """
        self._add(str(len(self.names)), module)
        return self

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, name) for name in self.names)

    def __setitem__(self, index: int, module: Any) -> None:
        setattr(self, self.names[index], module)


class Sequential(Members):
    """Modules applied one after another: y = f_n(… f_1(x)).

    Its children are named `"0"`, `"1"`, … as in PyTorch, so that the parameters of the
    first are `0.weight` and `0.bias`; or by the keys of one ordered mapping. A slice
    keeps the names that its modules had.

    Args:
        layers: modules or plain functions, in order; or one mapping of names to them.

    Raises:
        ValueError: a name is that of an attribute.

    PyTorch: `torch.nn.Sequential`.

    Example:
        >>> import jax.numpy as jnp
        >>> Sequential(jnp.exp, jnp.log1p)(jnp.zeros(1))
        Array([0.6931472], dtype=float32)
    """

    def __init__(
        self, *layers: Callable[[jax.Array], jax.Array] | Mapping[str, Callable]
    ):
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            super().__init__(layers[0].items())
        else:
            super().__init__((str(i), layer) for i, layer in enumerate(layers))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential({name: getattr(self, name) for name in self.names[index]})
        return getattr(self, self.names[index])

    def __call__(self, input: Any) -> Any:
        for layer in self:
            input = layer(input)
        return input


class ModuleList(Members):
    """A list of modules whose parameters count as the holder's.

    Its children are named `"0"`, `"1"`, … as in PyTorch; a slice numbers them anew.

    Args:
        modules: in order.

    PyTorch: `torch.nn.ModuleList`.

    Example:
        >>> layers = ModuleList(Identity() for _ in range(3))
        >>> len(layers), len(layers[1:])
        (3, 2)
    """

    def __init__(self, modules: Iterable[nnx.Module] = ()):
        super().__init__((str(i), module) for i, module in enumerate(modules))

    def extend(self, modules: Iterable[nnx.Module]) -> ModuleList:
        """Add modules at the end, and return the list.

        Example:
            >>> len(ModuleList().extend([Identity(), Identity()]))
            2
        """
        for module in list(modules):
            self.append(module)
        return self

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return ModuleList(list(self)[index])
        return getattr(self, self.names[index])


class Identity(Module):
    """y = x.

    Args:
        args: ignored.
        kwargs: ignored.

    PyTorch: `torch.nn.Identity`.

    Example:
        >>> Identity(54, unused=True)(3)
        3
    """

    def __init__(self, *args: Any, **kwargs: Any):
        pass

    def __call__(self, input: Any) -> Any:
        return input


def _as_parameter(value: Any) -> Any:
    """Arrays become parameters, as tensors do in PyTorch; all else stays."""
    if isinstance(value, jax.Array | np.ndarray):
        return nnx.Param(jnp.asarray(value))
    return value


class ParameterList(Members):
    """A list of parameters, which count as the holder's.

    Their names are `"0"`, `"1"`, …; a slice numbers them anew.

    Args:
        values: in order. Arrays become parameters.

    PyTorch: `torch.nn.ParameterList`.

    Example:
        >>> scales = ParameterList([jnp.ones(2), jnp.zeros(3)])
        >>> len(scales), scales[1].shape
        (2, (3,))
    """

    def __init__(self, values: Iterable[Any] = ()):
        super().__init__((str(i), _as_parameter(v)) for i, v in enumerate(values))

    def append(self, value: Any) -> ParameterList:
        """Add one parameter at the end, and return the list.

        Example:
            >>> len(ParameterList().append(jnp.ones(2)))
            1
        """
        return super().append(_as_parameter(value))

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add parameters at the end, and return the list.

        Example:
            >>> len(ParameterList().extend([jnp.ones(2), jnp.ones(3)]))
            2
        """
        for value in list(values):
            self.append(value)
        return self

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return ParameterList(list(self)[index])
        return getattr(self, self.names[index])

    def __setitem__(self, index: int, value: Any) -> None:
        super().__setitem__(index, _as_parameter(value))


class _Dict(Members):
    """Members by name, in the order in which they came."""

    def __init__(self, members: Mapping[str, Any] | Iterable[tuple[str, Any]]):
        super().__init__(())
        self.update(members)

    def _member(self, value: Any) -> Any:
        return value

    def __getitem__(self, key: str) -> Any:
        if key not in self.names:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:  # type: ignore[override]
        if key in self.names:
            setattr(self, key, self._member(value))
        else:
            self._add(key, self._member(value))

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __contains__(self, key: object) -> bool:
        return key in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def keys(self) -> tuple[str, ...]:
        """The names, in order."""
        return self.names

    def values(self) -> tuple[Any, ...]:
        """The members, in order."""
        return tuple(getattr(self, name) for name in self.names)

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Pairs of both, in order."""
        return tuple(zip(self.names, self.values(), strict=True))

    def pop(self, key: str) -> Any:
        """Take a member out, and return it."""
        member = self[key]
        delattr(self, key)
        self.names = tuple(name for name in self.names if name != key)
        return member

    def clear(self) -> None:
        """Take all members out."""
        for key in self.names:
            self.pop(key)

    def update(self, members: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add members, or put them in the place of those of the same names."""
        pairs = members.items() if hasattr(members, "items") else members
        for key, value in pairs:
            self[key] = value


class ModuleDict(_Dict):
    """A dictionary of modules, whose parameters count as the holder's.

    Args:
        modules: a mapping of names to modules, or pairs of them.

    Raises:
        ValueError: a name is that of an attribute.

    PyTorch: `torch.nn.ModuleDict`.

    Example:
        >>> from jaxtrain import nn
        >>> heads = ModuleDict({"small": nn.Linear(4, 2), "large": nn.Linear(4, 9)})
        >>> list(heads), heads["large"].out_features
        (['small', 'large'], 9)
    """

    def __init__(
        self, modules: Mapping[str, nnx.Module] | Iterable[tuple[str, nnx.Module]] = ()
    ):
        super().__init__(modules)

    def append(self, module: Any) -> Any:
        raise TypeError("a ModuleDict takes modules by name")


class ParameterDict(_Dict):
    """A dictionary of parameters, which count as the holder's.

    Args:
        parameters: a mapping of names to parameters, which come in alphabetical order
            unless it is an `OrderedDict`, or pairs of both. Arrays become parameters.

    Raises:
        ValueError: a name is that of an attribute.

    PyTorch: `torch.nn.ParameterDict`.

    Example:
        >>> scales = ParameterDict({"left": jnp.ones(2), "right": jnp.zeros(3)})
        >>> list(scales), scales["right"].shape
        (['left', 'right'], (3,))
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()):
        super().__init__(parameters)

    def _member(self, value: Any) -> Any:
        return _as_parameter(value)

    def update(self, members: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add parameters, those of a plain mapping by name, as PyTorch does."""
        has_order = isinstance(members, OrderedDict | ParameterDict)
        if isinstance(members, Mapping) and not has_order:
            members = sorted(members.items())
        super().update(members)

    def append(self, value: Any) -> Any:
        raise TypeError("a ParameterDict takes parameters by name")
