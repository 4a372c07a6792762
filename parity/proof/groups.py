"""The groups of the proof: what each claims, and how much of it is judged when."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from parity.proof.verdict import Task, Verdict


@dataclass(frozen=True)
class Extent:
    """How much of a group is judged; None stands for all, as the tests judge it."""

    names: tuple[str, ...] | None = None
    steps: int | None = None
    limit: int | None = None
    """Argument sets of each name, or PyTorch's runs beside one of its own."""
    dtype: str | None = None
    first: bool = False
    """Whether a limit takes the first argument sets rather than evenly spread ones."""


@dataclass(frozen=True)
class Group:
    """One part of the proof."""

    proves: str
    """In plain words, and what it does not."""
    control: str
    """The broken twin that the group must see before it may say equal."""
    core: Extent
    """A part of the two minutes."""
    moderate: Extent
    """A part of the four minutes of `all`."""
    push: tuple[Extent, ...] = (Extent(),)
    """What the tests judge at every push."""
    has_steps: bool = False
    has_curves: bool = False
    """Whether the page draws its runs."""

    def size(self, which: str) -> Extent:
        """`"core"`, `"moderate"` or `"full"`."""
        return {"core": self.core, "moderate": self.moderate, "full": Extent()}[which]


def module(group: str) -> Any:
    """The group's code: `NAMES`, `verdicts`, and `TWINS` or the one `control`.

    Imports torch and JAX.
    """
    place = _RUNS.get(group, f"{group}.group")
    return importlib.import_module(f"parity.proof.{place}")


_RUNS = {"fashion": "runs.fashion", "noise": "runs.noise_group", "pairs": "runs.pairs"}


def task(
    group: str,
    which: str,
    names: tuple[str, ...] = (),
    dtype: str | None = None,
    steps: int | None = None,
) -> Task:
    """A group's task of a size, with what the user asked for instead.

    A name that was asked for is judged with all of its cases, and in every type.
    """
    size = GROUPS[group].size(which)
    if names:
        size = Extent(names, size.steps)
    selection = size.names or module(group).NAMES
    return Task(selection, dtype or size.dtype, steps or size.steps, size.limit)


def twins(group: str) -> Mapping[str, Callable[[], Verdict]]:
    """Name -> a broken twin that the judge must see; the first is the control."""
    code = module(group)
    alone = {GROUPS[group].control: getattr(code, "control", None)}
    found: Mapping[str, Callable[[], Verdict]] = getattr(code, "TWINS", alone)
    return found


def push(group: str) -> dict[str, list[Task]]:
    """Name -> what the tests judge of it at every push."""
    found: dict[str, list[Task]] = {}
    for size in GROUPS[group].push:
        for name in size.names or module(group).NAMES:
            one = Task([name], size.dtype, size.steps, size.limit, size.first)
            found.setdefault(name, []).append(one)
    return found


_SOME_PAIRS = (
    "sgd+step_lr",
    "sgd+sequential_lr",
    "sgd+chained_scheduler",
    "adam+one_cycle_lr",
    "adamw+cyclic_lr",
    "rmsprop+multi_step_lr",
    "nadam+step_lr",
    "adafactor+step_lr",
)
_EVERY_SCHEDULER = (
    "sgd+constant",
    "sgd+constant_lr",
    "sgd+cosine_annealing_lr",
    "sgd+cosine_annealing_warm_restarts",
    "sgd+cyclic_lr",
    "sgd+exponential_lr",
    "sgd+geometric",
    "sgd+linear_lr",
    "sgd+multi_step_lr",
    "sgd+one_cycle_lr",
    "sgd+polynomial_lr",
    "sgd+swa_lr",
    "rmsprop+cyclic_lr",
    "rmsprop+step_lr",
)
"""What those lack, so that each is run."""
_SOME_RUNS = Extent(("mlp+sgd", "mlp+adam", "mlp+rmsprop"), steps=100, limit=8)

GROUPS: Mapping[str, Group] = {
    "rng": Group(
        "Same bits. From one seed both sides draw the same numbers, so they begin with "
        "the same weights, order and masks. It says nothing of what is computed with "
        "them, nor of PyTorch's generators on other devices.",
        "draws that begin at the next seed",
        core=Extent(),
        moderate=Extent(),
    ),
    "data": Group(
        "Same bits. Samplers, splits, batches and loaders give the rows that PyTorch's "
        "give, in its order, with what workers draw, and draw nothing else; a pass "
        "that is broken off and gone on with is the whole one. It says nothing of how "
        "long they take, nor of data sets with streams of their own.",
        "a loader that draws no base seed",
        core=Extent(limit=1),
        moderate=Extent(limit=2),
        push=(Extent(limit=2),),
    ),
    "schedulers": Group(
        "Same bits. Every learning rate and momentum of a schedule is PyTorch's, at "
        "every step. It is the host's face, in Python's floats; compiled schedules "
        "have tests of their own.",
        "a rate that falls one step late",
        core=Extent(steps=200, limit=3),
        moderate=Extent(steps=500),
        has_steps=True,
    ),
    "optimizers": Group(
        "One step. Each of many steps starts from PyTorch's own state and gradient, so "
        "no error can hide behind those before it: the update and every state tensor "
        "are the same formula, rounded as well. It says nothing of how rounding grows "
        "in a free run, which the runs show.",
        "one step of several, a ten-thousandth too long",
        core=Extent(("sgd", "adam", "adamw", "rmsprop"), steps=20, limit=3),
        moderate=Extent(steps=20, limit=4),
        push=(Extent(steps=100, dtype="float32"), Extent(steps=40, dtype="float64")),
        has_steps=True,
    ),
    "losses": Group(
        "One call. In float64 the value and every gradient are the same formula, in "
        "float32 they are rounded as well as PyTorch's or nearly. It says nothing of "
        "arguments or shapes that the cases do not have.",
        "a loss that is a hundred-thousandth too large",
        core=Extent(("cross_entropy", "mse_loss", "huber_loss"), limit=8),
        moderate=Extent(limit=6),
    ),
    "layers": Group(
        "Three calls, the parameters moving between them. Outputs, gradients of inputs "
        "and parameters, and buffers are the same formula in float64, rounded as well "
        "in float32. It says nothing of layers inside one another.",
        "GELU by tanh where PyTorch's is exact",
        core=Extent(("Linear", "Conv2d", "BatchNorm2d", "LayerNorm"), limit=3),
        moderate=Extent(limit=2, dtype="float64"),
        push=(
            Extent(limit=4, dtype="float64", first=True),
            Extent(limit=3, dtype="float32", first=True),
        ),
    ),
    "pairs": Group(
        "A float64 run. Left to themselves, network, loss, optimiser and schedule give "
        "the same loss at every step to ten digits: rounding could not hide a wrong "
        "formula there. It says nothing of how well float32 is rounded.",
        "a rate that falls by a ten-millionth less",
        core=Extent(("sgd+step_lr", "adam+one_cycle_lr"), steps=100),
        moderate=Extent(_SOME_PAIRS, steps=100),
        push=(Extent((*_SOME_PAIRS, *_EVERY_SCHEDULER), steps=100),),
        has_steps=True,
    ),
    "noise": Group(
        "Float32 runs that may amplify rounding, in PyTorch as here: no fixed bound "
        "could judge them, but how far PyTorch's own runs part that start an ulp away "
        "can. Left out in turn, each of those must keep to it as well; the least "
        "error of the rate that is still seen says how sharp it is. It says nothing of "
        "smaller ones, which float64 shows.",
        "a learning rate that is one percent too high",
        core=Extent(("mlp+adam",), steps=60, limit=8),
        moderate=_SOME_RUNS,
        push=(_SOME_RUNS,),
        has_steps=True,
        has_curves=True,
    ),
    "fashion": Group(
        "A float32 run, and one in float64. From the seed alone, the whole program "
        "gives PyTorch's curve. The float32 bound leaves room for rounding, and would "
        "miss a rate that is wrong by less than a part in some hundreds; float64 would "
        "not. Plain SGD does not amplify rounding: other float32 runs part in PyTorch "
        "too, once started an ulp apart.",
        "a learning rate that is one percent too high",
        core=Extent(("tutorial",), steps=938),
        moderate=Extent(("tutorial", "float64"), steps=938),
        has_steps=True,
        has_curves=True,
    ),
}
