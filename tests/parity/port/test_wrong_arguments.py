"""What makes no sense is refused in one line that says what would."""

import copy
from collections.abc import Callable
from typing import Any

import optax
import pytest

torch = pytest.importorskip("torch")

from port_parts import flax_mlp, mlp, torch_mlp, vectors

from parity.port import Case, JaxSide, TorchSide, compare

LOSS = torch.nn.CrossEntropyLoss()


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1)


def side(scheduler: Callable[[Any], Any]) -> TorchSide:
    model = torch_mlp()
    optimizer = sgd(model.parameters())
    return TorchSide(model, LOSS, optimizer, scheduler=scheduler(optimizer))


def lbfgs() -> TorchSide:
    model = torch_mlp()
    return TorchSide(model, LOSS, torch.optim.LBFGS(model.parameters()))


schedulers = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lbfgs, ValueError, "must not be LBFGS"),
        (
            lambda: side(schedulers.ReduceLROnPlateau),
            ValueError,
            "must not be ReduceLROnPlateau",
        ),
        (
            lambda: side(lambda o: [schedulers.StepLR(o, 1)]),
            TypeError,
            "with step.*not list",
        ),
        (
            lambda: side(lambda o: schedulers.StepLR(copy.deepcopy(o), 1)),
            ValueError,
            "drives another optimizer",
        ),
    ],
)
def test_a_side_is_refused_at_construction(
    make: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_a_scheduler_of_the_same_optimizer_is_taken() -> None:
    assert side(lambda o: schedulers.StepLR(o, 1)).scheduler is not None
    chained = lambda o: schedulers.ChainedScheduler([schedulers.StepLR(o, 1)])  # noqa: E731
    assert side(chained).scheduler is not None


def test_sides_that_are_exchanged() -> None:
    case = mlp(sgd, optax.sgd(0.1))
    with pytest.raises(TypeError, match="must be a TorchSide, not JaxSide"):
        Case(case.jax, case.torch, vectors())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a JaxSide, not TorchSide"):
        Case(case.torch, case.torch, vectors())  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["torch_options", "jax_options"])
def test_a_preparation_that_returns_nothing(which: str) -> None:
    options: dict[str, Any] = {which: {"prepare": lambda x, y: None}}
    name = "TorchSide" if which == "torch_options" else "JaxSide"
    with pytest.raises(TypeError, match=rf"{name}.prepare .* not NoneType"):
        compare(mlp(sgd, optax.sgd(0.1), **options))


def test_a_batch_that_is_no_pair() -> None:
    batches = [x for x, _ in vectors()]
    with pytest.raises(TypeError, match=r"\(input, \*targets\), not ndarray"):
        compare(mlp(sgd, optax.sgd(0.1), batches=batches))


def test_a_generator_that_was_used_up() -> None:
    batches = iter(vectors())
    list(batches)
    with pytest.raises(ValueError, match="used up"):
        compare(mlp(sgd, optax.sgd(0.1), batches=batches))  # type: ignore[arg-type]


def test_the_variables_of_an_optimizer_are_those_that_are_trained() -> None:
    from flax import nnx

    port, tx = flax_mlp(), optax.sgd(0.1)
    last = nnx.All(nnx.Param, lambda path, value: 2 in path)
    own = nnx.Optimizer(port, tx, wrt=last)
    assert JaxSide(port, LOSS, own).wrt is own.wrt
    assert JaxSide(port, LOSS, own, wrt=nnx.BatchStat).wrt is nnx.BatchStat
    assert JaxSide(port, LOSS, tx).wrt is nnx.Param
