"""One framework's run of a configuration, and fewer images to run it on."""

from dataclasses import replace

from jaxtrain.backends import load_backend
from jaxtrain.config import Config
from jaxtrain.data import Dataset, Split
from jaxtrain.history import History


def history(config: Config, dataset: Dataset, backend: str) -> History:
    """The run of a configuration by one backend.

    Raises:
        ConfigError: the backend is not there.
    """
    return History(config.to_dict(), {}).extend(load_backend(backend)(config, dataset))


def part_of(dataset: Dataset, train: int, test: int = 100) -> Dataset:
    """The first images of each split: less to train on in both frameworks."""
    splits = [
        Split(split.images[:count], split.labels[:count])
        for split, count in ((dataset.train, train), (dataset.test, test))
    ]
    return replace(dataset, train=splits[0], test=splits[1], folder=None)
