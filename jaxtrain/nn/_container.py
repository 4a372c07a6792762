from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
from flax import nnx


class Ordered(nnx.Module):
    """Members in order, each an attribute under a name of its own.

    Example:
        >>> Ordered([("a", Identity())]).names
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


class Sequential(Ordered):
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


class ModuleList(Ordered):
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

    def extend(self, modules: Iterable[nnx.Module]) -> "ModuleList":
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


class Identity(nnx.Module):
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
