"""What a newcomer's tab key and `help` show: public names, and nothing else."""

import inspect
import pydoc
import subprocess
import sys
from importlib import import_module

import pytest

import jaxtrain
from jaxtrain import losses, lr_scheduler, nn, optim

PACKAGES = pytest.mark.parametrize(
    "package",
    [
        "jaxtrain",
        *("jaxtrain.data", "jaxtrain.data.transforms", "jaxtrain.nn.init"),
        *("jaxtrain.losses", "jaxtrain.lr_scheduler", "jaxtrain.models"),
        *("jaxtrain.nn", "jaxtrain.optim", "jaxtrain.rng", "jaxtrain.training"),
        "jaxtrain.training.metrics",
        "parity",
    ],
)


@PACKAGES
def test_what_is_listed_is_public_and_there(package: str) -> None:
    module = import_module(package)
    assert dir(module) == sorted(module.__all__)
    for name in dir(module):
        assert not name.startswith("_") or name == "__version__"
        assert getattr(module, name) is not None


def test_a_package_is_reached_from_the_top() -> None:
    code = "import jaxtrain; print(jaxtrain.optim.sgd.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "sgd\n"


@pytest.mark.parametrize(
    ("module", "name", "right"),
    [
        (nn, "CrossEntropyLoss", "here it is jaxtrain.losses.cross_entropy"),
        (nn, "Linaer", "did you mean 'Linear'?"),
        (optim, "SGD", "did you mean 'sgd'?"),
        (optim, "SparseAdam", "did you mean 'sparse_adam'?"),
        (optim, "lr_scheduler", "here it is jaxtrain.lr_scheduler"),
        (lr_scheduler, "CosineAnnealingLR", "did you mean 'cosine_annealing_lr'?"),
        (jaxtrain.init, "kaiming_uniform_", "did you mean 'kaiming_uniform'?"),
        (jaxtrain, "manual_seed", "here it is jaxtrain.rng.manual_seed"),
    ],
)
def test_a_name_of_pytorch_is_answered_with_ours(
    module: object, name: str, right: str
) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    assert str(caught.value).endswith(f"has no attribute {name!r}: {right}")


def test_the_names_that_are_offered_exist() -> None:
    """Every answer of the tables of names that are elsewhere."""
    for name in [n for n in vars(import_module("torch.nn")) if n.endswith("Loss")]:
        try:
            getattr(nn, name)
        except AttributeError as error:
            place = str(error).rpartition(" ")[2]
            if place.startswith("jaxtrain.losses."):
                assert hasattr(losses, place.removeprefix("jaxtrain.losses."))


def test_private_names_get_no_advice() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute '__wrapped__'$"):
        _ = nn.__wrapped__


@pytest.mark.parametrize("name", ["Linear", "MultiheadAttention", "LSTM"])
def test_help_shows_the_arguments_of_a_layer(name: str) -> None:
    layer = getattr(nn, name)
    own = list(inspect.signature(layer.__init__).parameters)[1:]
    assert list(inspect.signature(layer).parameters) == own
    assert f"{name}({own[0]}: " in pydoc.render_doc(layer, renderer=pydoc.plaintext)


def test_signatures_name_types_and_do_not_unfold_them() -> None:
    longest = max(
        (str(inspect.signature(getattr(optim, name))) for name in optim.OPTIMIZERS),
        key=len,
    )
    assert "jaxlib" not in longest
    assert "lr: 'Hyperparameter'" in str(inspect.signature(optim.adamw))
