from flax import nnx

from jaxtrain.nn._state_dict import _members


def named_modules(model: nnx.Module) -> dict[str, nnx.Module]:
    """The model, under the empty name, and every module in it, by PyTorch's names.

    A module that is held in several places has the name of the first.

    PyTorch: `torch.nn.Module.named_modules`.

    Example:
        >>> from jaxtrain import nn
        >>> list(named_modules(nn.Sequential(nn.Linear(3, 2), nn.ReLU())))
        ['', '0', '1']
    """
    found: dict[str, nnx.Module] = {}
    seen: set[int] = set()

    def walk(path: str, module: nnx.Module) -> None:
        if id(module) in seen:
            return
        seen.add(id(module))
        found[path] = module
        for name, member in _members(module):
            if isinstance(member, nnx.Module):
                walk(f"{path}.{name}" if path else name, member)

    walk("", model)
    return found
