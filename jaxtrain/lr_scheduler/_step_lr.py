from collections.abc import Callable


def step_lr(lr: float, step_size: int, gamma: float = 0.1) -> Callable[[int], float]:
    """Multiply the learning rate by `gamma` every `step_size` steps.

    lr_t = lr_{t-1} · gamma where step_size divides t, else lr_{t-1}: a running product,
    which rounds as PyTorch's does, and not lr · gamma^k.

    Args:
        lr: base learning rate.
        step_size: steps between two decays.
        gamma: factor of each decay.

    Returns:
        `schedule(count)`, the learning rate after `count` scheduler steps.

    Raises:
        ValueError: `step_size` is not positive.

    PyTorch: `torch.optim.lr_scheduler.StepLR`.

    Example:
        >>> schedule = step_lr(0.1, step_size=2)
        >>> [schedule(count) for count in range(5)]
        [0.1, 0.1, 0.010000000000000002, 0.010000000000000002, 0.0010000000000000002]
    """
    if step_size <= 0:
        raise ValueError(f"step_size must be positive, but got {step_size}")
    values = [lr]

    def schedule(count: int) -> float:
        while len(values) <= count // step_size:
            values.append(values[-1] * gamma)
        return values[count // step_size]

    return schedule
