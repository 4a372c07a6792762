"""Pooling layers, as in `torch.nn.modules.pooling`."""
