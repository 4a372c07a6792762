"""Recurrent layers and their cells, as in `torch.nn.modules.rnn`."""
