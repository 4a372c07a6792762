"""What is refused, and the line that says so."""

REFUSED: list[tuple[str, str]] = [
    # Numbers that are none.
    ("--lr x", "--lr must be a number, but got 'x'"),
    ("--lr=", "--lr must be a number, but got ''"),
    ("--lr 1,5", "--lr must be a number, but got '1,5'"),
    ("--batch-size 6.4", "--batch-size must be a whole number, but got '6.4'"),
    ("--epochs ten", "--epochs must be a whole number, but got 'ten'"),
    ("--seed 1.5", "--seed must be a whole number, but got '1.5'"),
    ("--seed 0x10", "--seed must be a whole number, but got '0x10'"),
    ("--hidden 64 x", "--hidden must be a whole number, but got 'x'"),
    ("--dropout half", "--dropout must be a number, but got 'half'"),
    ("--normalize 0.5 x", "--normalize must be a number, but got 'x'"),
    # Numbers out of range.
    ("--normalize 0.5 0", "--normalize STD must be from 1e-30 to 1e+38, but got 0.0"),
    ("--normalize nan 1", "--normalize MEAN must be from -1e+38 to 1e+38, but got nan"),
    (
        "--normalize 0.5",
        "--normalize takes a mean and a standard deviation, or nothing, but got 0.5",
    ),
    ("--model cnn --hidden 64", "--hidden 64 is for --model mlp, not cnn"),
    ("--model cmn", "unknown --model 'cmn': did you mean 'cnn'?"),
    ("--l1 -1", "--l1 must be from 0 to 1e+38, but got -1.0"),
    ("--l2 nan", "--l2 must be from 0 to 1e+38, but got nan"),
    ("--lr -1", "--lr must be from 0 to 1e+38, but got -1.0"),
    ("--lr -1e-3", "--lr must be from 0 to 1e+38, but got -0.001"),
    ("--lr nan", "--lr must be from 0 to 1e+38, but got nan"),
    ("--lr -nan", "--lr must be from 0 to 1e+38, but got nan"),
    ("--lr inf", "--lr must be from 0 to 1e+38, but got inf"),
    ("--lr -inf", "--lr must be from 0 to 1e+38, but got -inf"),
    ("--lr 1e39", "--lr must be from 0 to 1e+38, but got 1e+39"),
    ("--batch-size 0", "--batch-size must be from 1 to 2147483647, but got 0"),
    ("--batch-size -64", "--batch-size must be from 1 to 2147483647, but got -64"),
    (
        "--batch-size 99999999999999999999",
        "--batch-size must be from 1 to 2147483647, but got 99999999999999999999",
    ),
    ("--epochs -1", "--epochs must be at least 0, but got -1"),
    ("--hidden 0", "--hidden must be from 1 to 2147483647, but got 0"),
    ("--hidden -1 512", "--hidden must be from 1 to 2147483647, but got -1"),
    ("--hidden 512 -1", "--hidden must be from 1 to 2147483647, but got -1"),
    ("--dropout 1.5", "--dropout must be from 0 to 1, but got 1.5"),
    ("--dropout -0.1", "--dropout must be from 0 to 1, but got -0.1"),
    ("--dropout nan", "--dropout must be from 0 to 1, but got nan"),
    (
        "--seed -9223372036854775809",
        "--seed must be from -9223372036854775808 to 18446744073709551615, "
        "but got -9223372036854775809",
    ),
    (
        "--seed 18446744073709551616",
        "--seed must be from -9223372036854775808 to 18446744073709551615, "
        "but got 18446744073709551616",
    ),
    # Names that nothing has.
    ("--optimizer sdg", "unknown optimizer 'sdg': did you mean 'sgd'?"),
    ("--optimizer SGD", "unknown optimizer 'SGD': did you mean 'sgd'?"),
    (
        "--loss crossentropy",
        "unknown loss 'crossentropy': did you mean 'cross_entropy'?",
    ),
    ("--scheduler StepLR", "unknown scheduler 'StepLR': did you mean 'step_lr'?"),
    (
        "--scheduler-every batch",
        "unknown --scheduler-every 'batch': choose from: epoch, step",
    ),
    ("--dtype float23", "unknown --dtype 'float23': did you mean 'float32'?"),
    ("--device gup", "unknown --device 'gup': did you mean 'gpu'?"),
    ("--device cuda", "unknown --device 'cuda': choose from: auto, cpu, gpu, tpu"),
    (
        "--dropout-masks numpy",
        "unknown --dropout-masks 'numpy': choose from: jax, torch",
    ),
    # Flags that nothing has.
    ("--epoch 3", "unknown option '--epoch': did you mean '--epochs'?"),
    ("--epoch=3", "unknown option '--epoch': did you mean '--epochs'?"),
    ("-lr 3", "unknown option '-lr': did you mean '--lr'?"),
    ("\N{EN DASH}lr 3", "unknown option '\N{EN DASH}lr': did you mean '--lr'?"),
    ("lr=3", "unknown option 'lr': did you mean '--lr'?"),
    ("--optimiser sgd", "unknown option '--optimiser': did you mean '--optimizer'?"),
    (
        "--momentum 0.9",
        "unknown option '--momentum': give --optimizer-args momentum=VALUE",
    ),
    (
        "--step-size 3",
        "unknown option '--step-size': give --scheduler-args step_size=VALUE",
    ),
    (
        "--label_smoothing=0.1",
        "unknown option '--label_smoothing': give --loss-args label_smoothing=VALUE",
    ),
    (
        "--frobnicate",
        "unknown option '--frobnicate': see --help; what an optimizer, scheduler or "
        "loss takes goes into --optimizer-args KEY=VALUE, --scheduler-args or "
        "--loss-args",
    ),
    # Flags without what belongs to them, or with what does not.
    ("--lr", "--lr: expected one argument"),
    ("--lr --epochs 3", "--lr: expected one argument"),
    ("--optimizer-args", "--optimizer-args: expected at least one argument"),
    ("--shuffle=1", "--shuffle: ignored explicit argument '1'"),
    ("--data=", "--data is empty: give 'auto', 'synthetic' or a folder"),
    # Arguments of an optimiser, a scheduler or a loss.
    (
        "--optimizer-args momentum",
        "--optimizer-args: 'momentum' is not of the form KEY=VALUE, as momentum=0.9 is",
    ),
    (
        "--optimizer-args momentum=",
        "--optimizer-args: 'momentum=' is not of the form KEY=VALUE, "
        "as momentum=0.9 is",
    ),
    (
        "--loss-args =0.1",
        "--loss-args: '=0.1' is not of the form KEY=VALUE, as momentum=0.9 is",
    ),
    (
        "--scheduler-args step-size=1",
        "--scheduler-args: 'step-size=1' is not of the form KEY=VALUE, "
        "as momentum=0.9 is",
    ),
    (
        "--optimizer-args momentum=0.9 momentum=0.8",
        "--optimizer-args: momentum is given twice, as 0.9 and 0.8",
    ),
    (
        "--optimizer-args momentum=0.9 --optimizer-args momentum=0.8",
        "--optimizer-args: momentum is given twice, as 0.9 and 0.8",
    ),
    (
        "--optimizer-args lr=0.1",
        "--optimizer-args lr=0.1: the learning rate is given by --lr",
    ),
    (
        "--scheduler-args step_size=1",
        "--scheduler-args step_size=1 is of no use without a --scheduler",
    ),
    (
        "--scheduler-every step",
        "--scheduler-every step is of no use without a --scheduler",
    ),
    # What is done around a step.
    (
        "--augment random_flop",
        "unknown transform 'random_flop': did you mean 'random_crop'?",
    ),
    (
        "--augment random_crop(4",
        "'random_crop(4' is not of the form NAME or NAME(KEY=VALUE), as "
        "random_crop(padding=4) is",
    ),
    ("--validation -1", "--validation must be from 0 to 2147483647, but got -1.0"),
    (
        "--validation 1.5",
        "--validation must be a share below 1 or a whole number of images, but got 1.5",
    ),
    ("--limit-batches 0", "--limit-batches must be from 1 to 2147483647, but got 0"),
    (
        "--overfit-batches 0",
        "--overfit-batches must be from 1 to 2147483647, but got 0",
    ),
    (
        "--overfit-batches 2 --shuffle",
        "--shuffle does not fit --overfit-batches, which trains and tests on the same "
        "batches",
    ),
    (
        "--weight-decay 1 --optimizer-args weight_decay=2",
        "--weight-decay 1.0 and --optimizer-args weight_decay=2 are one thing given "
        "twice",
    ),
    ("--accumulate 0", "--accumulate must be from 1 to 2147483647, but got 0"),
    ("--clip-grad-norm -1", "--clip-grad-norm must be from 0 to 1e+38, but got -1.0"),
    ("--clip-grad-value nan", "--clip-grad-value must be from 0 to 1e+38, but got nan"),
    ("--ema 1.5", "--ema must be from 0 to 1, but got 1.5"),
    ("--swa 0", "--swa must be from 1 to 2147483647, but got 0"),
    (
        "--ema 0.9 --swa 1",
        "--ema 0.9 and --swa 1 are two averages to test with: give one",
    ),
    (
        "--swa 1 --model cnn",
        "--swa 1 does not fit --model cnn: its running statistics are not those of "
        "averaged weights",
    ),
    (
        "--optimizer lbfgs --accumulate 2",
        "--accumulate 2 does not fit --optimizer lbfgs, which asks for the gradient of "
        "a batch itself",
    ),
    ("--early-stopping 0", "--early-stopping must be from 1 to 2147483647, but got 0"),
    ("--min-delta 0.1", "--min-delta 0.1 is of no use without --early-stopping"),
    ("--max-time -1", "--max-time must be from 0 to 1e+38, but got -1.0"),
    # What is watched and written.
    ("--resume auto", "--resume auto needs a run's folder: give --out DIR"),
    ("--tensorboard", "--tensorboard needs a run's folder: give --out DIR"),
    ("--keep 0", "--keep must be from 1 to 2147483647, but got 0"),
    ("--save-every -1", "--save-every must be at least 0, but got -1.0"),
    ("--monitor -1", "--monitor must be from 0 to 2147483647, but got -1"),
]
