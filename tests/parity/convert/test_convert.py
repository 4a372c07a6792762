"""Checkpoints of real training, there and back; files that are not what they say."""

import math
import pickle
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.torch
import torch

from jaxtrain import models, nn, optim, rng
from parity import convert
from parity.__main__ import main
from parity.pytorch.networks import CNN

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures" / "old_trees"))
import make_old_trees as old_trees


def trained() -> dict[str, Any]:
    """What a PyTorch script saves after three steps."""
    torch.manual_seed(0)
    model = CNN(dropout=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, amsgrad=True)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    for step in range(3):
        loss = model(torch.rand(4, 1, 28, 28)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step(step)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": {**scheduler.state_dict(), "best_seen": math.inf},
        "rng": torch.get_rng_state(),
        "half": torch.arange(5).to(torch.bfloat16),
        "nothing": torch.empty(0, 3),
        "history": [(1, 0.5), (2, None), (3, -math.inf)],
        "name": "a run",
        "done": False,
    }


def assert_same(theirs: Any, found: Any, path: str = "") -> None:
    if isinstance(theirs, torch.Tensor):
        assert found.dtype == theirs.dtype, path
        assert found.shape == theirs.shape, path
        assert torch.equal(found, theirs), path
    elif isinstance(theirs, dict):
        assert list(found) == list(theirs), path
        for key, value in theirs.items():
            assert_same(value, found[key], f"{path}/{key}")
    elif isinstance(theirs, list | tuple):
        assert type(found) is type(theirs), path
        assert len(found) == len(theirs), path
        for i, value in enumerate(theirs):
            assert_same(value, found[i], f"{path}/{i}")
    else:
        assert type(found) is type(theirs), path
        assert found == theirs, path


def test_there_and_back_is_the_same_to_the_bit(tmp_path: Path) -> None:
    first, middle, last = (tmp_path / n for n in ("a.pt", "b.safetensors", "c.pth"))
    saved = trained()
    torch.save(saved, first)
    convert.convert(first, middle)
    convert.convert(middle, last)
    assert_same(saved, torch.load(last, weights_only=True))


def test_the_comparison_sees_one_changed_bit() -> None:
    saved, other = trained(), trained()
    assert_same(saved, other)
    moment = other["optimizer"]["state"][0]["exp_avg"]
    moment.view(torch.int32)[0, 0, 0, 0] ^= 1
    with pytest.raises(AssertionError, match="/optimizer/state/0/exp_avg"):
        assert_same(saved, other)


def test_training_goes_on_from_it_in_both_frameworks(tmp_path: Path) -> None:
    saved = trained()
    torch.save(saved, tmp_path / "a.pt")
    convert.convert(tmp_path / "a.pt", tmp_path / "b.safetensors")
    tree = convert.read(tmp_path / "b.safetensors")
    model = models.CNN(dropout=0.1, generator=rng.Generator(1))
    nn.load_state_dict(model, tree["model"])
    for name, value in nn.state_dict(model).items():
        np.testing.assert_array_equal(value, saved["model"][name].numpy())
    theirs = torch.optim.AdamW(CNN().parameters(), amsgrad=True)
    convert.write(tmp_path / "c.pt", tree)
    theirs.load_state_dict(
        torch.load(tmp_path / "c.pt", weights_only=True)["optimizer"]
    )
    assert_same(saved["optimizer"]["state"], theirs.state_dict()["state"])


def test_an_optax_state_crosses(tmp_path: Path) -> None:
    params = {"weight": jnp.ones(3), "bias": jnp.zeros(1)}
    grads = {"weight": jnp.arange(3.0), "bias": jnp.ones(1)}
    tx = optim.adam(lr=0.1)
    _, state = tx.update(grads, tx.init(params), params)
    plain = optim.to_torch_state_dict(optim.adam, state, list(params), lr=0.1)
    convert.write(tmp_path / "a.safetensors", {"optimizer": plain})
    convert.convert(tmp_path / "a.safetensors", tmp_path / "a.pt")
    theirs = torch.optim.Adam([torch.nn.Parameter(torch.ones(n)) for n in (3, 1)])
    saved = torch.load(tmp_path / "a.pt", weights_only=True)
    theirs.load_state_dict(saved["optimizer"])
    for number, name in enumerate(params):
        moment = theirs.state_dict()["state"][number]["exp_avg"].numpy()
        np.testing.assert_array_equal(moment, np.asarray(state.exp_avg[name]))


def test_a_state_dict_keeps_its_names(tmp_path: Path) -> None:
    """What comes of a plain `state_dict` loads without knowing of this project."""
    state = CNN().state_dict()
    torch.save(state, tmp_path / "a.pt")
    convert.convert(tmp_path / "a.pt", tmp_path / "a.safetensors")
    assert_same(dict(state), dict(sorted_like(state, tmp_path / "a.safetensors")))


def sorted_like(state: dict[str, Any], path: Path) -> dict[str, Any]:
    found = safetensors.torch.load_file(path)
    assert found.keys() == state.keys()
    return {name: found[name] for name in state}


def test_a_file_of_another_maker_needs_no_description(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    found = convert.read(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(found["a"], np.ones(2))


class Hostile:
    """Unpickled, it would write a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.write_text, (self.path, "run"))


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for save in (torch.save, lambda x, p: Path(p).write_bytes(pickle.dumps(x))):
        save({"model": Hostile(mark)}, tmp_path / "a.pt")
        with pytest.raises(convert.CheckpointError, match="nothing in it was run"):
            convert.read(tmp_path / "a.pt")
    assert not mark.exists()
    pickle.loads((tmp_path / "a.pt").read_bytes())
    assert mark.exists(), "the file would not have done anything"


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_a_cut_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    convert.write(path, {"w": np.arange(1000.0)})
    whole = path.read_bytes()
    for length in (0, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(convert.CheckpointError, match=name):
            convert.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "description is no JSON"),
        ('{"w": {"$array": "v"}}', "description has a '.array' of 'v'"),
        ('{"w": {"$array": "w"}, "v": {"$array": "w"}}', "'.array' of 'w'"),
        ('{"w": {"$array": "w"}, "f": {"$tuple": "ab"}}', "'.tuple' of 'ab'"),
        ('{"w": {"$array": "w"}, "f": {"$dict": ["ab"]}}', "'.dict' of"),
        ('{"w": {"$array": "w"}, "f": {"$dict": [[[], 1]]}}', "'.dict' of"),
        ('{"epoch": 3}', "leaves out w"),
        ('{"$dict": 3}', "description has a '.dict' of 3"),
        ("[" * 100_000, "description is no JSON"),
        ("[" * 200 + "]" * 200, "description has a depth of more than 128"),
    ],
)
def test_a_description_that_does_not_fit(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file({"w": torch.ones(1)}, path, {"checkpoint": text})
    with pytest.raises(convert.CheckpointError, match=message):
        convert.read(path)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"f": {1, 2}}, "f is of type set, which JSON does not know"),
        ({"f": {np.int64(1): 2}}, r"f has the key .*1.*, which is no plain value"),
    ],
)
def test_what_no_checkpoint_holds_is_not_written(
    tmp_path: Path, tree: Any, message: str
) -> None:
    for name in ("a.pt", "a.safetensors"):
        with pytest.raises(convert.CheckpointError, match=message):
            convert.write(tmp_path / name, tree)
    assert not list(tmp_path.iterdir())


def test_two_tensors_of_one_path_are_two(tmp_path: Path) -> None:
    tree = {"a/b": np.ones(1), "a": {"b": np.ones(2)}}
    convert.write(tmp_path / "a.safetensors", tree)
    found = convert.read(tmp_path / "a.safetensors")
    assert (found["a/b"].shape, found["a"]["b"].shape) == ((1,), (2,))


def test_one_of_before_is_read(tmp_path: Path) -> None:
    found, right = convert.read(old_trees.CONVERTED), old_trees.checkpoint()
    assert repr(found) == repr(right)
    convert.write(tmp_path / "a.safetensors", right)
    assert repr(convert.read(tmp_path / "a.safetensors")) == repr(right)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(CNN().state_dict(), tmp_path / "a.pt")
    source, destination = str(tmp_path / "a.pt"), str(tmp_path / "a.safetensors")
    assert main(["convert", source, destination]) == 0
    assert capsys.readouterr().out == f"{destination}: 18 tensors with 422,028 values\n"
    for bad in ("missing.pt", "a.bin", "."):
        assert main(["convert", str(tmp_path / bad), destination]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert bad in error or str(tmp_path) in error
