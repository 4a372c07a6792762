"""Activations, softmax and attention, as in `torch.nn.modules.activation`."""
