"""Flags, and the configuration that each makes."""

from pathlib import Path

from jaxtrain.run.config import (
    Config,
    DataConfig,
    FlowConfig,
    LoopConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    RecordsConfig,
    SchedulerConfig,
)

FLAGS: list[tuple[str, Config]] = [
    ("", Config()),
    ("--data synthetic", Config(data=DataConfig(source="synthetic"))),
    ("--data some/folder", Config(data=DataConfig(source="some/folder"))),
    # A folder of that name, and not the number.
    ("--data inf", Config(data=DataConfig(source="inf"))),
    ("--batch-size 7", Config(data=DataConfig(batch_size=7))),
    ("--batch-size 2147483647", Config(data=DataConfig(batch_size=2**31 - 1))),
    ("--shuffle", Config(data=DataConfig(shuffle=True))),
    ("--normalize --epochs 10", Config(data=DataConfig(normalize=()))),
    ("--normalize -0.5 0.25", Config(data=DataConfig(normalize=(-0.5, 0.25)))),
    ("--model mlp", Config()),
    ("--model resnet_small", Config(model=ModelConfig("resnet_small"))),
    ("--hidden 128", Config(model=ModelConfig(hidden=(128,)))),
    ("--hidden 3 2 1 --epochs 10", Config(model=ModelConfig(hidden=(3, 2, 1)))),
    ("--hidden --epochs 10", Config(model=ModelConfig(hidden=()))),
    ("--dropout 0", Config()),
    ("--dropout 1", Config(model=ModelConfig(dropout=1.0))),
    ("--dropout-masks jax", Config(model=ModelConfig(dropout_masks="jax"))),
    ("--loss cross_entropy", Config()),
    (
        "--l1 1e-4 --l2 0.5",
        Config(loss=LossConfig(l1=1e-4, l2=0.5)),
    ),
    (
        "--loss-args label_smoothing=0.1 reduction=sum",
        Config(loss=LossConfig(args={"label_smoothing": 0.1, "reduction": "sum"})),
    ),
    ("--optimizer sgd", Config()),
    ("--lr 0", Config(optimizer=OptimizerConfig(lr=0.0))),
    ("--lr 1e-4", Config(optimizer=OptimizerConfig(lr=1e-4))),
    ("--lr 1e30", Config(optimizer=OptimizerConfig(lr=1e30))),
    ("--lr -0", Config(optimizer=OptimizerConfig(lr=0.0))),
    (
        "--optimizer-args momentum=0.9 nesterov=true",
        Config(optimizer=OptimizerConfig(args={"momentum": 0.9, "nesterov": True})),
    ),
    (
        "--optimizer-args momentum=0.9 --seed 0 --optimizer-args dampening=-1e-3",
        Config(optimizer=OptimizerConfig(args={"momentum": 0.9, "dampening": -1e-3})),
    ),
    (
        "--scheduler step_lr --scheduler-args step_size=3 --scheduler-every step",
        Config(scheduler=SchedulerConfig("step_lr", {"step_size": 3}, "step")),
    ),
    ("--epochs 0", Config(loop=LoopConfig(epochs=0))),
    ("--seed -9223372036854775808", Config(loop=LoopConfig(seed=-(2**63)))),
    ("--seed 18446744073709551615", Config(loop=LoopConfig(seed=2**64 - 1))),
    ("--seed=-1", Config(loop=LoopConfig(seed=-1))),
    ("--dtype float64", Config(loop=LoopConfig(dtype="float64"))),
    ("--dtype bfloat16", Config(loop=LoopConfig(dtype="bfloat16"))),
    ("--backend torch", Config(loop=LoopConfig(backend="torch"))),
    ("--device cpu", Config(loop=LoopConfig(device="cpu"))),
    (
        "--history run.json",
        Config(records=RecordsConfig(history=Path("run.json"))),
    ),
    ("--lr 1 --lr 0.5", Config(optimizer=OptimizerConfig(lr=0.5))),
    # What is done around a step.
    (
        "--augment random_crop(padding=4) random_horizontal_flip",
        Config(
            data=DataConfig(
                augment=("random_crop(padding=4)", "random_horizontal_flip")
            )
        ),
    ),
    ("--validation 0.1", Config(data=DataConfig(validation=0.1))),
    ("--validation 6000", Config(data=DataConfig(validation=6000.0))),
    ("--limit-batches 3", Config(data=DataConfig(limit_batches=3))),
    ("--overfit-batches 2", Config(data=DataConfig(overfit_batches=2))),
    ("--weight-decay 1e-4", Config(optimizer=OptimizerConfig(weight_decay=1e-4))),
    ("--accumulate 4", Config(flow=FlowConfig(accumulate=4))),
    ("--clip-grad-norm 1", Config(flow=FlowConfig(clip_grad_norm=1.0))),
    ("--clip-grad-value 0.5", Config(flow=FlowConfig(clip_grad_value=0.5))),
    ("--ema 0.999", Config(flow=FlowConfig(ema=0.999))),
    ("--swa 5", Config(flow=FlowConfig(swa=5))),
    (
        "--early-stopping 3 --min-delta 1e-3",
        Config(flow=FlowConfig(early_stopping=3, min_delta=1e-3)),
    ),
    ("--max-time 90", Config(flow=FlowConfig(max_time=90.0))),
    # What is watched and written.
    (
        "--out runs/a --resume auto --keep 5 --save-every 60 --tensorboard",
        Config(
            records=RecordsConfig(
                Path("runs/a"), "auto", save_every=60.0, keep=5, tensorboard=True
            )
        ),
    ),
    ("--resume runs/a", Config(records=RecordsConfig(resume="runs/a"))),
    ("--monitor 0", Config(records=RecordsConfig(monitor=0))),
]
