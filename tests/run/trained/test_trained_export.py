"""What is exported computes the same elsewhere: in PyTorch, and in JAX alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from trained_runs import Run, configured, network, write

torch = pytest.importorskip("torch")
pytest.importorskip("flatbuffers")

import safetensors.torch
from torch import nn as torch_nn

from jaxtrain import nn
from jaxtrain.commands.export import KINDS, MOST_IMAGES, PLATFORMS, function, main
from jaxtrain.commands.export import write as export
from jaxtrain.data import Dataset
from jaxtrain.errors import ConfigError
from jaxtrain.run.config import MODELS, Config, DataConfig, ModelConfig
from jaxtrain.run.trained import Network, load
from parity.__main__ import main as parity
from parity.pytorch.networks import make_model

IMAGES = np.random.default_rng(3).integers(0, 256, (32, 28, 28), dtype=np.uint8)


class NeuralNetwork(torch_nn.Module):
    """As the tutorial has it."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = torch_nn.Flatten()
        self.linear_relu_stack = torch_nn.Sequential(
            torch_nn.Linear(28 * 28, 512),
            torch_nn.ReLU(),
            torch_nn.Linear(512, 512),
            torch_nn.ReLU(),
            torch_nn.Linear(512, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.flatten(x)
        return self.linear_relu_stack(x)


def theirs(
    model: torch_nn.Module, path: Path, dtype: torch.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """PyTorch's outputs with the weights of a file: in `dtype`, and in float64."""
    state = safetensors.torch.load_file(path)
    model = model.to(dtype)
    model.load_state_dict(state, strict=True)
    model.eval()
    images = torch.from_numpy(IMAGES)[:, None]
    with torch.no_grad():
        outputs = model(images.to(dtype) / 255).double().numpy()
        return outputs, model.double()(images.double() / 255).numpy()


def ours(trained: Network) -> np.ndarray:
    with trained.numerics.active():
        return np.asarray(trained.model(trained.prepare(IMAGES)), np.float64)


def assert_outputs_equal(
    trained: Network, model: torch_nn.Module, path: Path, dtype: str
) -> None:
    """float64: to 1e-12 of the largest. float32: as near to float64 as PyTorch's.

    Twice its own distance, or 4 roundings of the largest where that is more: both sum
    up in orders of their own.
    """
    outputs, truth = theirs(model, path, getattr(torch, dtype))
    largest = np.abs(truth).max()
    bound = 1e-12 * largest
    if dtype == "float32":
        own = np.abs(outputs - truth).max()
        assert own > 0
        bound = max(2 * own, 4 * 2.0**-24 * largest)
    assert np.abs(ours(trained) - truth).max() <= bound


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["tutorial", *MODELS])
def test_pytorch_takes_the_weights_and_gives_the_same(
    tmp_path: Path, name: str, dtype: str
) -> None:
    model: Callable[[], torch_nn.Module] = NeuralNetwork
    config = configured("mlp", dtype, model=ModelConfig())
    if name != "tutorial":
        config = configured(name, dtype)
        model = partial(make_model, config)
    write(tmp_path / "run", config)
    path = tmp_path / "net.safetensors"
    trained = export(tmp_path / "run", path)
    assert_outputs_equal(trained, model(), path, dtype)
    swap_two(path)
    with pytest.raises(AssertionError):
        assert_outputs_equal(trained, model(), path, dtype)


def swap_two(path: Path) -> None:
    """The smallest and the largest bias of the outputs change places."""
    state = safetensors.numpy.load_file(path)
    (bias,) = (value for value in state.values() if value.shape == (10,))
    i, j = int(bias.argmin()), int(bias.argmax())
    bias[[i, j]] = bias[[j, i]]
    safetensors.numpy.save_file(state, path)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_names_types_and_values_are_kept(tmp_path: Path, name: str, dtype: str) -> None:
    config = configured(name, dtype)
    write(tmp_path / "run", config, step=12)
    path = tmp_path / "net.safetensors"
    export(tmp_path / "run", path)
    right = nn.state_dict(network(config))
    found = safetensors.numpy.load_file(path)
    assert found.keys() == right.keys() == make_model(config).state_dict().keys()
    for key, value in right.items():
        assert found[key].dtype == value.dtype
        np.testing.assert_array_equal(found[key], value, key)
    if name in ("cnn", "resnet_small"):
        assert any(key.endswith("running_var") for key in found)
        counts = [k for k in found if k.endswith("num_batches_tracked")]
        assert {int(found[key]) for key in counts} == {3}


def test_the_metadata_says_what_it_is(trained_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    trained = export(trained_run.out, path)
    with safetensors.safe_open(path, "numpy") as file:
        about = file.metadata()
    assert about["format"] == "pt"
    assert about["schema"] == "jaxtrain.weights/1"
    assert about["step"] == "96"
    assert json.loads(about["averaged"]) is True
    assert tuple(json.loads(about["classes"])) == trained.classes
    found = Config.from_dict(json.loads(about["config"]))
    assert found.model == trained_run.config.model
    assert found.data == trained_run.config.data
    assert str(trained_run.out).encode() not in path.read_bytes()


def test_best_is_the_best(tmp_path: Path) -> None:
    for step, score in ((5, 0.4), (6, 0.5)):
        write(tmp_path / "run", configured(), step=step, score=score, seed=step)
    for best, step in ((False, 6), (True, 5)):
        export(tmp_path / "run", tmp_path / "net.safetensors", best)
        found = safetensors.numpy.load_file(tmp_path / "net.safetensors")
        for name, value in nn.state_dict(network(configured(), step)).items():
            np.testing.assert_array_equal(found[name], value)


def test_a_file_of_pytorch_s_own_comes_of_it(tmp_path: Path) -> None:
    config = configured("cnn")
    write(tmp_path / "run", config)
    middle, last = tmp_path / "net.safetensors", tmp_path / "net.pt"
    export(tmp_path / "run", middle)
    assert parity(["convert", str(middle), str(last)]) == 0
    state = torch.load(last, weights_only=True)
    model = make_model(config)
    model.load_state_dict(state, strict=True)
    for name, value in nn.state_dict(network(config)).items():
        np.testing.assert_array_equal(state[name].numpy(), value, name)


ALONE = """
import sys
from pathlib import Path
sys.modules["jaxtrain"] = None
import numpy as np
from jax import export
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.stablehlo")):
    call = export.deserialize(bytearray(path.read_bytes())).call
    for count in (32, 5):
        found = np.asarray(call(np.load(folder / "images.npy")[:count]))
        np.save(folder / f"{path.stem}.{count}.npy", found)
assert not [name for name in sys.modules if name.startswith(("jaxtrain.", "flax"))]
"""
EXPORTED = [
    *((name, "float32") for name in MODELS),
    ("mlp", "float64"),
    ("mlp", "bfloat16"),
]


def test_jax_alone_gives_the_same_bits(tmp_path: Path) -> None:
    """In a process of its own that cannot import this package."""
    np.save(tmp_path / "images.npy", IMAGES)
    networks = {}
    for name, dtype in EXPORTED:
        config = configured(name, dtype, data=DataConfig(normalize=()))
        out = tmp_path / f"{name}-{dtype}"
        write(out, config)
        networks[out.name] = export(out, tmp_path / f"{out.name}.stablehlo")
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, trained in networks.items():
        for count in (32, 5):
            found = np.load(tmp_path / f"{name}.{count}.npy")
            right = trained.probabilities(IMAGES[:count])
            assert found.dtype == right.dtype
            np.testing.assert_array_equal(found, right, name)


@pytest.mark.parametrize("name", MODELS)
def test_it_is_for_every_platform_and_number_of_images(
    tmp_path: Path, name: str
) -> None:
    from jax import export as jax_export

    write(tmp_path, configured(name))
    trained = load(tmp_path)
    exported = jax_export.deserialize(bytearray(function(trained)))
    assert exported.platforms == PLATFORMS == ("cpu", "cuda", "tpu")
    (images,), (probabilities,) = exported.in_avals, exported.out_avals
    assert f"{images.dtype} {images.shape}" == "uint8 (n, 28, 28)"
    assert f"{probabilities.dtype} {probabilities.shape}" == "float32 (n, 10)"
    if name == "mlp":
        most = np.zeros((MOST_IMAGES, 28, 28), np.uint8)
        assert exported.call(most).shape == (MOST_IMAGES, 10)
        for wrong in (np.zeros((MOST_IMAGES + 1, 28, 28), np.uint8), most[:, :27]):
            with pytest.raises(ValueError, match=r"n <=|mod|28"):
                exported.call(wrong)


def test_another_network_would_be_seen(trained_run: Run, garments: Dataset) -> None:
    from jax import export as jax_export

    trained = load(trained_run.out)
    images = garments.test.images[:32]
    right = trained.probabilities(images)
    call = jax_export.deserialize(bytearray(function(trained))).call
    np.testing.assert_array_equal(call(images), right)
    layer = trained.model.linear_relu_stack[2]
    layer.weight[...] = layer.weight[...].at[0].multiply(1 + 2**-12)
    changed = jax_export.deserialize(bytearray(function(renewed(trained)))).call
    assert not np.array_equal(changed(images), right)


def renewed(trained: Network) -> Network:
    """Without what was compiled of it."""
    kept = ("model", "config", "step", "classes", "is_average", "path")
    return Network(**{name: getattr(trained, name) for name in kept})


@pytest.mark.parametrize("ending", [*KINDS])
def test_the_command(
    trained_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    out = tmp_path / f"net{ending}"
    out.write_text("an older one")
    assert main([str(trained_run.out), str(out), "--best"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: {KINDS[ending].summary}; MLP 784-16-10 after ")
    assert said.out.count("\n") == 1
    assert said.err == ""
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.stat().st_size > 50_000


def test_what_was_passed_over_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "run", configured(), step=5)
    spoilt = write(tmp_path / "run", configured(), step=6) / "state.json"
    spoilt.write_bytes(spoilt.read_bytes()[:-1])
    assert main([str(tmp_path / "run"), str(tmp_path / "net.safetensors")]) == 0
    said = capsys.readouterr()
    assert "after 5 steps" in said.out
    assert "passed over" in said.err
    assert "step-00000006" in said.err


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.pt", "python -m parity convert"),
        ("net.pth", "export"),
        ("net.onnx", "must end in .safetensors"),
        ("net", "must end in .safetensors"),
        ("none/net.safetensors", "there is no folder"),
        ("run.jax", "is a folder"),
    ],
)
def test_what_cannot_be_written_is_said_in_a_line(
    tmp_path: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "run", configured())
    (tmp_path / "run.jax").mkdir()
    before = sorted(tmp_path.iterdir())
    out = tmp_path / name
    assert message in refused([str(tmp_path / "run"), str(out)], capsys)
    assert sorted(tmp_path.iterdir()) == before


def test_an_ending_is_looked_at_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused([str(tmp_path / "none"), "net.pt"], capsys)
    assert "net.pt" in said
    said = refused([str(tmp_path / "none"), "net.jax"], capsys)
    assert "none is no folder" in said
    assert "the following arguments are required: OUT" in refused(["run"], capsys)


def test_without_flatbuffers_it_says_what_to_install(
    trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str) -> object:
        return None if name == "flatbuffers" else find_spec(name)

    monkeypatch.setattr("jaxtrain.commands.export.find_spec", found)
    with pytest.raises(ConfigError, match=r"pip install 'jaxtrain\[export\]'"):
        export(trained_run.out, tmp_path / "net.stablehlo")
    assert not list(tmp_path.iterdir())


def test_help_imports_no_jax() -> None:
    look = "import sys, jaxtrain.export; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look]).returncode == 0
