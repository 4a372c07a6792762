"""`torch.nn.functional`'s functions: same names, arguments, defaults and meanings.

The layers of `jaxtrain.nn` are arguments, parameters and a call of one of these.

    import jaxtrain.nn.functional as F

Losses are those of `jaxtrain.losses`, which see, without PyTorch's deprecated
`size_average` and `reduce`. `inplace` is taken and ignored, and `relu_` and the others
with an underscore return their result: arrays cannot be changed. Random numbers come
from `nn.dropout_source`, by default from `rng.default_generator`: PyTorch's own after
`manual_seed`. `dropout` and `alpha_dropout` take an `order` besides: the axes as they
lie in PyTorch's memory, in whose order PyTorch fills a mask.

`batch_norm` and `instance_norm` return the output alone, as PyTorch's do, and cannot
move the running statistics that they are given; `batch_norm_with_statistics` and
`instance_norm_with_statistics`, which PyTorch does not have, return them moved, and
`embedding_renorm` the table that `embedding(max_norm=…)` leaves behind in PyTorch.

Left out: `scaled_mm`, `grouped_mm` and `scaled_grouped_mm`, which exist for 8-bit and
16-bit products of NVIDIA's cards, and have neither a gradient nor a kernel elsewhere
to compare with.
"""

from jaxtrain._lazy import face

_CARDS = "left out: products of NVIDIA's cards alone; see jax.lax.ragged_dot and dot"

__getattr__, __dir__, __all__ = face(
    __name__,
    __file__,
    elsewhere={
        "flatten": "jaxtrain.nn.Flatten",
        "grouped_mm": _CARDS,
        "scaled_grouped_mm": _CARDS,
        "scaled_mm": _CARDS,
    },
)
