"""The networks of `jaxtrain.models` in PyTorch."""

from collections.abc import Sequence

import torch
from torch import nn


class MLP(nn.Module):
    """Flatten, then Linear and ReLU for each hidden size, then Linear."""

    def __init__(
        self,
        in_features: int = 784,
        hidden: Sequence[int] = (512, 512),
        out_features: int = 10,
        dropout: float = 0.0,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        inputs = in_features
        for outputs in hidden:
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
            if dropout:
                layers.append(nn.Dropout(dropout))
            inputs = outputs
        layers.append(nn.Linear(inputs, out_features))
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(*layers)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.linear_relu_stack(self.flatten(input))
