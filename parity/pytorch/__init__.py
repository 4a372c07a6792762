"""The original: the same run, networks, losses and schedules in PyTorch."""
