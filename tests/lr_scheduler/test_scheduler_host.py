"""The host's schedulers against `torch.optim.lr_scheduler`, equal to the last bit."""

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jaxtrain import lr_scheduler

torch = pytest.importorskip("torch")

from parity.proof.schedulers import cases
from parity.proof.schedulers.cases import CASES, LRS, PLATEAU, SINGLE, SchedulerCase
from parity.proof.schedulers.twins import BROKEN, NAMED
from parity.proof.schedulers.values import (
    ENDS,
    ValueTable,
    momentum_of,
    optimizer_for,
    our_schedule,
    torch_scheduler,
    torch_values,
    unequal_steps,
    values_of,
)

CYCLED = [case for case in CASES if "c" in case.name and our_schedule(case).momentum]


def test_each_family_has_ten_argument_sets() -> None:
    for family in {case.name for case in (*CASES, *PLATEAU)}:
        assert sum(case.name == family for case in (*CASES, *PLATEAU)) >= 10, family


@pytest.mark.long  # A newer PyTorch may add one: no reason to stop everybody's push.
def test_every_scheduler_of_the_installed_pytorch_is_here() -> None:
    listed = {*torch.optim.lr_scheduler.__all__, "SWALR"} - {"LRScheduler"}
    known = {name.replace("_", "") for name in lr_scheduler.__all__}
    assert {name.lower() for name in listed} <= known


@pytest.mark.parametrize("case", CYCLED, ids=str)
def test_beta1_is_the_momentum(case: SchedulerCase) -> None:
    schedule = our_schedule(case)
    assert not unequal_steps(values_of(schedule.momentum), values_of(schedule.beta1))


ONE_GROUP = [case for case in CASES if not case.needs_groups]


@pytest.mark.parametrize("case", ONE_GROUP, ids=str)
def test_one_rate_gives_numbers(case: SchedulerCase) -> None:
    rates, _ = torch_values(case, 60, LRS[:1])
    schedule = our_schedule(case, LRS[0])
    assert type(schedule(0)) is float
    assert not unequal_steps(rates, values_of(schedule, 60))


@pytest.mark.parametrize("case", ONE_GROUP, ids=str)
def test_a_base_rate_of_zero(case: SchedulerCase) -> None:
    rates, _ = torch_values(case, 30, (0.0,))
    assert not unequal_steps(rates, values_of(our_schedule(case, 0.0), 30))


@pytest.mark.parametrize("case", CYCLED, ids=str)
def test_beta1_is_cycled_as_momentum_is(case: SchedulerCase) -> None:
    rates, momenta = torch_values(case, steps=300, kind="adam")
    schedule = our_schedule(case)
    assert not unequal_steps(rates, values_of(schedule, 300))
    assert not unequal_steps(momenta, values_of(schedule.beta1, 300))


def saved_by_torch(state: dict[str, Any]) -> dict[str, Any]:
    """A state without the entry that says which optimiser it is."""
    state = {key: value for key, value in state.items() if key != "use_beta1"}
    if "_schedulers" in state:
        state["_schedulers"] = [saved_by_torch(s) for s in state["_schedulers"]]
    return state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_scheduler_s_face_is_pytorch_s(case: SchedulerCase) -> None:
    optimizer = optimizer_for(LRS)
    reference, scheduler = torch_scheduler(case, optimizer), our_schedule(case).host()
    for _ in range(45):
        assert scheduler.get_last_lr() == reference.get_last_lr()
        assert scheduler.state_dict() == saved_by_torch(reference.state_dict())
        for group, own in zip(
            optimizer.param_groups, scheduler.param_groups, strict=True
        ):
            assert own == {key: group[key] for key in own}
        optimizer.step()
        try:
            reference.step()
        except ENDS:
            with pytest.raises(ValueError, match=r"\d|Chained|Sequential"):
                scheduler.step()
            break
        scheduler.step()


# Resuming.


def their_future(
    optimizer: Any, scheduler: Any, steps: int
) -> tuple[ValueTable, ValueTable]:
    """(rates, momenta) from here on, until PyTorch raises."""
    rates, momenta = [], []
    for _ in range(steps):
        assert scheduler.get_last_lr() == [g["lr"] for g in optimizer.param_groups]
        rates.append(scheduler.get_last_lr())
        momenta.append([momentum_of(group) for group in optimizer.param_groups])
        optimizer.step()
        try:
            scheduler.step()
        except ENDS:
            break
    return rates, momenta


def our_future(scheduler: Any, steps: int) -> tuple[ValueTable, ValueTable | None]:
    """(rates, momenta) from here on; no momenta where none are cycled."""
    rates, momenta = [], []
    for _ in range(steps):
        assert scheduler.get_last_lr() == scheduler.current()
        rates.append(scheduler.get_last_lr())
        momenta.append([group.get("momentum") for group in scheduler.param_groups])
        try:
            scheduler.step()
        except ValueError:
            break
    return rates, None if momenta[0][0] is None else momenta


def check_futures(
    theirs: tuple[ValueTable, ValueTable], ours: tuple[ValueTable, ValueTable | None]
) -> None:
    assert not unequal_steps(theirs[0], ours[0])
    assert ours[1] is None or not unequal_steps(theirs[1], ours[1])


def stepped(case: SchedulerCase, steps: int) -> tuple[Any, Any]:
    """PyTorch's optimiser and scheduler after some steps."""
    optimizer = optimizer_for(LRS)
    reference = torch_scheduler(case, optimizer)
    for _ in range(steps):
        optimizer.step()
        reference.step()
    return optimizer, reference


def pickled(state: dict[str, Any]) -> dict[str, Any]:
    return pickle.loads(pickle.dumps(state))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_resuming_from_pytorch_s_state_and_back(case: SchedulerCase) -> None:
    reached = len(torch_values(case, steps=90)[0])
    generator = np.random.default_rng(len(str(case)))
    for steps in generator.integers(0, reached, 2).tolist():
        optimizer, reference = stepped(case, steps)
        state = pickled(reference.state_dict())
        groups = pickled(optimizer.state_dict())["param_groups"]
        alone, full = our_schedule(case).host(), our_schedule(case).host()
        alone.load_state_dict(state)
        full.load_state_dict(state, groups)
        # And back: PyTorch's optimiser is given its own groups, as users do.
        again, back = stepped(case, 0)
        back.load_state_dict(pickled(alone.state_dict()))
        again.load_state_dict(optimizer.state_dict())
        future = their_future(optimizer, reference, 40)
        assert not unequal_steps(future[0], their_future(again, back, 40)[0])
        check_futures(future, our_future(alone, 40))
        check_futures(future, our_future(full, 40))


def test_bounds_that_pytorch_keeps_in_the_optimiser() -> None:
    theirs_has = {"max_lr": 0.3, "total_steps": 50, "max_momentum": 0.97}
    optimizer, reference = stepped(SchedulerCase("one_cycle_lr", theirs_has), 9)
    groups = copy.deepcopy(optimizer.state_dict()["param_groups"])
    ours_has = {"max_lr": 0.1, "total_steps": 50}
    full, alone = (
        our_schedule(SchedulerCase("one_cycle_lr", ours_has)).host() for _ in "12"
    )
    full.load_state_dict(reference.state_dict(), groups)
    alone.load_state_dict(reference.state_dict())
    future = their_future(optimizer, reference, 60)
    check_futures(future, our_future(full, 60))
    assert unequal_steps(future[0], our_future(alone, 60)[0])[0] == 1


def test_a_state_that_is_not_loaded_is_noticed() -> None:
    case = cases.COSINE[3]
    optimizer, reference = stepped(case, 17)
    state = reference.state_dict()
    late = our_schedule(case).host()
    late.load_state_dict({**state, "last_epoch": state["last_epoch"] - 1})
    future = their_future(optimizer, reference, 40)
    for wrong in (our_schedule(case).host(), late):
        assert unequal_steps(future[0], our_future(wrong, 40)[0])


def test_a_state_of_another_family_is_refused() -> None:
    state = lr_scheduler.step_lr(0.1, 3).host().state_dict()
    with pytest.raises(ValueError, match="T_max"):
        lr_scheduler.cosine_annealing_lr(0.1, 3).host().load_state_dict(state)
    chain = lr_scheduler.chained_scheduler([lr_scheduler.step_lr(0.1, 3)]).host()
    with pytest.raises(ValueError, match="0 schedulers"):
        chain.load_state_dict(state)


def test_a_state_of_other_groups_is_refused() -> None:
    state = lr_scheduler.step_lr([0.1, 0.2], 3).host().state_dict()
    scheduler = lr_scheduler.step_lr(0.1, 3).host()
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=r"\[0\.1, 0\.2\]"):
        scheduler.load_state_dict({**state, "last_epoch": 7})
    assert scheduler.state_dict() == before
    with pytest.raises(ValueError, match=r"groups, 1, but has 2"):
        scheduler.load_state_dict({**before, "gamma": 7}, [{"lr": 0.1}, {"lr": 0.2}])
    assert scheduler.state_dict() == before


def test_a_saved_state_does_not_move_with_the_scheduler() -> None:
    scheduler = lr_scheduler.sequential_lr(
        [lr_scheduler.step_lr(0.1, 1), lr_scheduler.step_lr(0.1, 2)], [3]
    ).host()
    state = scheduler.state_dict()
    before = copy.deepcopy(state)
    scheduler.step()
    assert state == before != scheduler.state_dict()


@pytest.mark.parametrize("case", SINGLE, ids=str)
def test_going_to_an_epoch(case: SchedulerCase) -> None:
    """PyTorch's deprecated way: the closed form, where there is one."""
    optimizer = optimizer_for(LRS)
    reference, scheduler = torch_scheduler(case, optimizer), our_schedule(case).host()
    generator = np.random.default_rng(3)
    for epoch in [None, 0, *generator.integers(0, 120, 12).tolist(), None, 5, None]:
        optimizer.step()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                reference.step(epoch)
        except ENDS:
            with pytest.raises(ValueError, match=r"\d"):
                scheduler.step(epoch)
            break
        scheduler.step(epoch)
        assert scheduler.get_last_lr() == reference.get_last_lr()


@pytest.mark.parametrize("case", cases.WARM_RESTARTS, ids=str)
def test_fractions_of_epochs(case: SchedulerCase) -> None:
    optimizer = optimizer_for(LRS)
    reference, scheduler = torch_scheduler(case, optimizer), our_schedule(case).host()
    generator = np.random.default_rng(4)
    batches = [epoch + batch / 7 for epoch in range(60) for batch in range(7)]
    jumps = generator.uniform(0, 400, 100).tolist()
    for epoch in [*batches, *jumps, None, None, 3.5, None]:
        optimizer.step()
        reference.step(epoch)
        scheduler.step(epoch)
        assert scheduler.get_last_lr() == reference.get_last_lr(), epoch
        assert scheduler.state_dict() == reference.state_dict()
    with pytest.raises(ValueError, match=r"-0\.5"):
        scheduler.step(-0.5)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rate_that_the_user_changes_on_the_way(case: SchedulerCase) -> None:
    optimizer = optimizer_for(LRS)
    reference, scheduler = torch_scheduler(case, optimizer), our_schedule(case).host()
    for step in range(25):
        if step == 7:
            for groups in (optimizer.param_groups, scheduler.param_groups):
                groups[1]["lr"] = 0.77
        optimizer.step()
        try:
            reference.step()
        except ENDS:
            break
        scheduler.step()
        assert scheduler.get_last_lr() == reference.get_last_lr()


@pytest.mark.parametrize("case", SINGLE, ids=str)
def test_last_epoch_with_the_groups_of_pytorch_s_optimiser(case: SchedulerCase) -> None:
    reached = len(torch_values(case, steps=60)[0]) - 1
    last = int(np.random.default_rng(len(str(case))).integers(0, reached + 1))
    optimizer, _ = stepped(case, last)
    groups = copy.deepcopy(optimizer.state_dict()["param_groups"])
    resumed = SchedulerCase(case.name, {**case.args, "last_epoch": last})
    try:
        reference = torch_scheduler(resumed, optimizer)
    except ENDS:
        with pytest.raises(ValueError, match=r"\d"):
            our_schedule(resumed).host(groups)
        return
    future = their_future(optimizer, reference, 30)
    check_futures(future, our_future(our_schedule(resumed).host(groups), 30))


@pytest.mark.parametrize("case", [*cases.ONE_CYCLE[5:9], *cases.CYCLIC[1:7]], ids=str)
def test_last_epoch_where_the_step_alone_decides(case: SchedulerCase) -> None:
    whole = our_schedule(case)
    late = our_schedule(SchedulerCase(case.name, {**case.args, "last_epoch": 29}))
    assert [late(c) for c in range(50)] == [whole(c + 30) for c in range(50)]
    if whole.momentum is not None:
        found = late.momentum.table(50)
        np.testing.assert_array_equal(found, whole.momentum.table(80)[30:])


def test_groups_of_pytorch_s_optimiser_are_gone_on_with() -> None:
    optimizer, _ = stepped(SchedulerCase("step_lr", {"step_size": 3}), 10)
    groups = optimizer.state_dict()["param_groups"]
    case = SchedulerCase("cosine_annealing_lr", {"T_max": 9, "last_epoch": 4})
    future = their_future(optimizer, torch_scheduler(case, optimizer), 30)
    check_futures(future, our_future(our_schedule(case).host(groups), 30))
    with pytest.raises(ValueError, match="initial_lr"):
        our_schedule(case).host([{"lr": 0.1}] * 3)
    with pytest.raises(ValueError, match="3 groups"):
        our_schedule(case).host([{"lr": 0.1}])


# The schedule as a function.


def test_any_order_of_counts_gives_the_same_values() -> None:
    schedule = lr_scheduler.cosine_annealing_lr(0.1, 30, 0.01)
    counts = np.random.default_rng(0).permutation(200)
    values = {int(count): schedule(count) for count in counts}
    fresh = lr_scheduler.cosine_annealing_lr(0.1, 30, 0.01)
    assert [values[count] for count in range(200)] == fresh.table(200).tolist()


def test_a_schedule_that_settles_is_not_run_for_ever() -> None:
    for schedule in (
        lr_scheduler.linear_lr(0.1, total_iters=7),
        lr_scheduler.exponential_lr(0.1, 0.5),
        lr_scheduler.multi_step_lr([0.1, 1.0], [3, 9]),
        lr_scheduler.constant([0.1, 0.2]),
    ):
        assert schedule(10**12) == schedule(10**6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_has_settled_stays(case: SchedulerCase) -> None:
    """Stepping on by hand, where the schedule no longer does."""
    scheduler = our_schedule(case).host()
    settled_at = None
    for _ in range(1200):
        before = copy.deepcopy(scheduler.param_groups)
        settled = scheduler.is_constant
        try:
            scheduler.step()
        except ValueError:
            assert not settled
            break
        if settled:
            settled_at = settled_at or scheduler.get_last_lr()
            assert scheduler.param_groups == before
            assert scheduler.get_last_lr() == settled_at


def test_a_table_is_the_values() -> None:
    schedule = lr_scheduler.one_cycle_lr([0.1, 0.2], total_steps=20)
    assert schedule.table(21).tolist() == [schedule(count) for count in range(21)]
    assert schedule[1].table(21).tolist() == [schedule(c)[1] for c in range(21)]
    assert schedule.momentum[1](3) == schedule.momentum(3)[1]
    assert schedule.table(0).shape == (0, 2)
    assert lr_scheduler.constant(0.5).table(3).tolist() == [0.5] * 3


def test_what_is_no_count_is_refused() -> None:
    schedule = lr_scheduler.step_lr(0.1, 3)
    with pytest.raises(TypeError, match=r"1\.5"):
        schedule(1.5)
    with pytest.raises(ValueError, match="-1"):
        schedule(-1)
    with pytest.raises(ValueError, match="-2"):
        schedule.table(-2)
    with pytest.raises(IndexError, match="group 0"):
        schedule[0]
    with pytest.raises(IndexError, match="group 2"):
        lr_scheduler.step_lr([0.1, 0.2], 3)[2]


def test_the_end_is_an_error_each_time() -> None:
    schedule = lr_scheduler.one_cycle_lr(0.1, total_steps=5)
    for _ in range(2):
        with pytest.raises(ValueError, match="6"):
            schedule(6)
    assert schedule(5) == schedule.table(6)[5]


def test_a_function_that_fails_once_does_not_shift_the_values() -> None:
    failures = [KeyboardInterrupt(), RuntimeError("no")]

    def fragile(step: int) -> float:
        if step == 5 and failures:
            raise failures.pop()
        return 1.0 / (1 + step)

    schedule = lr_scheduler.lambda_lr(1.0, fragile)
    for kind in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(kind):
            schedule(9)
    assert [schedule(count) for count in range(10)] == [1 / (1 + c) for c in range(10)]


def test_print_lr_names_each_group(capsys: pytest.CaptureFixture[str]) -> None:
    lr_scheduler.step_lr([0.1, 0.02], 3).host().print_lr()
    assert capsys.readouterr().out == (
        "learning rate of group 0: 1.0000e-01\nlearning rate of group 1: 2.0000e-02\n"
    )


def test_a_schedule_says_what_it_is() -> None:
    warm = lr_scheduler.linear_lr(0.1)
    shown = repr(lr_scheduler.sequential_lr([warm, lr_scheduler.constant(0.1)], [5]))
    assert shown == (
        f"sequential_lr(schedulers=[{warm!r}, constant(lr=0.1)], "
        "milestones=[5], last_epoch=-1)"
    )


def test_schedules_can_be_copied_and_pickled() -> None:
    schedule = lr_scheduler.one_cycle_lr(0.1, total_steps=50)
    before = schedule.table(50)
    for copied in (copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
        np.testing.assert_array_equal(copied.table(50), before)


def test_the_articles_forms() -> None:
    """lr, lr·(1 - t/T)^power and lr·ratio^(t/T)."""
    steps = np.arange(101.0)
    polynomial = lr_scheduler.polynomial_lr(0.3, total_iters=100, power=2.0).table(101)
    # A product of 100 roundings of half an ulp each, twice over with the power.
    expected = 0.3 * (1 - steps / 100) ** 2
    np.testing.assert_allclose(polynomial, expected, rtol=400 * 2**-53, atol=0)
    geometric = lr_scheduler.geometric(0.3, ratio=0.01, total_iters=100)
    case = SchedulerCase("lambda_lr", {"lr_lambda": lambda t: 0.01 ** (t / 100)})
    by_torch, _ = torch_values(case, lrs=(0.3,))
    assert not unequal_steps(by_torch, values_of(geometric))
    exponential = lr_scheduler.exponential_lr(0.3, 0.01 ** (1 / 100)).table(101)
    # 100 products, and 100 times the rounding of gamma.
    np.testing.assert_allclose(
        geometric.table(101), exponential, rtol=300 * 2**-53, atol=0
    )
    assert set(lr_scheduler.constant(0.3).table(100)) == {0.3}
    for ratio, total in ((0.0, 5), (0.5, 0)):
        with pytest.raises(ValueError, match="must be positive, but got 0"):
            lr_scheduler.geometric(0.1, ratio, total)


# What is refused.

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("lambda_lr", {"lr_lambda": [abs, abs]}, "has 2"),
    ("lambda_lr", {"lr_lambda": 0.5}, "0.5"),
    ("multiplicative_lr", {"lr_lambda": [abs, abs]}, "has 2"),
    ("multiplicative_lr", {"lr_lambda": "x"}, "x"),
    ("step_lr", {"step_size": 0}, "0"),
    ("multi_step_lr", {"milestones": 3}, "3"),
    ("constant_lr", {"factor": 1.5}, "1.5"),
    ("constant_lr", {"factor": -0.1}, "-0.1"),
    ("linear_lr", {"start_factor": 0.0}, "0.0"),
    ("linear_lr", {"start_factor": 1.1}, "1.1"),
    ("linear_lr", {"end_factor": -0.1}, "-0.1"),
    ("linear_lr", {"end_factor": 1.1}, "1.1"),
    ("cosine_annealing_lr", {"T_max": 0}, "0"),
    ("cosine_annealing_warm_restarts", {"T_0": 0}, "0"),
    ("cosine_annealing_warm_restarts", {"T_0": -3}, "-3"),
    ("cosine_annealing_warm_restarts", {"T_0": 2.5}, "2.5"),
    ("cosine_annealing_warm_restarts", {"T_0": 3, "T_mult": 0}, "0"),
    ("cosine_annealing_warm_restarts", {"T_0": 3, "T_mult": 1.5}, "1.5"),
    ("cosine_annealing_warm_restarts", {"T_0": 3, "eta_min": "x"}, "x"),
    ("cyclic_lr", {"base_lr": 0.1, "max_lr": 1.0, "mode": "square"}, "square"),
    ("cyclic_lr", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 0}, "0"),
    ("cyclic_lr", {"base_lr": [0.1, 0.2], "max_lr": [0.1] * 3}, "0.1, 0.1, 0.1"),
    ("cyclic_lr", {"base_lr": "x", "max_lr": 1.0}, "x"),
    ("one_cycle_lr", {"max_lr": 0.1}, "None"),
    ("one_cycle_lr", {"max_lr": 0.1, "epochs": 3}, "steps_per_epoch=None"),
    ("one_cycle_lr", {"max_lr": 0.1, "total_steps": 0}, "0"),
    ("one_cycle_lr", {"max_lr": 0.1, "total_steps": 2.5}, "2.5"),
    ("one_cycle_lr", {"max_lr": 0.1, "epochs": 0, "steps_per_epoch": 1}, "0"),
    ("one_cycle_lr", {"max_lr": 0.1, "epochs": 2, "steps_per_epoch": -1}, "-1"),
    ("one_cycle_lr", {"max_lr": 0.1, "total_steps": 9, "pct_start": 1.5}, "1.5"),
    ("one_cycle_lr", {"max_lr": 0.1, "total_steps": 9, "pct_start": 1}, "1"),
    (
        "one_cycle_lr",
        {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "square"},
        "square",
    ),
    # The first phase has no length.
    ("one_cycle_lr", {"max_lr": 0.1, "total_steps": 10, "pct_start": 0.1}, "0"),
    ("swa_lr", {"swa_lr": 0.1, "anneal_strategy": "square"}, "square"),
    ("swa_lr", {"swa_lr": 0.1, "anneal_epochs": -1}, "-1"),
    ("swa_lr", {"swa_lr": 0.1, "anneal_epochs": 2.5}, "2.5"),
    ("swa_lr", {"swa_lr": [0.1, 0.2]}, "0.1, 0.2"),
    ("reduce_lr_on_plateau", {"factor": 1.0}, "1.0"),
    ("reduce_lr_on_plateau", {"mode": "most"}, "most"),
    ("reduce_lr_on_plateau", {"threshold_mode": "x"}, "x"),
    ("reduce_lr_on_plateau", {"min_lr": [0.1, 0.2]}, "0.1, 0.2"),
    ("sequential_lr", {"milestones": []}, "at least one"),
]


@pytest.mark.parametrize(("name", "args", "message"), REFUSED)
def test_what_pytorch_refuses(name: str, args: dict[str, Any], message: str) -> None:
    case = SchedulerCase(name, args)

    def take_a_step() -> None:
        optimizer = optimizer_for((0.1,))
        scheduler = torch_scheduler(case, optimizer)
        optimizer.step()
        scheduler.step()

    with pytest.raises((*ENDS, TypeError)):
        take_a_step()
    first: list[Any] = [[]] if name == "sequential_lr" else [0.1] * (not case.sets_lr)
    with pytest.raises((ValueError, TypeError)) as caught:
        getattr(lr_scheduler, name)(*first, **args)
    assert message in str(caught.value)


def test_a_negative_step_size_is_refused_here_alone() -> None:
    """PyTorch takes it for its absolute value: a slip, more likely than a wish."""
    with pytest.raises(ValueError, match="-3"):
        lr_scheduler.step_lr(0.1, -3)


def test_children_that_do_not_fit() -> None:
    step, two = lr_scheduler.step_lr(0.1, 3), lr_scheduler.step_lr([0.1, 0.2], 3)
    plateau = lr_scheduler.reduce_lr_on_plateau(0.1)
    sequence = lr_scheduler.sequential_lr
    with pytest.raises(ValueError, match=r"0\.1, 0\.2"):
        lr_scheduler.chained_scheduler([step, lr_scheduler.step_lr(0.2, 3)])
    with pytest.raises(ValueError, match="base learning rate"):
        lr_scheduler.chained_scheduler([step, two])
    cyclic = lr_scheduler.cyclic_lr([0.1] * 3, 1.0)
    with pytest.raises(ValueError, match="number of groups"):
        lr_scheduler.chained_scheduler([two, cyclic])
    with pytest.raises(ValueError, match="at least one"):
        lr_scheduler.chained_scheduler([])
    with pytest.raises(ValueError, match="metric"):
        sequence([step, plateau], [3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"0\.5 at index 1"):
        sequence([step, 0.5], [3])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"\[3, 4\]"):
        sequence([step, step], [3, 4])
    for container in (sequence([step], []), lr_scheduler.chained_scheduler([step])):
        with pytest.raises(TypeError, match="3"):
            container.host().step(3)


@pytest.mark.parametrize("lr", [-0.1, float("nan"), [0.1, -1.0]])
def test_a_rate_that_optimisers_refuse(lr: Any) -> None:
    with pytest.raises(ValueError, match="learning rate"):
        lr_scheduler.step_lr(lr, 3)


@pytest.mark.parametrize("lr", ["0.1", None, True, [0.1, "x"]])
def test_a_rate_that_is_no_number(lr: Any) -> None:
    with pytest.raises(TypeError, match="lr must be a number"):
        lr_scheduler.constant_lr(lr)


def test_no_groups_at_all() -> None:
    with pytest.raises(ValueError, match=r"\[\]"):
        lr_scheduler.step_lr([], 3)


# Broken twins: the same judge, which must refuse them.


def judged(case: SchedulerCase, twin: Callable[[int], Any]) -> list[int]:
    """The steps at which it is noticed."""
    return unequal_steps(torch_values(case)[0], values_of(twin))


@pytest.mark.parametrize("case", NAMED.values(), ids=NAMED.keys())
def test_one_step_late_is_noticed(case: SchedulerCase) -> None:
    schedule = our_schedule(case)
    assert not judged(case, schedule)
    assert judged(case, lambda count: schedule(max(count - 1, 0)))
    assert judged(case, lambda count: schedule(count + 1))


RECURSIVE = (
    "step_lr",
    "multi_step_lr",
    "constant_lr",
    "linear_lr",
    "exponential_lr",
    "polynomial_lr",
    "cosine_annealing_lr",
)


@pytest.mark.parametrize("name", RECURSIVE)
def test_the_closed_form_is_noticed(name: str) -> None:
    case = NAMED[name]
    scheduler = our_schedule(case).host()

    def closed(count: int) -> list[float]:
        scheduler.step(count)
        return scheduler.get_last_lr()

    assert judged(case, closed)
    reference = np.array(torch_values(case)[0])
    # It is the same schedule but for roundings: 1e-9 of the base rate is far above
    # what 1,000 of them come to, so that nothing but a rounding is noticed here.
    np.testing.assert_allclose(
        values_of(closed), reference, rtol=0, atol=1e-9 * max(LRS)
    )


def test_every_family_has_a_broken_twin() -> None:
    assert (
        {name for name, _, _ in BROKEN} == set(NAMED) == {case.name for case in CASES}
    )


def test_the_judge_sees_one_bit_and_a_shorter_run() -> None:
    reference: ValueTable = [[0.1], [0.2]]
    assert unequal_steps(reference, [[0.1], [float(np.nextafter(0.2, 1))]]) == [1]
    assert unequal_steps(reference, [[0.1]]) == [1]
    assert unequal_steps([[0.0]], [[-0.0]]) == [0]
