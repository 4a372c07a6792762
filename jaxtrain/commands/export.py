"""A trained network in a file for other programs: `python -m jaxtrain.export RUN OUT`.

    NAME.safetensors         weights and buffers, by PyTorch's names and in its layouts
    NAME.stablehlo, NAME.jax the whole network from bytes to probabilities, as
                             `jax.export.deserialize` reads it: JAX alone runs it

Example:
    >>> write("runs/none", "net.onnx")
    Traceback (most recent call last):
        ...
    jaxtrain.errors.ConfigError: net.onnx must end in .safetensors (weights), \
.stablehlo or .jax (a function for JAX), to say what it is
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jaxtrain import files
from jaxtrain.commands import program
from jaxtrain.errors import ConfigError
from jaxtrain.run.records import check_destination
from jaxtrain.store import codec

if TYPE_CHECKING:
    from jaxtrain.run.trained import Network


PROG = "python -m jaxtrain.export"
DESCRIPTION = """\
Write the network of a run to a file for other programs, with the average of its
weights where it kept one. The ending of OUT says what is written:

  .safetensors        weights and buffers by PyTorch's names, as load_state_dict
                      takes them; python -m parity convert makes a .pt of it
  .stablehlo or .jax  a function from images, uint8 (n, 28, 28), to probabilities, as
                      jax.export.deserialize reads it; it needs JAX alone to run"""
EPILOG = f"""\
examples:
  {PROG} runs/first net.safetensors
  {PROG} runs/first net.stablehlo --best

exit status: 0 if all went well; 2 if something is not possible, with the reason on
stderr."""

SCHEMA = "jaxtrain.weights/1"
MOST_IMAGES = 1024
"""In one call of an exported function. A convolution of more may choose another way of
computing, and an exported function has but one."""
PLATFORMS = ("cpu", "cuda", "tpu")


def weights(network: Network) -> bytes:
    """A safetensors file of the network's parameters and buffers, in their types.

    Its metadata holds `format` ("pt": PyTorch's names and layouts), `schema`, the run's
    `config` and `classes` as JSON, its `step`, and in `averaged` whether the weights
    are an average.
    """
    import safetensors.numpy

    from jaxtrain import nn

    config = network.config.to_dict()
    # Where the run was kept is nobody else's business.
    del config["records"]
    about = {
        "format": "pt",
        "schema": SCHEMA,
        "config": codec.encode(config).decode(),
        "classes": json.dumps(network.classes),
        "step": str(network.step),
        "averaged": json.dumps(network.is_average),
    }
    # The library reads memory as if it were contiguous.
    state = nn.state_dict(network.model)
    whole = {name: np.asarray(x, order="C") for name, x in state.items()}
    return safetensors.numpy.save(whole, about)


def function(network: Network) -> bytes:
    """`trained.function` as `jax.export.deserialize` reads it, its weights included.

    It takes images, uint8 (n, 28, 28) with n from 1 to `MOST_IMAGES`, on a CPU, an
    NVIDIA GPU or a TPU, and gives probabilities (n, classes).

    Raises:
        ConfigError: flatbuffers is not installed.
    """
    if find_spec("flatbuffers") is None:
        raise ConfigError(
            "a function for JAX needs flatbuffers, which is not installed: "
            "pip install 'jaxtrain[export]'"
        )
    import jax
    from jax import export

    from jaxtrain.run.trained import SIDE

    most = [f"n <= {MOST_IMAGES}"]
    (count,) = export.symbolic_shape("n", constraints=most)
    images = jax.ShapeDtypeStruct((count, SIDE, SIDE), np.uint8)
    with network.numerics.active():
        result = export.export(jax.jit(network.function), platforms=PLATFORMS)(images)
        return bytes(result.serialize())


class _Kind(NamedTuple):
    encode: Callable[[Network], bytes]
    summary: str


_FUNCTION = _Kind(
    function,
    f"images uint8 (n, 28, 28), n up to {MOST_IMAGES:,}, to probabilities, "
    f"on {', '.join(PLATFORMS)}",
)
KINDS = {
    ".safetensors": _Kind(weights, "weights and buffers, with PyTorch's names"),
    ".stablehlo": _FUNCTION,
    ".jax": _FUNCTION,
}


def write(
    run: str | os.PathLike[str], out: str | os.PathLike[str], best: bool = False
) -> Network:
    """Write the network of a run to a file; the file is whole or not there.

    Args:
        run: as `jaxtrain.run.trained.load` takes it.
        out: its ending says what is written; a file of that name is replaced.
        best: take the checkpoint with the lowest test loss, not the newest.

    Raises:
        ConfigError: it cannot be read or written, or the ending says nothing.
    """
    out = Path(out)
    kind = _kind(out)
    check_destination(out, "OUT")
    from jaxtrain.run.trained import load

    network = load(run, best)
    data = kind.encode(network)
    try:
        files.write_bytes(out, data)
    except OSError as error:
        raise ConfigError(
            f"{out} cannot be written: {error.strerror or error}"
        ) from error
    return network


def _kind(out: Path) -> _Kind:
    if out.suffix in (".pt", ".pth"):
        between = out.with_suffix(".safetensors")
        raise ConfigError(
            f"{out} would be a file of PyTorch's: export {between}, then "
            f"python -m parity convert {between} {out}"
        )
    if out.suffix not in KINDS:
        raise ConfigError(
            f"{out} must end in .safetensors (weights), .stablehlo or .jax (a function "
            "for JAX), to say what it is"
        )
    return KINDS[out.suffix]


def _parser() -> argparse.ArgumentParser:
    parser = program.Parser(prog=PROG, description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument(
        "run",
        metavar="RUN",
        type=Path,
        help="a run's folder, or one of its checkpoints",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="file to write")
    parser.add_argument(
        "--best",
        action="store_true",
        help="the checkpoint with the lowest test loss, not the newest",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, read, write; returns the exit status."""
    return program.run(PROG, lambda: _run(_parser().parse_args(argv)))


def _run(options: argparse.Namespace) -> int:
    network = write(options.run, options.out, options.best)
    for problem in network.problems:
        print(f"{PROG}: passed over {problem}", file=sys.stderr)
    print(f"{options.out}: {_kind(options.out).summary}; {network.title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
