"""Transforms by name, as the command line gives them."""

from collections.abc import Iterable

from jaxtrain.data import transforms
from jaxtrain.run import by_name


def build(specs: Iterable[str | by_name.Call]) -> "tuple[transforms.Transform, ...]":
    """Transforms of texts, in their order.

    Args:
        specs: each a name, a call such as `random_crop(padding=4)`, several of them
            with commas between, or a `registry.Call`.

    Raises:
        ConfigError: there is no such transform, or the arguments do not fit.

    Example:
        >>> build(["random_vertical_flip", "random_horizontal_flip(p=0.25)"])
        (RandomVerticalFlip(p=0.5), RandomHorizontalFlip(p=0.25))
        >>> build(["random_flop"])
        Traceback (most recent call last):
            ...
        jaxtrain.errors.ConfigError: unknown transform 'random_flop': did you mean \
'random_crop'?
    """
    return tuple(_built(call) for spec in specs for call in parse(spec))


def parse(spec: str | by_name.Call) -> list[by_name.Call]:
    """The calls of a text, names without arguments among them; imports no JAX.

    Raises:
        ConfigError: it is not of that form.

    Example:
        >>> parse("random_erasing(p=0.25)")
        [Call(name='random_erasing', arguments={'p': 0.25})]
        >>> parse("random_horizontal_flip")
        [Call(name='random_horizontal_flip', arguments={})]
    """
    if isinstance(spec, by_name.Call):
        return [spec]
    if isinstance(spec, str) and spec.strip().isidentifier():
        return [by_name.Call(spec.strip(), {})]
    try:
        return by_name.parse_calls(spec)
    except by_name.ConfigError:
        raise by_name.ConfigError(
            f"{spec!r} is not of the form NAME or NAME(KEY=VALUE), "
            "as random_crop(padding=4) is"
        ) from None


def _built(call: by_name.Call) -> "transforms.Transform":
    by_name.check_name("transform", call.name, transforms.TRANSFORMS)
    return by_name.build(
        getattr(transforms, call.name),
        kind="transform",
        name=call.name,
        arguments=call.arguments,
    )
