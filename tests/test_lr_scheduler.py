"""Schedulers against `torch.optim.lr_scheduler`, equal to the last bit."""

import pytest

from jaxtrain import lr_scheduler

torch = pytest.importorskip("torch")


def torch_rates(lr: float, steps: int, **arguments: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, **arguments)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("lr", [0.1, 1e-3, 0.0, 3.7])
@pytest.mark.parametrize("step_size", [1, 2, 10, 5000])
@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.97, 1.0, 1.1])
def test_step_lr(lr: float, step_size: int, gamma: float) -> None:
    schedule = lr_scheduler.step_lr(lr, step_size, gamma)
    theirs = torch_rates(lr, 1000, step_size=step_size, gamma=gamma)
    assert [schedule(count) for count in range(1000)] == theirs


def test_any_order_of_counts_gives_the_same_values() -> None:
    schedule = lr_scheduler.step_lr(0.1, 3)
    late = schedule(30)
    assert schedule(3) == lr_scheduler.step_lr(0.1, 3)(3)
    assert schedule(30) == late


def test_the_closed_form_rounds_differently() -> None:
    theirs = torch_rates(0.1, 100, step_size=2, gamma=0.1)
    assert [0.1 * 0.1 ** (count // 2) for count in range(100)] != theirs


def test_one_step_late_is_noticed() -> None:
    schedule = lr_scheduler.step_lr(0.1, 10)
    theirs = torch_rates(0.1, 100, step_size=10)
    assert [schedule(max(count - 1, 0)) for count in range(100)] != theirs


@pytest.mark.parametrize("step_size", [0, -3])
def test_a_step_size_that_is_not_positive_is_refused(step_size: int) -> None:
    with pytest.raises(ValueError, match=str(step_size)):
        lr_scheduler.step_lr(0.1, step_size)
