"""What a case of the data is: a sampler, a data set, a batch, a loader, a draw.

All draws begin with the default generators of the library, of NumPy and of Python
seeded by the seed of the case, and end with one more draw of each, which shows how far
the case went.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parity.proof.data.datasets import DatasetRecipe

Arguments = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class SamplerCase:
    """A sampler that is iterated some times in turn."""

    name: str
    size: int = 0
    """Of the data set, for samplers that take one."""
    args: Arguments = field(default_factory=dict)
    inner: "SamplerCase | None" = None
    """The sampler that a `BatchSampler` takes its indices from."""
    generator: int | None = None
    """Seed of its own generator; None: the default one."""
    seed: int = 0
    passes: int = 2
    between: int = 0
    """Numbers drawn from the default generator before each pass but the first."""
    stop: int | None = None
    """A pass is given up after so many indices."""
    epochs: tuple[int, ...] = ()
    """Given to `set_epoch`, each before a pass."""
    raises: str = ""
    """Name of PyTorch's exception, at construction."""


@dataclass(frozen=True, eq=False)
class DatasetCase:
    """Length and samples of a data set, as `probes` ask for them."""

    dataset: DatasetRecipe
    probes: tuple[int | slice, ...] = ()
    """Of none, all samples are asked for in turn."""
    seed: int = 0
    raises: str = ""
    """By the construction, or by the last probe if there are any."""
    warns: bool = False


@dataclass(frozen=True)
class Values:
    """A tensor of the library in a sample."""

    numbers: Any
    dtype: str = "float32"


@dataclass(frozen=True, eq=False)
class CollateCase:
    """`default_collate` of a list of samples; types of containers are compared too."""

    samples: tuple[Any, ...]
    raises: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class LoaderCase:
    """A `DataLoader` that is iterated some times in turn."""

    dataset: DatasetRecipe
    args: Arguments = field(default_factory=dict)
    sampler: SamplerCase | None = None
    batch_sampler: SamplerCase | None = None
    generator: int | None = None
    """Seed of its own generator; None: the default one."""
    seed: int = 0
    passes: int = 2
    between: int = 0
    """Numbers drawn from the default generator before each pass but the first."""
    inside: int = 0
    """Numbers drawn from the default generator after each batch."""
    stop: int | None = None
    """A pass is given up after so many batches."""
    raises: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class DrawCase:
    """A draw of a generator: `times` draws in turn, then one of `random_` more."""

    name: str
    """`"multinomial"`, `"randint"`, `"exponential"`, `"randperm"`, `"bernoulli"`."""
    args: Arguments
    """Those of `torch.multinomial`, `torch.randint`, `Tensor.exponential_` and so on;
    `size` is that of the tensor."""
    dtype: str = "float32"
    """Of weights and results that are floating."""
    seed: int = 0
    times: int = 2
    raises: str = ""
    note: str = ""
