"""The user's own training, with all that a run has."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from flax import nnx

from jaxtrain import rng
from jaxtrain.errors import ConfigError, check_name
from jaxtrain.lr_scheduler import PlateauSchedule, Schedule
from jaxtrain.optim._build import rate_of, summary_of
from jaxtrain.run.checkpoints import Checkpoints
from jaxtrain.run.config import FlowConfig
from jaxtrain.run.fit import Fit, FitIdentity, Plan, evaluate, has_average, make_masks
from jaxtrain.run.flow import Flow
from jaxtrain.run.history import History
from jaxtrain.run.interrupt import noted_interrupt
from jaxtrain.run.listening import Listener, recorder, tell
from jaxtrain.run.rates import Rates
from jaxtrain.run.request import (
    FREE,
    about_run,
    check_loop,
    check_records,
    check_tests,
)
from jaxtrain.run.source import ArraySource, Source, source_of
from jaxtrain.run.stopping import Limits
from jaxtrain.show import fitted, progress
from jaxtrain.store.events import Event, Warned
from jaxtrain.store.run_folder import Batches, RunFolder
from jaxtrain.training.doors import MODEL, OUTPUTS, STEP, door_of, name_of, objective_of
from jaxtrain.training.engine import Engine, mask_draws
from jaxtrain.training.metrics import as_metric
from jaxtrain.training.numerics import Numerics, numerics_of
from jaxtrain.training.step_engine import StepEngine
from jaxtrain.watch.monitor import Monitor

Callback = Callable[[Event], Any]
"""Is told of each event; a text that it returns ends the run, and is the reason."""
MASKS = ("torch", "jax")


class Trainer:
    """A model, its optimiser and its loss: trained, tested, saved and gone on with.

    Three doors, of growing freedom:

    - loss(outputs, targets) -> scalar. A batch is (inputs, targets); the model is
      called with the inputs, which may be an array, a tuple (`model(*inputs)`) or a
      dictionary (`model(**inputs)`).
    - loss(model, batch) -> scalar, or (scalar, figures): for whatever is not one model
      on one input. These two names are what tells it from the first.
    - `Trainer.from_step(step, state)`: step(state, batch) -> (state, figures), of the
      user's own, over any tree of arrays.

    The model that is passed in is left as it was; `model` gives a trained copy.
    Dropout needs nothing: on a CPU its masks are those that PyTorch draws after
    `torch.manual_seed`, elsewhere `jax.random`'s.

    Args:
        model: any NNX module.
        optimizer: of `jaxtrain.optim`, or any other Optax transformation.
        loss: one of the first two.
        metrics: of `jaxtrain.metrics`, or functions of (outputs, targets), by name;
            they are measured in tests.
        prepare: applied on the device to the inputs of each batch.
        dropout_masks: `"torch"` or `"jax"`, to choose where masks come from.
        numerics: types and device; by default the model's own type.

    Raises:
        TypeError, ValueError: something does not fit; the message names it.

    Example:
        >>> from jaxtrain import losses, nn, optim, rng
        >>> _ = rng.manual_seed(0)
        >>> trainer = Trainer(nn.Linear(2, 1), optim.sgd(lr=0.1), losses.mse_loss)
        >>> x, y = np.eye(2, dtype=np.float32), np.ones((2, 1), np.float32)
        >>> history = trainer.fit((x, y), epochs=50)
        >>> len(history.losses), history.losses[-1] < 0.1 * history.losses[0]
        (50, True)
    """

    def __init__(
        self,
        model: nnx.Module,
        optimizer: optax.GradientTransformation,
        loss: Callable[..., Any],
        metrics: Mapping[str, Any] | None = None,
        *,
        prepare: Callable[[Any], Any] | None = None,
        dropout_masks: str | None = None,
        numerics: Numerics | None = None,
    ):
        if not isinstance(model, nnx.Module):
            raise TypeError(f"model must be an nnx.Module, but got {_kind(model)}")
        if not hasattr(optimizer, "update"):
            raise TypeError(
                "optimizer must be an Optax transformation such as optim.sgd(lr=0.1), "
                f"but got {_kind(optimizer)}"
            )
        self.door = door_of(loss)
        self.metrics = {n: as_metric(n, each) for n, each in (metrics or {}).items()}
        if self.door == MODEL and (self.metrics or prepare):
            what = "metrics=" if self.metrics else "prepare="
            raise ConfigError(
                f"{what} does not fit a loss of (model, batch), which alone knows the "
                "outputs: give its figures as (scalar, {name: scalar})"
            )
        self._optimizer, self._loss, self._prepare = optimizer, loss, prepare
        self._numerics = numerics or numerics_of(nnx.state(model, nnx.Param))
        self._title = type(model).__name__
        self._choose_masks(dropout_masks)
        self._flow = Flow()
        self._engine: Any = self._build(model, self._flow)

    def _choose_masks(self, source: str | None) -> None:
        if source is None:
            on_host = self._numerics.find_device().platform == "cpu"
            source = "torch" if on_host else "jax"
        check_name("source of dropout masks", source, MASKS)
        self.dropout_masks = source
        """Where dropout masks come from."""

    @classmethod
    def from_step(
        cls,
        step: Callable[[Any, Any], tuple[Any, Any]],
        state: Any,
        *,
        evaluate: Callable[[Any, Any], Any] | None = None,
        predict: Callable[[Any, Any], Any] | None = None,
        numerics: Numerics | None = None,
    ) -> Trainer:
        """The third door: a step of the user's own.

        What the step draws at random, it draws from a key in its state.

        Args:
            step: (state, batch) -> (state, figures), jitted or not; it is compiled
                here. Figures are a scalar, or a dictionary of scalars with a `"loss"`.
            state: any tree of arrays; it is copied.
            evaluate: (state, batch) -> figures, for tests; the mean of all batches.
            predict: (state, batch) -> outputs.
            numerics: types and device; by default the state's.
        """
        if not callable(step):
            raise TypeError(f"step must be a function, but got {_kind(step)}")
        self = cls.__new__(cls)
        self.door, self.metrics, self._flow = STEP, {}, Flow()
        self._numerics = numerics or numerics_of(state)
        self._loss, self._optimizer, self._prepare = step, None, None
        self._title, self.dropout_masks = name_of(step), "jax"
        self._engine = StepEngine(step, state, self._numerics, evaluate, predict)
        return self

    history: History | None = None
    """Of the latest fit, also of one that was broken off."""

    def _build(self, model: nnx.Module, flow: Flow) -> Engine:
        outputs = self.door == OUTPUTS
        return Engine(
            model,
            flow.wrap(self._optimizer),
            self._loss if outputs else None,
            self._prepare or (lambda inputs: inputs),
            self._numerics,
            average=flow.average(),
            average_steps=flow.swa is None,
            objective=None if outputs else objective_of(self._loss),
            metrics=self.metrics,
        )

    def _engine_for(self, flow: Flow) -> Any:
        """The engine with another flow, from where it is."""
        if flow != self._flow:
            old, engine = self._engine, self._build(self._engine.training_model, flow)
            own = self._flow.unwrap_state(old.state.opt_state)
            whole = flow.wrap_state(engine.state.opt_state, own)
            engine.state = engine.state._replace(opt_state=whole)
            self._engine, self._flow = engine, flow
        return self._engine

    @property
    def model(self) -> nnx.Module:
        """The model with the weights of this moment, in evaluation mode."""
        if self.door == STEP:
            raise AttributeError("a trainer of a step has a state, but no model")
        model: nnx.Module = self._engine.model
        return model

    @property
    def state(self) -> Any:
        """All that training changes: a copy."""
        return self._engine.copy_state()

    def fit(
        self,
        loader: Any,
        validation: Any = None,
        *,
        epochs: int | None = None,
        max_steps: int | None = None,
        batch_size: int = 64,
        shuffle: bool = False,
        scheduler: Any = None,
        scheduler_every: str = "epoch",
        accumulate: int = 1,
        clip_norm: float | None = None,
        ema: float | None = None,
        swa: int | None = None,
        devices: int = 1,
        precision: str | None = None,
        out: str | os.PathLike[str] | None = None,
        resume: str | None = None,
        save_every: float = 300.0,
        keep: int = 3,
        tensorboard: bool = False,
        monitor: int = 100,
        early_stopping: int | None = None,
        min_delta: float = 0.0,
        max_time: float | None = None,
        callbacks: Iterable[Callback] = (),
        seed: int | None = None,
        show_progress: bool = True,
    ) -> History:
        """Train, and say what became of it.

        Args:
            loader: arrays (inputs, targets), or any tree of arrays with a loss of
                (model, batch), which go to the device as a whole; a
                `jaxtrain.data.DataLoader`; or any iterable of batches. Of the last,
                a run that goes on passes over what was done.
            validation: likewise, tested after each epoch.
            epochs: how many.
            max_steps: of all epochs together; with `epochs`, what comes first.
            batch_size: of arrays that no loader holds.
            shuffle: likewise; a new order for each epoch, PyTorch's from the seed.
            scheduler: of `jaxtrain.lr_scheduler`. `reduce_lr_on_plateau` watches the
                validation loss.
            scheduler_every: `"epoch"` or `"step"`, after which it steps.
            accumulate: batches whose gradients are added up for one update.
            clip_norm: that the gradients, taken together, are shortened to.
            ema: decay of an average of the weights, with which tests are made.
            swa: epoch from whose end on the mean of the weights is tested instead.
            devices: must be 1 so far.
            precision: must be the model's own so far.
            out: the run's folder: every figure, checkpoints, configuration.
            resume: `"auto"` goes on with the run in `out`, if there is one. A run that
                is at its end gives its history at once.
            save_every: seconds between checkpoints, besides those at ends of epochs.
            keep: newest checkpoints that stay, besides the best.
            tensorboard: write TensorBoard's files into `out`, too.
            monitor: steps between two looks at gradients and updates; 0 watches
                nothing, not even for NaN.
            early_stopping: stop when so many epochs have not lowered the validation
                loss.
            min_delta: by how much a lower loss must be lower.
            max_time: seconds after which to stop.
            callbacks: told of every event of `jaxtrain.events`; a text that one
                returns ends the run.
            seed: seeds `rng.default_generator` first, as `torch.manual_seed`; without
                it, that goes on from where it is.
            show_progress: show a bar on a terminal, a line in a notebook.

        Returns:
            The history; its losses are those of every step from the very first.

        Raises:
            ConfigError: something that was asked for is not possible.
            TrainingFault: a number is not finite; the step is kept.
            KeyboardInterrupt: Ctrl-C, after what was done is saved.
        """
        flow = Flow(accumulate, clip_norm, ema, swa)
        check_loop(epochs, max_steps, monitor, batch_size)
        check_records(out, resume, save_every, keep, tensorboard)
        self._check_flow(flow, scheduler, devices, precision)
        check_tests(validation, scheduler, early_stopping)
        if seed is not None:
            rng.manual_seed(seed)
        engine = self._engine_for(flow)
        source = source_of(loader, engine.put, batch_size, shuffle)
        if accumulate > 1 and source.length is None:
            raise ConfigError(
                f"accumulate={accumulate} needs data with a length, to know an epoch's "
                "last batch"
            )
        tests = None
        if validation is not None:
            self._check_evaluate()
            tests = source_of(validation, engine.put, batch_size, False)
        rates = self._rates(scheduler, scheduler_every)
        key_seed = rng.default_generator.initial_seed() if seed is None else seed
        endings = FlowConfig(
            early_stopping=early_stopping, min_delta=min_delta, max_time=max_time
        )
        plan = Plan(
            *(engine, source, tests, rates, self.metrics, epochs, max_steps),
            accumulate=accumulate,
            swa=swa,
            masks=self._masks(key_seed),
            out=None if out is None else Path(out),
            resume=resume,
            save_every=save_every,
            keep=keep,
            monitor=monitor,
            config={
                "trainer": self._about(),
                **about_run(source, rates, flow, endings),
                "loop": {"epochs": epochs, "max_steps": max_steps, "seed": key_seed},
            },
            free=FREE,
            title=self._title,
        )
        about = {"name": type(loader).__name__, "source": "the program", "sha256": {}}
        self.history = History(plan.config, about)
        own = _Callbacks(callbacks)
        _run(plan, self.history, endings, own, show_progress, tensorboard, loader)
        return self.history

    def _check_flow(
        self, flow: Flow, scheduler: Any, devices: Any, precision: Any
    ) -> None:
        if self.door == STEP:
            given = {**asdict(flow), "scheduler": scheduler}
            usual = {**asdict(Flow()), "scheduler": None}
            for name, value in given.items():
                if value != usual[name]:
                    raise ConfigError(
                        f"{name}= does not fit a trainer of a step, whose gradients "
                        "and rates are its own: do it inside the step"
                    )
        if devices != 1:
            raise ConfigError(f"devices={devices!r} is not possible yet: it must be 1")
        if precision not in (None, self._numerics.dtype):
            raise ConfigError(
                f"precision={precision!r} is not possible yet: it must be the model's, "
                f"{self._numerics.dtype!r}"
            )

    def _rates(self, scheduler: Any, every: str) -> Rates:
        if scheduler is None:
            lr = None if self._optimizer is None else rate_of(self._optimizer)
            known = float(lr) if isinstance(lr, int | float) else math.nan
            return Rates(None, known, None)
        if not isinstance(scheduler, Schedule | PlateauSchedule):
            raise TypeError(
                "scheduler must be of jaxtrain.lr_scheduler, such as step_lr(0.1, 10), "
                f"but got {_kind(scheduler)}"
            )
        check_name("scheduler_every", every, ("epoch", "step"))
        if not self._engine.takes("lr"):
            raise ConfigError(
                "scheduler= sets the learning rate, which this optimizer does not take "
                "from outside: build it with jaxtrain.optim"
            )
        momentum = getattr(scheduler, "momentum", None) is not None
        if momentum and not self._engine.takes("momentum"):
            raise ConfigError(
                f"scheduler {scheduler!r:.80} cycles the momentum, which this "
                "optimizer does not take from outside: give it cycle_momentum=False, "
                "or build the optimizer with lr=schedule, momentum=schedule.momentum"
            )
        watches = isinstance(scheduler, PlateauSchedule)
        return Rates(
            scheduler,
            0.0,
            None if watches else every,
            "momentum" if momentum else None,
            name=(str(getattr(scheduler, "name", "reduce_lr_on_plateau")), "optimizer"),
        )

    def _masks(self, seed: int) -> Any:
        if self.door == STEP:
            return make_masks(None, lambda batch: [], seed)

        def draws(batch: Any) -> Any:
            engine = self._engine
            with engine.numerics.active():
                return mask_draws(engine.recipe, engine.state, batch)

        return make_masks(self.dropout_masks, draws, seed)

    def _about(self) -> dict[str, Any]:
        """What is trained, as a checkpoint says it."""
        optimizer = None if self._optimizer is None else summary_of(self._optimizer)
        return {
            "door": self.door,
            "model": self._title,
            "loss": name_of(self._loss),
            "optimizer": optimizer,
            "metrics": list(self.metrics),
            "dropout_masks": self.dropout_masks,
            "dtype": self._numerics.dtype,
        }

    def evaluate(self, loader: Any, *, batch_size: int = 64) -> dict[str, Any]:
        """Test: the mean loss of all batches, and the metrics of all rows.

        Args:
            loader: as for `fit`.
            batch_size: of arrays that no loader holds.

        Returns:
            `"loss"`, the metrics, and the figures that the loss gives besides.
        """
        self._check_evaluate()
        source = source_of(loader, self._engine.put, batch_size, False)
        return evaluate(self._engine, source, self.metrics)

    def _check_evaluate(self) -> None:
        if self.door == STEP and self._engine._measure is None:
            raise ConfigError(
                "a trainer of a step is tested by evaluate=: give from_step one"
            )

    def predict(self, loader: Any, *, batch_size: int = 64) -> Any:
        """What the model gives for all inputs, in order.

        Args:
            loader: as for `fit`; batches may also be inputs alone.
            batch_size: of arrays that no loader holds.

        Returns:
            Outputs as NumPy arrays, one row for each row of the inputs.
        """
        if self.door == MODEL:
            raise ConfigError(
                "predict does not fit a loss of (model, batch), which alone knows how "
                "the model is called: call trainer.model"
            )
        if self.door == STEP and self._engine._predict is None:
            raise ConfigError("a trainer of a step predicts by predict=: give it one")
        source, parts = source_of(loader, self._engine.put, batch_size, False), []
        averaged = has_average(self._engine)
        source.begin(0)
        for piece in source.pieces(0, 1):
            for data, rows in piece.batches:
                inputs = _inputs(data) if self.door == OUTPUTS else data
                row = None if rows is None else rows[0]
                outputs = self._engine.answer(inputs, row, averaged)
                parts.append(jax.tree.map(np.asarray, outputs))
        if not parts:
            raise ConfigError("there is no batch to predict for")
        return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)


class Recipe(NamedTuple):
    """What `python -m jaxtrain.train` trains: given by a file's `recipe()`."""

    trainer: Trainer
    loader: Any
    validation: Any = None
    options: Mapping[str, Any] = {}
    """More arguments of `Trainer.fit`; flags of the command line go before them."""


class _Callbacks:
    """The user's functions among a run's listeners."""

    def __init__(self, functions: Iterable[Callback]):
        self.functions = list(functions)
        for each in self.functions:
            if not callable(each):
                raise TypeError(f"callbacks must be functions, but one is {each!r:.80}")
        self.reason: str | None = None

    def see(self, event: Event) -> None:
        for each in self.functions:
            answer = each(event)
            if isinstance(answer, str):
                self.reason = self.reason or answer


def _run(
    plan: Plan,
    history: History,
    endings: FlowConfig,
    callbacks: _Callbacks,
    show_progress: bool,
    tensorboard: bool,
    loader: Any,
) -> None:
    place = progress.bar() if show_progress else None
    folder: AbstractContextManager[RunFolder | None] = nullcontext()
    if plan.out is not None:
        folder = RunFolder.open(
            *(plan.out, plan.config, history.data, _batches(plan.source, loader)),
            resume=plan.resume is not None,
            tensorboard=tensorboard,
        )
    with (
        noted_interrupt() as interruption,
        folder as records,
        Checkpoints.open(plan, FitIdentity(plan)) as checkpoints,
        place or nullcontext(),
    ):
        limits = Limits(endings, lambda: callbacks.reason or interruption.reason())
        listeners: list[Listener] = [limits.see, history.add, callbacks.see]
        if records is not None:
            listeners.insert(0, recorder(records))
        if place is not None:
            length = plan.source.length
            bar = progress.Progress(place, plan.epochs, length, plan.max_steps)
            listeners.append(bar.show)
        if plan.monitor:
            listeners += [Monitor(None).see, _warn]
        for event in Fit(plan).events(limits, checkpoints):
            tell(event, listeners)


def _warn(event: Event) -> None:
    if isinstance(event, Warned):
        warnings.warn(f"epoch {event.epoch}: {event.text}", stacklevel=2)


def _batches(source: Source, loader: Any) -> Batches:
    size = getattr(loader, "batch_size", None) or 0
    if isinstance(source, ArraySource):
        return Batches(source.rows_per_epoch, source.batch_rows)
    dataset: Any = getattr(loader, "dataset", ())
    return Batches(len(dataset) if hasattr(dataset, "__len__") else 0, size)


def _inputs(batch: Any) -> Any:
    is_pair = isinstance(batch, tuple | list) and len(batch) == 2
    return batch[0] if is_pair else batch


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}" if not isinstance(value, type) else repr(value)


# A history knows how to record itself; how it looks is known from here on.
History.plot = fitted.plot  # type: ignore[attr-defined]
History._repr_png_ = fitted.picture  # type: ignore[attr-defined]
History._repr_html_ = fitted.html  # type: ignore[attr-defined]
