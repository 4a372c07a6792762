"""The networks of `jaxtrain.models` in PyTorch, as one writes them there."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from jaxtrain.run import by_name
from jaxtrain.run.config import Config


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


class CNN(nn.Module):
    """Two blocks of convolution, BatchNorm, ReLU, pooling; then two Linears."""

    def __init__(
        self,
        in_channels: int = 1,
        size: int = 28,
        out_features: int = 10,
        dropout: float = 0.0,
    ):
        super().__init__()
        blocks: list[nn.Module] = []
        for inputs, outputs in ((in_channels, 32), (32, 64)):
            blocks += [
                nn.Conv2d(inputs, outputs, 3, padding=1),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        self.features = nn.Sequential(*blocks)
        layers = [
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(64 * (size // 4) ** 2, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, out_features),
        ]
        if not dropout:
            layers = [x for x in layers if not isinstance(x, nn.Dropout)]
        self.classifier = nn.Sequential(*layers)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(input))


class BasicBlock(nn.Module):
    """Two convolutions with BatchNorm, and a shortcut around them."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.bn1(self.conv1(input)))
        return self.relu(self.bn2(self.conv2(x)) + self.shortcut(input))


class ResNetSmall(nn.Module):
    """A convolution, three residual blocks, a Linear."""

    def __init__(
        self, in_channels: int = 1, out_features: int = 10, dropout: float = 0.0
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(
            BasicBlock(16, 16, 1), BasicBlock(16, 32, 2), BasicBlock(32, 64, 2)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        masks = [nn.Dropout(dropout)] if dropout else []
        self.classifier = nn.Sequential(
            nn.Flatten(), *masks, nn.Linear(64, out_features)
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.pool(self.blocks(self.stem(input))))


class VisionTransformer(nn.Module):
    """Patches of 4x4 pixels, two pre-norm encoder layers, the mean over all patches."""

    def __init__(
        self,
        in_channels: int = 1,
        size: int = 28,
        out_features: int = 10,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.patches = nn.Conv2d(in_channels, 64, 4, 4)
        self.position = nn.Parameter(torch.empty((size // 4) ** 2, 64))
        nn.init.trunc_normal_(self.position, std=0.02)
        layers = [
            nn.TransformerEncoderLayer(
                64, 4, 128, dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(2)
        ]
        self.encoder = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(64)
        self.classifier = nn.Linear(64, out_features)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        x = self.patches(input).flatten(2).transpose(1, 2)
        return self.classifier(self.norm(self.encoder(x + self.position)).mean(1))


MODEL = replace(by_name.MODEL, find=by_name.model_in(__name__))


def make_model(config: Config) -> nn.Module:
    """The network that a configuration names."""
    return by_name.build(MODEL, config.model.name, config.model.arguments)
