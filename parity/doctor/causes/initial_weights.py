"""Initial weights: other draws of PyTorch's distribution, or another distribution."""

from collections.abc import Callable, Iterator

import numpy as np

from parity.doctor.evidence import Evidence
from parity.doctor.trial import Trial
from parity.port.torch_run import TorchRun

KINDS = ("weights",)

SLACK = 5.0
"""Standard deviations of an estimated spread: one in two million by chance."""


def trials(evidence: Evidence) -> Iterator[Trial]:
    """The spread that each scheme gives, against the port's."""
    if evidence.first.note:
        yield Trial(
            "narrow parameters",
            f"the port keeps {evidence.first.name!r} in {evidence.first.note}",
            "Build the layer with param_dtype=jnp.float32; dtype= is what it computes "
            "in.",
            0.0 if "float" in evidence.first.note else np.inf,
        )
        return
    ours, theirs, fans = _weights(evidence)
    schemes: list[tuple[str, str, Callable[[int, int], float]]] = [
        ("lecun_normal", " (Flax's default)", lambda i, o: i**-0.5),
        ("xavier", " (glorot)", lambda i, o: (2 / (i + o)) ** 0.5),
        ("kaiming for ReLU", " (he_normal or he_uniform)", lambda i, o: (2 / i) ** 0.5),
        ("normal(0.02)", " (as in GPT)", lambda i, o: 0.02),
        ("normal(0.01)", "", lambda i, o: 0.01),
    ]
    for name, says, spread in schemes:
        spreads = [spread(*fan) for fan in fans]
        yield Trial(
            "initialisation scheme",
            f"the port's weights have the spread of {name}{says}",
            "PyTorch draws Linear and Conv from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), "
            "biases too: jaxtrain.nn and jaxtrain.nn.init do.",
            _misfit(ours, spreads),
            enough=SLACK,
        )
    yield Trial(
        "other draws",
        "the port's weights have PyTorch's spread, but are other draws",
        "jaxtrain.rng.manual_seed draws PyTorch's own; else compare weights='copy'.",
        _misfit(ours, [float(x.std()) for x in theirs]),
        enough=SLACK,
    )
    yield _zero_biases(evidence)


def _weights(
    evidence: Evidence,
) -> tuple[list[np.ndarray], list[np.ndarray], list[tuple[int, int]]]:
    """Of every matrix and kernel: the port's, PyTorch's, and (fan in, fan out)."""
    recording = evidence.recording
    start = TorchRun(recording.case.torch, "float64").parameters()
    result: tuple[list[np.ndarray], list[np.ndarray], list[tuple[int, int]]]
    result = ([], [], [])
    for leaf in recording.report.map.leaves:
        weight = start.get(leaf.sources[0])
        if weight is not None and weight.ndim > 1:
            result[0].append(recording.initial[leaf.path])
            result[1].append(weight)
            place = int(np.prod(weight.shape[2:]))
            result[2].append((weight.shape[1] * place, weight.shape[0] * place))
    return result


def _misfit(weights: list[np.ndarray], spreads: list[float]) -> float:
    """How many of its own standard errors a spread is off, at worst."""
    worst = 0.0 if weights else np.inf
    for x, spread in zip(weights, spreads, strict=True):
        size = float(np.sqrt(np.square(x).mean()))
        worst = max(worst, abs(size / spread - 1) * (2 * x.size) ** 0.5)
    return worst


def _zero_biases(evidence: Evidence) -> Trial:
    """Only the biases differ, and are zero."""
    recording = evidence.recording
    rows = [r for r in recording.report.rows if r.kind == "weights" and not r.passed]
    layout = recording.report.map
    paths = [
        x.path for x in layout.leaves if layout.name(x.path) in {r.name for r in rows}
    ]
    zero = all(not recording.initial[path].any() for path in paths)
    one = all(recording.initial[path].ndim == 1 for path in paths)
    return Trial(
        "zero biases",
        "the port's biases begin with zero, PyTorch's do not",
        "PyTorch draws a bias from U(-1/sqrt(fan_in), 1/sqrt(fan_in)).",
        0.0 if zero and one else np.inf,
    )
