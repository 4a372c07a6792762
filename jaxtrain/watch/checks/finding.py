"""What a check found, and how its line is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxtrain.nn import state_dict


@dataclass(frozen=True)
class Finding:
    """What one check says.

    Example:
        >>> Finding("labels", False, "label 12 of 10 classes").line()
        'FAULT    labels: label 12 of 10 classes'
    """

    name: str
    passed: bool
    """Whether nothing is wrong, as far as can be seen."""
    text: str
    """What was seen, with numbers; where something is wrong, what to do too."""
    skipped: bool = False
    """Whether there was nothing to check; it counts as passed."""

    def line(self) -> str:
        verdict = "skipped" if self.skipped else "ok" if self.passed else "FAULT"
        return f"{verdict:8} {self.name}: {self.text}"


def skip(name: str, reason: str) -> Finding:
    """A finding of a check that does not apply."""
    return Finding(name, True, reason, skipped=True)


def show(findings: Sequence[Finding]) -> Iterator[str]:
    """The lines to print: one a finding, and one that sums them up.

    Example:
        >>> for line in show([Finding("first loss", True, "2.30, and guessing 2.30")]):
        ...     print(line)
        ok       first loss: 2.30, and guessing 2.30
        1 check: nothing is wrong
    """
    for finding in findings:
        yield finding.line()
    wrong = [finding.name for finding in findings if not finding.passed]
    checks = f"{len(findings)} check{'' if len(findings) == 1 else 's'}"
    yield f"{checks}: {'wrong: ' + ', '.join(wrong) if wrong else 'nothing is wrong'}"


class RecorderState(NamedTuple):
    """State of `recorder`."""

    size: optax.Updates
    """Sum over the steps of |gradient|, value by value."""


def recorder() -> optax.GradientTransformation:
    """An optimiser that leaves every parameter alone and sums up |gradient|.

    Example:
        >>> tx = recorder()
        >>> _, state = tx.update(jnp.array([-2.0, 0.0]), tx.init(jnp.zeros(2)))
        >>> state.size
        Array([2., 0.], dtype=float32)
    """

    def init(params: optax.Params) -> RecorderState:
        return RecorderState(jax.tree.map(jnp.zeros_like, params))

    def update(
        grads: optax.Updates, state: RecorderState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, RecorderState]:
        size = jax.tree.map(lambda sum_, g: sum_ + jnp.abs(g), state.size, grads)
        return jax.tree.map(jnp.zeros_like, grads), RecorderState(size)

    return optax.GradientTransformation(init, update)


def by_name(model: nnx.Module, tree: nnx.State) -> dict[str, np.ndarray]:
    """Arrays of a tree like the model's parameters, by name, in the model's order."""
    flat = {
        ".".join(map(str, path)): np.asarray(variable[...]).astype(np.float64)
        for path, variable in nnx.to_flat_state(tree)
    }
    order = [name for name in state_dict(model) if name in flat]
    return {name: flat[name] for name in dict.fromkeys([*order, *flat])}
