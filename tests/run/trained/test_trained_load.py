"""What is loaded is what the run tested: weights, average, normalisation, mode."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trained_runs import Run, configured, network, write

from jaxtrain import nn
from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import FlowConfig, ModelConfig
from jaxtrain.run.trained import BATCH, Network, load
from jaxtrain.store import checkpoint


def softmax(outputs: np.ndarray) -> np.ndarray:
    powers = np.exp(outputs - outputs.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def assert_answers(trained: Network, run: Run, images: np.ndarray) -> None:
    """As the run's own, but for sums of 784 and 16 terms in another order.

    Each adds at most (terms) roundings of the largest output, and softmax passes on at
    most half of a difference: 400 roundings of 2^-24, times the largest output.
    """
    bound = 400 * 2.0**-24 * np.abs(run.outputs).max()
    error = np.abs(trained.probabilities(images) - softmax(run.outputs)).max()
    assert error <= bound


def weights(trained: Network) -> dict[str, np.ndarray]:
    return nn.state_dict(trained.model)


def assert_same(trained: Network, state: dict[str, np.ndarray]) -> None:
    found = weights(trained)
    assert list(found) == list(state)
    for name, value in state.items():
        np.testing.assert_array_equal(found[name], value, name)


def test_it_answers_as_the_run_did(trained_run: Run, garments: Dataset) -> None:
    trained = load(trained_run.out)
    assert trained.step == 3 * 32
    assert trained.is_average
    assert trained.config == replace(trained_run.config)
    assert trained.title == "MLP 784-16-10 after 96 steps, averaged weights"
    assert_answers(trained, trained_run, garments.test.images)


@pytest.mark.parametrize("change", ["last weights", "no normalisation"])
def test_the_comparison_sees_a_wrong_network(
    trained_run: Run, garments: Dataset, change: str, tmp_path: Path
) -> None:
    newest = checkpoint.read(trained_run.out / "checkpoints").checkpoint
    assert newest is not None
    arrays, meta = dict(newest.arrays), newest.meta
    if change == "last weights":
        arrays["average/n_averaged"] = np.zeros_like(arrays["average/n_averaged"])
    else:
        meta["config"]["data"]["normalize"] = None
    with checkpoint.Store.open(tmp_path / "other") as store:
        store.save(newest.step, arrays, meta)
    with pytest.raises(AssertionError):
        assert_answers(load(tmp_path / "other"), trained_run, garments.test.images)


def test_run_checkpoints_and_checkpoint_are_one(trained_run: Run) -> None:
    root = trained_run.out / "checkpoints"
    first = load(trained_run.out)
    for path in (root, root / "step-00000096", str(root / "step-00000096")):
        other = load(path)
        assert (other.step, other.path.name) == (96, "step-00000096")
        assert_same(other, weights(first))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_every_type_is_kept(tmp_path: Path, dtype: str) -> None:
    config = configured(dtype=dtype)
    write(tmp_path, config)
    trained = load(tmp_path)
    assert_same(trained, nn.state_dict(network(config)))
    found = trained.probabilities(np.zeros((3, 28, 28), np.uint8))
    assert found.dtype == ("float64" if dtype == "float64" else "float32")
    # Each of ten terms is rounded, and so is their sum.
    bound = 10 * np.finfo(found.dtype).eps
    np.testing.assert_allclose(found.sum(1), 1, rtol=bound)


@pytest.mark.parametrize("name", ["cnn", "resnet_small", "transformer"])
def test_every_network_with_its_buffers(tmp_path: Path, name: str) -> None:
    write(tmp_path, configured(name))
    assert_same(load(tmp_path), nn.state_dict(network(configured(name))))


def test_it_is_in_evaluation_mode(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 28, 28), dtype=np.uint8)
    dropping = configured(model=ModelConfig(hidden=(16,), dropout=0.5))
    write(tmp_path / "dropping", dropping)
    write(tmp_path / "plain", configured())
    first, other = (load(tmp_path / name) for name in ("dropping", "plain"))
    found = first.probabilities(images)
    np.testing.assert_array_equal(found, first.probabilities(images))
    last = nn.state_dict(first.model)["linear_relu_stack.3.weight"]
    same = nn.state_dict(other.model)["linear_relu_stack.2.weight"]
    np.testing.assert_array_equal(last, same)
    np.testing.assert_array_equal(found, other.probabilities(images))


@pytest.mark.parametrize("flow", [FlowConfig(ema=0.9), FlowConfig(swa=1)])
@pytest.mark.parametrize("count", [0, 2])
def test_the_average_is_taken_once_it_has_begun(
    tmp_path: Path, flow: FlowConfig, count: int
) -> None:
    config = configured(flow=flow)
    write(tmp_path, config, averaged=count)
    trained = load(tmp_path)
    assert trained.is_average == (count > 0)
    last, average = (nn.state_dict(network(config, seed)) for seed in (0, 1))
    assert_same(trained, average if count else last)
    with pytest.raises(AssertionError):
        assert_same(trained, last if count else average)


def test_the_newest_and_the_best(tmp_path: Path) -> None:
    for step, score in ((5, 0.4), (6, 0.5), (7, None)):
        write(tmp_path, configured(), step=step, score=score, seed=step)
    assert load(tmp_path).step == 7
    best = load(tmp_path, best=True)
    assert best.step == 5
    assert_same(best, nn.state_dict(network(configured(), 5)))


def test_a_damaged_checkpoint_is_passed_over_and_told(tmp_path: Path) -> None:
    write(tmp_path, configured(), step=5)
    spoilt = write(tmp_path, configured(), step=6)
    flip(spoilt / "state.safetensors")
    trained = load(tmp_path)
    assert trained.step == 5
    assert len(trained.problems) == 1
    assert "step-00000006" in trained.problems[0]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
def test_one_changed_bit_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, configured())
    load(path)
    flip(path / name)
    for place in (path, tmp_path):
        assert "SHA-256" in refusal(place)


def refusal(path: Path, best: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, best)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_what_holds_no_network_is_refused(tmp_path: Path) -> None:
    assert "is no folder" in refusal(tmp_path / "none")
    (tmp_path / "file").write_text("{}")
    assert "is no folder" in refusal(tmp_path / "file")
    assert "holds no checkpoint" in refusal(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    assert "holds no checkpoint" in refusal(tmp_path)
    path = write(tmp_path, configured(), score=None)
    assert "no checkpoint that was tested" in refusal(tmp_path, best=True)
    assert "is one checkpoint" in refusal(path, best=True)
    (path / "manifest.json").unlink()
    assert "manifest.json is missing" in refusal(path)


FOREIGN: dict[str, Any] = {
    "no configuration": {"config": None},
    "another part": {"config": {"colour": {"name": "red"}}},
    "another network": {"config": configured("cnn").to_dict()},
    "another size": {
        "config": configured(model=ModelConfig(hidden=(17,))).to_dict(),
    },
    "no classes": {"classes": 3},
    "too few classes": {"classes": ["a", "b"]},
    "numbers for classes": {"classes": list(range(10))},
    "another average": {"config": configured(flow=FlowConfig(ema=0.9)).to_dict()},
}


@pytest.mark.parametrize("what", FOREIGN)
def test_another_program_s_checkpoint_is_refused(tmp_path: Path, what: str) -> None:
    path = write(tmp_path, configured(), meta=FOREIGN[what])
    message = refusal(path)
    assert str(path) in message
    assert "holds no network of this program" in message


def test_a_checkpoint_without_meta_is_refused(tmp_path: Path) -> None:
    with checkpoint.Store.open(tmp_path) as store:
        store.save(1, {"w": np.zeros(3)}, json.loads("null"))
    assert "holds no network of this program" in refusal(tmp_path)


def test_classes_are_those_of_the_run(tmp_path: Path) -> None:
    names = list("abcdefghij")
    write(tmp_path, configured(), meta={"classes": names})
    assert load(tmp_path).classes == tuple(names)


def test_any_number_of_images(trained_run: Run, garments: Dataset) -> None:
    trained = load(trained_run.out)
    images = garments.test.images
    assert len(images) > BATCH
    found = trained.probabilities(images)
    assert found.shape == (300, 10)
    first, rest = images[:BATCH], images[BATCH:]
    np.testing.assert_array_equal(found[:BATCH], trained.probabilities(first))
    np.testing.assert_array_equal(found[BATCH:], trained.probabilities(rest))
    assert trained.probabilities(images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 28, 28)),
        np.zeros((2, 1, 28, 28), np.uint8),
        np.zeros((28, 28), np.uint8),
        np.zeros((2, 28, 27), np.uint8),
        [[1]],
    ],
)
def test_other_images_are_refused(trained_run: Run, images: Any) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 of shape \(N, 28, 28\)"):
        load(trained_run.out).probabilities(images)
