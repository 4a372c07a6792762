"""Layers made of attention, as in `torch.nn.modules.transformer`."""
