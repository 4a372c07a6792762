"""Names and `key=value` arguments: found, judged, and refused in one line."""

import inspect
import math
from types import ModuleType
from typing import Any

import pytest

from jaxtrain import lr_scheduler, optim
from jaxtrain.errors import ConfigError, check_name, excerpt, nearest, suggestion
from jaxtrain.run.by_name import (
    LOSS,
    MODEL,
    OPTIMIZER,
    SCHEDULER,
    TRANSFORM,
    Kind,
    _check_argument,
    build,
    parse_argument,
)


def schedule(base: float, step_size: int, gamma: float = 0.1) -> tuple[float, ...]:
    """Stands for a scheduler: one argument from the program, one that is needed."""
    return base, step_size, gamma


def optimizer(
    params: list[int],
    lr: Any = 1e-3,
    momentum: Any = 0,
    betas: tuple[float, float] = (0.9, 0.999),
    nesterov: bool = False,
    mode: str = "min",
    weight: Any = None,
    *,
    foreach: bool | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Stands for an optimiser of PyTorch's: its ways of declaring an argument."""
    if momentum < 0:
        raise ValueError(f"Invalid momentum value: {momentum}\nand a second line")
    return {"lr": lr, "momentum": momentum, "betas": betas, "weight": 1 / (weight or 1)}


def build_schedule(**arguments: Any) -> Any:
    kind = Kind("scheduler", ["step"], lambda name: schedule)
    return build(kind, "step", arguments, 0.5)


def build_optimizer(**arguments: Any) -> Any:
    find, hidden = (lambda name: optimizer), ("foreach",)
    kind = Kind("optimizer", ["opt"], find, hidden=hidden)
    return build(kind, "opt", arguments, [], lr=0.5)


def build_of(function: Any, **arguments: Any) -> Any:
    return build(Kind("f", ["g"], lambda name: function), "g", arguments)


def test_arguments_reach_the_function() -> None:
    assert build_schedule(step_size=3) == (0.5, 3, 0.1)
    assert build_schedule(step_size=3, gamma=2) == (0.5, 3, 2)
    built = build_optimizer(momentum=1, betas=(0.5, 0.5))
    assert built == {"lr": 0.5, "momentum": 1, "betas": (0.5, 0.5), "weight": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "scheduler step needs an argument 'step_size': step_size=VALUE"),
        (
            {"stepsize": 3},
            "scheduler step takes no argument 'stepsize': did you mean 'step_size'?",
        ),
        (
            {"base": 1.0},
            "scheduler step takes no argument 'base': choose from: gamma, step_size",
        ),
        (
            {"step_size": 1.5},
            "scheduler step: step_size must be a whole number, but got 1.5",
        ),
        (
            {"step_size": True},
            "scheduler step: step_size must be a whole number, but got True",
        ),
        (
            {"step_size": 1, "gamma": "a"},
            "scheduler step: gamma must be a number, but got 'a'",
        ),
    ],
)
def test_a_scheduler_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_schedule(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        # What the program passes itself, what only chooses an implementation, and
        # what a ** would swallow are not on offer, nor named as if they were.
        *(
            (
                {key: 1},
                f"takes no argument {key!r}: choose from: "
                "betas, mode, momentum, nesterov, weight",
            )
            for key in ("lr", "foreach", "kwargs", "params")
        ),
        ({"momentun": 1}, "takes no argument 'momentun': did you mean 'momentum'?"),
        ({"momentum": "0,9"}, ": momentum must be a number, but got '0,9'"),
        ({"momentum": (0, 9)}, ": momentum must be a number, but got (0, 9)"),
        ({"momentum": None}, ": momentum must be a number, but got None"),
        ({"momentum": True}, ": momentum must be a number, but got True"),
        ({"momentum": 1e39}, ": momentum must be within 1e+38, but got 1e+39"),
        (
            {"momentum": -(10**400)},
            f": momentum must be within 1e+38, but got -1{'0' * 98}…",
        ),
        ({"momentum": math.nan}, ": momentum must be within 1e+38, but got nan"),
        ({"nesterov": 1}, ": nesterov must be true or false, but got 1"),
        ({"nesterov": "yes"}, ": nesterov must be true or false, but got 'yes'"),
        ({"mode": 3}, ": mode must be a word, but got 3"),
        ({"mode": True}, ": mode must be a word, but got True"),
        ({"betas": 0.9}, ": betas must be 2 values, such as 0.9,0.999, but got 0.9"),
        (
            {"betas": (0.9, 0.9, 0.9)},
            ": betas must be 2 values, such as 0.9,0.999, but got (0.9, 0.9, 0.9)",
        ),
        # The function's own refusals: the first line, and the value where it lacks.
        ({"momentum": -1}, ": Invalid momentum value: -1"),
        (
            {"weight": "a", "momentum": 1},
            ": unsupported operand type(s) for /: 'int' and 'str' "
            "(given weight='a', momentum=1)",
        ),
    ],
)
def test_an_optimizer_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_optimizer(**arguments)
    separator = "" if message.startswith(":") else " "
    assert str(caught.value) == f"optimizer opt{separator}{message}"


def test_arithmetic_that_fails_is_refused_too() -> None:
    with pytest.raises(ConfigError, match=r"^f g: division by zero \(given x=0\)$"):
        build_of(lambda x: 1 / x, x=0)


def test_a_function_without_arguments_says_so() -> None:
    with pytest.raises(ConfigError, match="f g takes no argument 'x': it takes none"):
        build_of(lambda: 1, x=0)


def test_a_fault_of_the_function_is_not_put_on_the_user() -> None:
    def broken() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        build_of(broken)


@pytest.mark.parametrize(
    "kind", [LOSS, MODEL, OPTIMIZER, SCHEDULER, TRANSFORM], ids=lambda kind: kind.noun
)
def test_all_that_has_a_name_is_found(kind: Kind) -> None:
    for name in kind.names:
        assert callable(kind.find(name))


def test_nothing_else_is_found() -> None:
    # Public in the optimisers' package, and no optimiser.
    with pytest.raises(ConfigError, match="unknown optimizer 'clip_grad_norm': "):
        build(OPTIMIZER, "clip_grad_norm", {})


def test_what_is_made_of_others_is_built_from_the_inside() -> None:
    inner = "sequential_lr(schedulers=(constant, step_lr(step_size=1)), milestones=2)"
    arguments = {"schedulers": f"{inner}, constant_lr(factor=0.25)", "milestones": 4}
    built = build(SCHEDULER, "sequential_lr", arguments, 0.5)
    parts = [lr_scheduler.constant(0.5), lr_scheduler.step_lr(0.5, 1)]
    first, last = (
        lr_scheduler.sequential_lr(parts, [2]),
        lr_scheduler.constant_lr(0.5, 0.25),
    )
    right = lr_scheduler.sequential_lr([first, last], [4])
    assert [built(step) for step in range(8)] == [right(step) for step in range(8)]
    assert len({built(step) for step in range(8)}) == 4
    deep = "constant"
    for _ in range(60):
        deep = f"chained_scheduler(schedulers={deep})"
    with pytest.raises(ConfigError) as caught:
        build(SCHEDULER, "chained_scheduler", {"schedulers": 10 * deep}, 0.5)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [7, None, ("step_lr",), "", "1", "a.b()", "f(**x)"])
def test_what_is_no_list_of_schedulers_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="is not of the form FIRST"):
        build(SCHEDULER, "chained_scheduler", {"schedulers": value}, 0.5)


def test_suggestions() -> None:
    known = ["sgd", "Adam", "adamw"]
    assert suggestion("x", known) == "choose from: Adam, adamw, sgd"
    assert suggestion("ADAM", known) == "did you mean 'Adam'?"
    assert nearest("sdg", known) == "sgd"
    assert nearest("rmsprop", known) is None
    check_name("optimizer", "sgd", known)
    assert excerpt(10**5000) == "a huge int"
    with pytest.raises(ConfigError, match="unknown optimizer ''"):
        check_name("optimizer", "", known)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=0.9", 0.9),
        ("k=1e-3", 1e-3),
        ("k=-1e-3", -1e-3),
        ("k=3", 3),
        ("k= 3 ", 3),
        ("k=inf", math.inf),
        ("k=-inf", -math.inf),
        ("k=1e999", math.inf),
        ("k=0.9,0.99", (0.9, 0.99)),
        ("k=(1, 2)", (1, 2)),
        ("k=[1,2]", [1, 2]),
        ("k=1,", (1,)),
        ("k=true", True),
        ("k=True", True),
        ("k=false", False),
        ("k=None", None),
        ("k='None'", "None"),
        # PyTorch's word for no reduction, which is a word.
        ("k=none", "none"),
        ("k=min", "min"),
        ("k=a=b", "a=b"),
        ("k=nan", "nan"),
        ("k=1_0", 10),
        # Anything that is no literal, or one that JSON cannot hold, is a word.
        ("k=__import__('os')", "__import__('os')"),
        ("k=[1,2", "[1,2"),
        ("k={1,2}", "{1,2}"),
        ("k={1:2}", "{1:2}"),
        ("k=(1,{2})", "(1,{2})"),
        ("k=1j", "1j"),
        ("k=b'1'", "b'1'"),
        ("k=...", "..."),
        pytest.param("k=" + "(" * 1000, "(" * 1000, id="deep"),
        pytest.param("k=" + "-" * 100_000 + "1", "-" * 100_000 + "1", id="deeper"),
    ],
)
def test_arguments_are_read(text: str, value: Any) -> None:
    key, read = parse_argument(text)
    assert key == "k"
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["", "=", "k", "k=", "k= ", "=1", "1k=1", "a b=1", "a.b=1", "a-b=1"]
)
def test_arguments_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_argument(text)
    assert repr(text) in str(caught.value)


def defaults_of(module: ModuleType, base: type) -> list[inspect.Parameter]:
    """Parameters with defaults of all public classes of one kind."""
    classes = [v for v in vars(module).values() if inspect.isclass(v)]
    return [
        parameter
        for kind in classes
        if issubclass(kind, base)
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is not parameter.empty
    ]


def test_no_default_of_pytorch_is_refused_for_its_type() -> None:
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    parameters = [
        *defaults_of(torch.optim, torch.optim.Optimizer),
        *defaults_of(schedulers, schedulers.LRScheduler),
    ]
    assert len(parameters) > 100
    for parameter in parameters:
        _check_argument("PyTorch", parameter, parameter.default)


ATTEMPTS: list[dict[str, Any]] = [
    {},
    {"lr": -1.0},
    {"lr": 0.0},
    {"momentum": -0.5},
    {"momentum": 0},
    {"momentum": 5},
    {"momentum": "a"},
    {"weight_decay": -1},
    {"weight_decay": 10},
    {"dampening": -1},
    {"dampening": 2},
    {"nesterov": True},
    {"nesterov": True, "momentum": 0},
    {"nesterov": True, "momentum": 0.9},
    {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
    {"maximize": True},
    {"amsgrad": True},
]


def accepts(function: Any, *args: Any, arguments: dict[str, Any]) -> bool:
    kind = Kind("optimizer", ["sgd"], lambda name: function)
    try:
        build(kind, "sgd", arguments, *args)
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("arguments", ATTEMPTS, ids=map(str, ATTEMPTS))
def test_sgd_refuses_what_pytorch_refuses(arguments: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    params = [torch.nn.Parameter(torch.zeros(1))]
    assert accepts(optim.sgd, arguments=arguments) == accepts(
        torch.optim.SGD, params, arguments=arguments
    )


def test_the_attempts_hold_both_kinds() -> None:
    verdicts = [accepts(optim.sgd, arguments=arguments) for arguments in ATTEMPTS]
    assert any(verdicts)
    assert not all(verdicts)
