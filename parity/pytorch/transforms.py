"""torchvision's transforms with parameters that jaxtrain has drawn."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import normalize

from jaxtrain.data import Dataset, transforms
from jaxtrain.run.config import Config

One = Mapping[str, Any]
"""The parameters of one image, plain numbers."""


def apply_draws(
    images: torch.Tensor, transform: transforms.Transform, drawn: Mapping[str, Any]
) -> torch.Tensor:
    """Transform images (N, C, H, W) one by one, by torchvision's own functions.

    Args:
        images: floating-point images.
        transform: says which function, and its fixed arguments.
        drawn: what `transform.draw` gave for as many images, arrays (N,).

    Raises:
        TypeError: torchvision has no counterpart of the transform.

    Example:
        >>> import numpy as np
        >>> flip = transforms.random_horizontal_flip()
        >>> drawn = {"flip": np.array([True])}
        >>> apply_draws(torch.tensor([[[[1.0, 2.0]]]]), flip, drawn)
        tensor([[[[2., 1.]]]])
    """
    function = _function(transform)
    columns = [values.tolist() for values in drawn.values()]
    ones = (dict(zip(drawn, row, strict=True)) for row in zip(*columns, strict=True))
    return torch.stack(
        [
            function(image, transform, one)
            for image, one in zip(images, ones, strict=True)
        ]
    )


def apply_chain(
    images: torch.Tensor,
    augmentation: transforms.Augmentation,
    drawn: Sequence[Mapping[str, Any]],
) -> torch.Tensor:
    """Transform images by all transforms in turn; `drawn` is that of one step.

    Example:
        >>> flip = transforms.random_vertical_flip(p=1)
        >>> chain = transforms.Augmentation([flip], seed=0)
        >>> drawn = transforms.Augmentation.draw(chain, 0, (1, 1), (2, 1))
        >>> one_step = [{"flip": drawn[0]["flip"][0]}]
        >>> apply_chain(torch.tensor([[[[1.0], [2.0]]]]), chain, one_step)
        tensor([[[[2.],
                  [1.]]]])
    """
    for transform, parameters in zip(augmentation.transforms, drawn, strict=True):
        images = apply_draws(images, transform, parameters)
    return images


def _crop(image: torch.Tensor, crop: transforms.RandomCrop, one: One) -> torch.Tensor:
    size = crop.output_size(*image.shape[-2:])
    padded = F.pad(image, list(crop.padding), crop.fill, crop.padding_mode)
    return F.crop(padded, one["top"], one["left"], *size)


def _hflip(image: torch.Tensor, flip: Any, one: One) -> torch.Tensor:
    return F.hflip(image) if one["flip"] else image


def _vflip(image: torch.Tensor, flip: Any, one: One) -> torch.Tensor:
    return F.vflip(image) if one["flip"] else image


def _rotate(
    image: torch.Tensor, rotation: transforms.RandomRotation, one: One
) -> torch.Tensor:
    # In bfloat16, torchvision would round the coordinates to some tenth of a pixel.
    precise = image.to(torch.promote_types(image.dtype, torch.float32))
    channels = len(image)
    fill = list(rotation.fill if len(rotation.fill) > 1 else rotation.fill * channels)
    mode = InterpolationMode(rotation.interpolation)
    return F.rotate(precise, one["angle"], mode, fill=fill).to(image.dtype)


def _erase(
    image: torch.Tensor, erasing: transforms.RandomErasing, one: One
) -> torch.Tensor:
    value = torch.tensor(erasing.value, dtype=image.dtype, device=image.device)
    where = (one[name] for name in ("i", "j", "h", "w"))
    return F.erase(image, *where, value[:, None, None])


Function = Callable[[torch.Tensor, Any, One], torch.Tensor]

FUNCTIONS: dict[type[transforms.Transform], Function] = {
    transforms.RandomCrop: _crop,
    transforms.RandomErasing: _erase,
    transforms.RandomHorizontalFlip: _hflip,
    transforms.RandomRotation: _rotate,
    transforms.RandomVerticalFlip: _vflip,
}


def _function(transform: transforms.Transform) -> Function:
    if type(transform) not in FUNCTIONS:
        raise TypeError(f"torchvision has no counterpart of {transform!r}")
    return FUNCTIONS[type(transform)]


class Augment:
    """Applies what `--augment` draws for a step to that step's batch.

    The parameters are jaxtrain's, which depend on the seed and the step alone; the
    transforms are torchvision's. Without `--augment` it changes nothing.

    Args:
        config: the run.
        dataset: what it trains on.

    Raises:
        ConfigError: a transform does not exist, or does not fit the images.
    """

    def __init__(self, config: Config, dataset: Dataset):
        self.normalization = config.data.normalization
        self.chain = None
        if config.data.augment:
            # Imported here: both import JAX, which few runs of PyTorch need.
            from jaxtrain.run.recipe import augmentation, drawer

            self.chain = augmentation(config)
            self.draw = drawer(config, dataset)

    def __call__(self, X: torch.Tensor, step: int) -> torch.Tensor:
        """Images (N, 1, H, W) of a step, counted from 0 over the run."""
        if self.chain is None:
            return X
        draws = [
            {name: values[0] for name, values in each.items()}
            for each in self.draw(step, (1, len(X)))
        ]
        X = apply_chain(X, self.chain, draws)
        if self.normalization is None:
            return X
        mean, std = self.normalization
        return normalize(X, [mean], [std])
