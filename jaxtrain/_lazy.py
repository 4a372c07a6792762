"""Packages whose names are listed at once and imported on first use.

The command line lists every optimiser, scheduler and loss in `--help`, which must not
cost the second that importing JAX, Flax and Optax takes.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import lazy_loader

from jaxtrain.errors import nearest


def face(
    package: str,
    file: str,
    constants: Iterable[str] = (),
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """A package's `__getattr__`, `__dir__` and `__all__`.

    The stub beside the package's `__init__.py` says which name is where, to type
    checkers and to this function alike.

    Args:
        package: the package's `__name__`.
        file: its `__file__`.
        constants: public names that the package itself defines.
        elsewhere: names that readers of PyTorch look for here -> where they are.

    Raises:
        AttributeError: by `__getattr__`, with the nearest name that exists.
    """
    find, _, names = lazy_loader.attach_stub(package, file)
    public = sorted([*names, *constants])
    refuse, directory = listing(package, public, elsewhere)

    def __getattr__(name: str) -> Any:
        return find(name) if name in names else refuse(name)

    return __getattr__, directory, public


def listing(
    module: str,
    public: Iterable[str],
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Callable[[str], NoReturn], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a module that has imported all its names.

    Args:
        module: its `__name__`.
        public: its public names.
        elsewhere: names that readers of PyTorch look for here -> where they are.

    Raises:
        AttributeError: by `__getattr__`, with the nearest name that exists.
    """
    names = sorted(public)

    def __getattr__(name: str) -> NoReturn:
        hint = "" if name.startswith("_") else _hint(name, names, elsewhere)
        raise AttributeError(f"module {module!r} has no attribute {name!r}{hint}")

    return __getattr__, lambda: list(names)


def _hint(name: str, public: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    if name in elsewhere:
        return f": here it is {elsewhere[name]}"
    # PyTorch's classes are functions here: SparseAdam is sparse_adam, StepLR step_lr.
    plain = {each.replace("_", "").casefold(): each for each in public}
    near = plain.get(name.replace("_", "").casefold()) or nearest(name, public)
    return f": did you mean {near!r}?" if near else ""
