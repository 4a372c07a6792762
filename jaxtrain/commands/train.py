"""Train what a file describes: `python -m jaxtrain.train my_recipe.py [OPTIONS]`."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from jaxtrain.commands import process, program
from jaxtrain.errors import ConfigError
from jaxtrain.run import records
from jaxtrain.store.events import Event, Steps, TrainingFault

if TYPE_CHECKING:
    from jaxtrain.trainer import Recipe

PROG = "python -m jaxtrain.train"
DESCRIPTION = """\
Train what FILE's function recipe() gives: a jaxtrain.Recipe(trainer, loader,
validation=None, options={}). It is called after the seed is set, so that initial
weights come from it; what a flag says goes before the recipe's options."""
EPILOG = f"""\
example of a FILE:
  from jaxtrain import Recipe, Trainer, data, losses, nn, optim

  def recipe():
      trainer = Trainer(nn.Linear(4, 3), optim.sgd(lr=0.1), losses.cross_entropy)
      return Recipe(trainer, (inputs, labels), options={{"epochs": 10}})

examples:
  {PROG} my_recipe.py --epochs 5 --seed 0
  {PROG} my_recipe.py --out runs/mine --resume auto

exit status: 0 if all went well; 2 if something is not possible or a number is not
finite, with the reason on stderr; 128 + n if signal n ended the run, after --history
and a checkpoint in --out were written.
"""
SAVE_TIME = 60.0
"""Seconds that a signal waits for a run that saves before it ends: it may compile."""

_OPTIONS: dict[str, tuple[Any, str, str]] = {
    "epochs": (int, "N", "passes over the data"),
    "max_steps": (int, "N", "steps of all epochs together, at most"),
    "batch_size": (int, "N", "rows of a batch, of arrays that no loader holds"),
    "accumulate": (int, "N", "batches whose gradients are added up for one update"),
    "clip_norm": (float, "X", "shorten the gradients, taken together, to this norm"),
    "ema": (float, "DECAY", "test with an exponential average of the weights"),
    "swa": (int, "EPOCH", "test with the mean of the weights from EPOCH's end on"),
    "early_stopping": (int, "N", "stop when so many epochs have not lowered the loss"),
    "min_delta": (float, "X", "with --early-stopping: by how much it must be lower"),
    "max_time": (float, "SECONDS", "stop after so many seconds"),
    "out": (Path, "DIR", "the run's folder: every figure, checkpoints, configuration"),
    "resume": (str, "auto", "go on with the run in --out, if there is one"),
    "save_every": (float, "SECONDS", "between checkpoints, besides ends of epochs"),
    "keep": (int, "N", "newest checkpoints that stay, besides the best"),
    "monitor": (int, "N", "steps between two looks inside; 0 watches nothing"),
}
"""Arguments of `Trainer.fit` that are flags: type, what stands for a value, help."""


def load_recipe(path: Path) -> ModuleType:
    """A file that defines `recipe`, as a module; its own folder can be imported from.

    Raises:
        ConfigError: there is no such file, or no such function in it.
    """
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is no Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    # Under its name, as classes in it are looked up by; it may import its neighbours.
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    spec.loader.exec_module(module)
    if not callable(getattr(module, "recipe", None)):
        raise ConfigError(f"{path} defines no function recipe(): see --help")
    return module


def build(path: Path, seed: int) -> Recipe:
    """What a file's `recipe()` gives after the seed is set.

    Raises:
        ConfigError: it gives something else than a recipe.
    """
    from jaxtrain import rng
    from jaxtrain.trainer import Recipe

    module = load_recipe(path)
    rng.manual_seed(seed)
    recipe = module.recipe()
    if not isinstance(recipe, Recipe):
        raise ConfigError(
            f"{path}: recipe() must give a jaxtrain.Recipe(trainer, loader, "
            f"validation), but gave {type(recipe).__name__}"
        )
    return recipe


def train(path: Path, seed: int, history: Path | None, flags: dict[str, Any]) -> None:
    """Train a file's recipe, and print it as it goes.

    Raises:
        ConfigError: something that was asked for is not possible.
        TrainingFault: a number is not finite.
    """
    from jaxtrain.show.progress import Lines
    from jaxtrain.show.terminal import Bar

    if history is not None:
        records.check_destination(history)
    with process.interruptible():
        recipe = build(path, seed)
    trainer = recipe.trainer
    options = {**recipe.options, **flags}

    def save() -> str | None:
        return (
            None if trainer.history is None else records.save(trainer.history, history)
        )

    with process.note_signals() as notes, Bar() as bar:
        notes.last_acts += [save, bar.stop]

        def see(event: Event) -> str | None:
            if isinstance(event, Steps):
                notes.patience = SAVE_TIME
            return notes.reason()

        lines = Lines(bar, options.get("epochs"))
        own = [*options.pop("callbacks", ()), lines.show, see]
        try:
            trainer.fit(
                recipe.loader,
                recipe.validation,
                **options,
                callbacks=own,
                show_progress=False,
            )
        finally:
            save()


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, train, print; returns the exit status."""
    args = sys.argv[1:] if argv is None else argv

    def work() -> int:
        values = vars(_parser().parse_args(args))
        path, seed = values.pop("file"), values.pop("seed", 0)
        train(path, seed, values.pop("history", None), values)
        return 0

    return program.run(PROG, work, (TrainingFault,))


def _parser() -> argparse.ArgumentParser:
    parser = program.Parser(
        prog=PROG,
        description=DESCRIPTION,
        epilog=EPILOG,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="defines recipe()")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="as torch.manual_seed (default: 0)"
    )
    for name, (kind, metavar, text) in _OPTIONS.items():
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=kind, metavar=metavar, help=text)
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write TensorBoard's event files into --out, too",
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="write the history to FILE, as JSON",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
