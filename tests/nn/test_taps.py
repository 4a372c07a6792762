"""Layer outputs: PyTorch's hooks see the same, and no class keeps a tap."""

import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxtrain import nn
from jaxtrain.models import CNN, MLP, ResNetSmall, VisionTransformer
from jaxtrain.nn import module as _taps
from jaxtrain.rng import Generator

MODELS: dict[str, Callable[..., nnx.Module]] = {
    "MLP": MLP,
    "CNN": CNN,
    "ResNetSmall": ResNetSmall,
    "VisionTransformer": VisionTransformer,
}
IMAGES = np.random.default_rng(0).uniform(size=(3, 1, 28, 28))


@pytest.fixture(autouse=True)
def _nothing_stays() -> Any:
    before = {kind: vars(kind)["__call__"] for kind in (nn.ReLU, nn.Linear, nnx.Linear)}
    yield
    assert _taps._users == _taps._originals == {}
    assert _taps._collectors.get() == ()
    assert before == {kind: vars(kind)["__call__"] for kind in before}


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2, generator=Generator(0)), nn.ReLU())


@pytest.mark.parametrize("name", MODELS)
def test_modules_and_outputs_are_those_of_pytorch_s_hooks(name: str) -> None:
    """To 1e-12 of the largest: float64 sums of at most 3136 terms of size one."""
    torch = pytest.importorskip("torch")
    from parity.pytorch import networks as torch_models

    theirs = getattr(torch_models, name)().double()
    with jax.enable_x64(True):
        ours = MODELS[name](generator=Generator(0), dtype=jnp.float64)
        state = {key: torch.asarray(v.copy()) for key, v in nn.state_dict(ours).items()}
        theirs.load_state_dict(state, strict=False)
        assert named_in_order(ours, theirs)
        seen: dict[str, list[Any]] = {}
        for path, module in theirs.named_modules():

            def hook(_m: Any, _i: Any, output: Any, path: str = path) -> None:
                if isinstance(output, torch.Tensor):
                    seen.setdefault(path, []).append(output.detach().numpy().copy())

            module.register_forward_hook(hook)
        theirs(torch.asarray(IMAGES))
        with nn.layer_outputs(ours) as outputs:
            ours(jnp.asarray(IMAGES))  # type: ignore[operator]
    # Attention's result is dropped out with time first, as its masks are drawn.
    turned = [path for path in outputs if path.endswith(".dropout1")]
    common = [path for path in outputs if path in seen and path not in turned]
    assert len(common) > 4
    assert [path for path in seen if path in common] == common
    for path in common:
        assert len(outputs[path]) == len(seen[path]), path
        for mine, its in zip(outputs[path], seen[path], strict=True):
            error = np.abs(np.asarray(mine) - its).max()
            assert error <= 1e-12 * np.abs(its).max(), path


def named_in_order(ours: nnx.Module, theirs: Any) -> bool:
    """Whether the modules that both have come in one order.

    Where theirs is a plain function ours may be a module, as attention's dropout.
    """
    mine = list(nn.named_modules(ours))
    its = [path for path, _ in theirs.named_modules()]
    return [p for p in mine if p in its] == [p for p in its if p in mine]


def test_the_output_of_another_layer_would_be_seen() -> None:
    model = small()
    with nn.layer_outputs(model) as outputs:
        result = model(jnp.array([[1.0, -2.0, 3.0]]))
    assert (outputs["1"][0] == result).all()
    assert not (outputs["0"][0] == result).all()


def test_every_call_of_a_shared_module_is_one_entry() -> None:
    relu = nn.ReLU()
    model = nn.Sequential(relu, nn.Softplus(), relu)
    assert list(nn.named_modules(model)) == ["", "0", "1"]
    with nn.layer_outputs(model) as outputs:
        model(jnp.array([-1.0]))
    assert {name: len(arrays) for name, arrays in outputs.items()} == {
        "0": 2,
        "1": 1,
        "": 1,
    }


class Doubled(nn.Linear):
    def __call__(self, input: jax.Array) -> jax.Array:
        return 2 * super().__call__(input)


def test_a_parent_s_call_is_not_an_output() -> None:
    layer = Doubled(3, 2, generator=Generator(0))
    with nn.layer_outputs(layer) as outputs:
        result = layer(jnp.ones((1, 3)))
    assert len(outputs[""]) == 1
    assert (outputs[""][0] == result).all()


class Plain(nn.ReLU):
    """Has no `__call__` of its own."""


def test_a_class_that_inherits_its_call_keeps_none() -> None:
    layer = Plain()
    with nn.layer_outputs(layer) as outputs:
        layer(jnp.ones(1))
        nn.ReLU()(jnp.ones(1))
    assert len(outputs[""]) == 1
    assert "__call__" not in vars(Plain)


def test_flax_s_own_layers_are_seen_too() -> None:
    model = nnx.Sequential(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), jax.nn.relu)
    with nn.layer_outputs(model) as outputs:
        model(jnp.ones((1, 3)))
    assert list(outputs) == ["layers.0", ""]


def test_a_model_of_the_same_classes_is_not_collected() -> None:
    ours, other = small(), small()
    with nn.layer_outputs(ours) as outputs:
        other(jnp.ones((1, 3)))
    assert outputs == {}


def test_blocks_may_be_nested() -> None:
    model = small()
    with nn.layer_outputs(model) as outer:
        with nn.layer_outputs(model) as inner:
            model(jnp.ones((1, 3)))
        model(jnp.ones((1, 3)))
    assert [len(inner["1"]), len(outer["1"])] == [1, 2]


class Failing(nnx.Module):
    def __call__(self, input: jax.Array) -> jax.Array:
        raise RuntimeError("as it should")


def test_a_failing_layer_leaves_nothing_behind() -> None:
    model = nn.Sequential(nn.ReLU(), Failing())
    with (
        pytest.raises(RuntimeError, match="as it should"),
        nn.layer_outputs(model) as outputs,
    ):
        model(jnp.ones(1))
    assert list(outputs) == ["0"]
    # The layers of a call that failed inside a block are seen again in the next.
    with nn.layer_outputs(model) as outputs:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="as it should"):
                model(jnp.ones(1))
    assert len(outputs["0"]) == 2


def test_threads_see_their_own_calls_and_leave_in_any_order() -> None:
    models = [small(), small()]
    inside, leave = threading.Barrier(2), [threading.Event(), threading.Event()]
    counts: dict[int, int] = {}

    def work(number: int) -> None:
        with nn.layer_outputs(models[number]) as outputs:
            inside.wait(30)
            for model in models:
                model(jnp.ones((1, 3)))
            leave[number].wait(30)
        counts[number] = sum(map(len, outputs.values()))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    # The first to come leaves first: its own copy of the class was not the original.
    for number in range(2):
        leave[number].set()
        threads[number].join(30)
    assert counts == {0: 3, 1: 3}


def test_traced_outputs_can_leave_the_compiled_function() -> None:
    graph, state = nnx.split(small())

    @jax.jit
    def forward(state: nnx.State, x: jax.Array) -> Any:
        model = nnx.merge(graph, state)
        with nn.layer_outputs(model) as outputs:
            model(x)
        return dict(outputs)

    given = forward(state, jnp.ones((4, 3)))
    assert {name: arrays[0].shape for name, arrays in given.items()} == {
        "0": (4, 2),
        "1": (4, 2),
        "": (4, 2),
    }
