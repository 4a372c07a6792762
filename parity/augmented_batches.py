"""Training batches changed at random, by torchvision's functions."""

import torch
from torchvision.transforms.functional import normalize

from jaxtrain.config import Config
from jaxtrain.data import Dataset


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
            from jaxtrain.training import augmentation, drawer

            self.chain = augmentation(config)
            self.draw = drawer(config, dataset)

    def __call__(self, X: torch.Tensor, step: int) -> torch.Tensor:
        """Images (N, 1, H, W) of a step, counted from 0 over the run."""
        if self.chain is None:
            return X
        from parity.torch_augment import apply_chain

        drawn = [
            {name: values[0] for name, values in each.items()}
            for each in self.draw(step, (1, len(X)))
        ]
        X = apply_chain(X, self.chain, drawn)
        if self.normalization is None:
            return X
        mean, std = self.normalization
        return normalize(X, [mean], [std])
