"""Ports whose forward or backward pass, or whose buffers, are wrong."""

import jax
import jax.numpy as jnp
import optax
import torch
from broken_layers import (
    LAST,
    TF32,
    FlaxRNN,
    FlaxStrided,
    FlaxWords,
    Stopped,
    TorchRNN,
    TorchStrided,
    TorchWords,
    batch_norm,
    evaluated,
    group_norm,
    grouped,
    kinked,
    layer_norms,
    rounded,
    two_layer_norms,
    unscaled,
)
from broken_port import Broken
from flax import nnx
from port_parts import (
    FlaxCNN,
    OurCNN,
    TorchCNN,
    flax_mlp,
    images,
    mlp,
    pair,
    sequences,
    tokens,
    torch_mlp,
    vectors,
)

from jaxtrain import nn

MODELS = (
    Broken(
        "GELU by tanh",
        lambda: pair(torch_mlp(torch.nn.GELU()), flax_mlp(jax.nn.gelu), vectors()),
        0,
        "output",
        "GELU approximation",
    ),
    Broken(
        "SiLU for GELU",
        lambda: pair(torch_mlp(torch.nn.GELU()), flax_mlp(jax.nn.silu), vectors()),
        0,
        "output",
        "another activation",
    ),
    Broken(
        "LayerNorm's eps",
        lambda: layer_norms(),
        0,
        "output",
        "eps of normalisation",
        "1",
    ),
    Broken(
        "GroupNorm's eps",
        lambda: grouped(FlaxCNN(group_norm(epsilon=1e-6))),
        0,
        "output",
        "eps of normalisation",
        "norm",
    ),
    Broken(
        "BatchNorm's momentum",
        lambda: pair(TorchCNN(), OurCNN(nn.BatchNorm2d(4, momentum=0.01)), images()),
        0,
        "buffer",
        "momentum of normalisation",
        "norm.running_mean",
    ),
    Broken(
        "BatchNorm's variance",
        lambda: pair(
            TorchCNN(), FlaxCNN(batch_norm(momentum=0.9)), images(), jax_options=LAST
        ),
        0,
        "buffer",
        "biased running variance",
        "norm.running_var",
    ),
    Broken(
        "BatchNorm evaluated while training",
        lambda: pair(
            TorchCNN(),
            FlaxCNN(batch_norm(use_running_average=True)),
            images(),
            jax_options=LAST,
        ),
        0,
        "output",
        "training mode of normalisation",
        "norm",
    ),
    Broken(
        "dropout switched off",
        lambda: grouped(evaluated(FlaxCNN(group_norm()))),
        0,
        "output",
        "dropout is off",
        "drop",
    ),
    Broken(
        "keep probability given as rate",
        lambda: grouped(FlaxCNN(group_norm(), p=0.75)),
        0,
        "output",
        "dropout rate",
        "drop",
    ),
    Broken(
        "dropout unscaled",
        lambda: grouped(unscaled()),
        0,
        "output",
        "dropout without scaling",
        "drop",
    ),
    Broken(
        "flattened with channels last",
        lambda: grouped(FlaxCNN(group_norm(), chw=False)),
        0,
        "output",
        "flatten order",
    ),
    Broken(
        "SAME padding with strides",
        lambda: pair(TorchStrided(), FlaxStrided("SAME"), images(), jax_options=LAST),
        0,
        "output",
        "SAME padding",
        "conv",
    ),
    Broken(
        "circular padding",
        lambda: grouped(FlaxCNN(group_norm(), padding="CIRCULAR")),
        0,
        "output",
        "padding mode",
        "conv",
    ),
    Broken(
        "products in bfloat16",
        lambda: pair(torch_mlp(), rounded(jnp.bfloat16), vectors()),
        0,
        "output",
        "bfloat16 products",
        "0",
    ),
    Broken(
        "products in TF32",
        lambda: pair(torch_mlp(), TF32(), vectors()),
        0,
        "output",
        "TF32 products",
    ),
    Broken(
        "one LayerNorm's eps of two",
        two_layer_norms,
        0,
        "output",
        "eps of normalisation",
        "3",
    ),
    Broken(
        "leaky ReLU's slope",
        lambda: pair(
            torch_mlp(torch.nn.LeakyReLU(0.2)), flax_mlp(jax.nn.leaky_relu), vectors()
        ),
        0,
        "output",
        "negative slope",
    ),
    Broken(
        "a bias without gradient",
        lambda: pair(
            torch_mlp(),
            Stopped(),
            vectors(),
            map={"0.weight": "first.kernel", "0.bias": "first.bias"},
        ),
        0,
        "gradient",
        "stopped gradient",
        "0.bias",
    ),
    Broken(
        "half a gradient at ReLU's kink",
        lambda: kinked(lambda x: jnp.maximum(x, 0)),
        0,
        "gradient",
        "gradient at a kink",
        "1.bias",
    ),
    Broken(
        "the padding's embedding trained",
        lambda: pair(TorchWords(), FlaxWords(), tokens()),
        0,
        "gradient",
        "padding_idx",
        "words.weight",
    ),
    Broken(
        "one bias in an LSTM",
        lambda: pair(
            TorchRNN(torch.nn.LSTM), FlaxRNN(nnx.OptimizedLSTMCell), sequences()
        ),
        0,
        "update",
        "single bias in a recurrent cell",
        "rnn.bias_ih_l0 + rnn.bias_hh_l0",
    ),
    Broken(
        "no bias in a GRU's gate",
        lambda: pair(TorchRNN(torch.nn.GRU), FlaxRNN(nnx.GRUCell), sequences()),
        0,
        "output",
        "no bias in the reset gate",
    ),
    Broken(
        "a layer without its bias",
        lambda: mlp(
            lambda ps: torch.optim.SGD(ps, lr=0.1),
            optax.sgd(0.1),
            jax_model=flax_mlp(use_bias=False),
        ),
        0,
        "map",
        "missing bias",
    ),
)
