"""What does not fit is refused, with the layer, what came, and what was expected."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jaxtrain import nn

# (layer, arguments, message): refused at construction, by PyTorch too, or at its call.
CONSTRUCTED: list[tuple[str, dict[str, Any], str]] = [
    ("Linear", {"in_features": -1, "out_features": 2}, "-1"),
    ("Conv1d", {"in_channels": 3, "out_channels": 4, "groups": 2}, r"\(3, 4\) and 2"),
    ("Conv1d", {"in_channels": 4, "out_channels": 3, "groups": 2}, r"\(4, 3\) and 2"),
    ("Conv1d", {"in_channels": 1, "out_channels": 1, "groups": 0}, "0"),
    ("Conv1d", {"in_channels": 1, "out_channels": 1, "padding": "full"}, "'full'"),
    (
        "Conv2d",
        {"in_channels": 1, "out_channels": 1, "padding": "same", "stride": 2},
        r"stride 1.*\(2, 2\)",
    ),
    (
        "Conv2d",
        {"in_channels": 1, "out_channels": 1, "padding_mode": "mirror"},
        "'mirror'",
    ),
    (
        "ConvTranspose1d",
        {"in_channels": 1, "out_channels": 1, "padding_mode": "reflect"},
        "reflect",
    ),
    ("GroupNorm", {"num_groups": 4, "num_channels": 6}, r"\(6\).*\(4\)"),
    (
        "Embedding",
        {"num_embeddings": 3, "embedding_dim": 2, "padding_idx": 3},
        "3",
    ),
    (
        "Embedding",
        {"num_embeddings": 3, "embedding_dim": 2, "padding_idx": -4},
        "-4",
    ),
    ("Hardtanh", {"min_val": 1.0, "max_val": 1.0}, "1.0"),
    ("Dropout2d", {"p": 1.5}, "1.5"),
    ("AlphaDropout", {"p": -0.5}, "-0.5"),
    ("LSTM", {"input_size": 3, "hidden_size": 0}, "0"),
    ("LSTM", {"input_size": 3, "hidden_size": 4, "proj_size": 4}, "4"),
    ("GRU", {"input_size": 3, "hidden_size": 4, "num_layers": 0}, "num_layers=0"),
    ("GRU", {"input_size": 3, "hidden_size": 4, "dropout": 2.0}, "2.0"),
    ("RNN", {"input_size": 3, "hidden_size": 4, "nonlinearity": "sin"}, "'sin'"),
    ("MultiheadAttention", {"embed_dim": 6, "num_heads": 4}, r"\(6\).*\(4\)"),
    ("MultiheadAttention", {"embed_dim": 0, "num_heads": 1}, r"\(0\)"),
    ("TransformerEncoderLayer", {"d_model": 4, "nhead": 2, "activation": "x"}, "'x'"),
    ("TransformerDecoderLayer", {"d_model": 4, "nhead": 3}, r"\(4\).*\(3\)"),
    ("EmbeddingBag", {"num_embeddings": 3, "embedding_dim": 2, "padding_idx": 3}, "3"),
    ("Bilinear", {"in1_features": 0, "in2_features": 1, "out_features": 1}, r"\(0, 1"),
    ("FractionalMaxPool2d", {"kernel_size": 2}, "None and None"),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_ratio": 1.5}, "1.5"),
    (
        "FractionalMaxPool3d",
        {"kernel_size": 2, "output_ratio": 0.5, "output_size": 3},
        "3 and 0.5",
    ),
    *(
        (
            "AdaptiveLogSoftmaxWithLoss",
            {"in_features": 8, "n_classes": 9, "cutoffs": cutoffs},
            rf"from 1 to 8, got \{cutoffs}",
        )
        for cutoffs in ([], [0, 3], [4, 4], [9], [5, 2])
    ),
]


@pytest.mark.parametrize(("name", "arguments", "message"), CONSTRUCTED, ids=str)
def test_arguments_that_cannot_be_are_refused(
    name: str, arguments: dict[str, Any], message: str
) -> None:
    if "Conv" in name:
        arguments = {"kernel_size": 3, **arguments}
    with pytest.raises(ValueError, match=message):
        getattr(nn, name)(**arguments)
    with pytest.raises((ValueError, RuntimeError, AssertionError)):
        getattr(torch.nn, name)(**arguments)


# PyTorch refuses these when they are called.
LATE: list[tuple[str, dict[str, Any], tuple[int, ...], str]] = [
    ("CELU", {"alpha": 0.0}, (3,), "alpha=0.0"),
    ("Softshrink", {"lambd": -1.0}, (3,), "-1.0"),
    ("RReLU", {"lower": 1.0, "upper": 0.5}, (3,), "1.0 > 0.5"),
    ("GELU", {"approximate": "erf"}, (3,), "'erf'"),
    ("MaxPool1d", {"kernel_size": 2, "padding": 2}, (1, 5), r"\(2,\)"),
    ("AvgPool2d", {"kernel_size": 3, "padding": 2}, (1, 5, 5), r"\(2, 2\)"),
    ("AvgPool2d", {"kernel_size": 2, "divisor_override": 0}, (1, 5, 5), "=0"),
    ("LPPool1d", {"norm_type": 0, "kernel_size": 2}, (1, 5), "0"),
    ("MaxPool1d", {"kernel_size": 2, "stride": 0}, (1, 5), r"stride >= 1.*\(0,\)"),
    (
        "ConvTranspose1d",
        {"in_channels": 1, "out_channels": 1, "kernel_size": 2, "output_padding": 1},
        (1, 5),
        r"\(1,\)",
    ),
    ("LayerNorm", {"normalized_shape": ()}, (3,), r"\(\)"),
    ("Upsample", {}, (1, 2, 3), "size=None, scale_factor=None"),
    ("Upsample", {"size": 2, "scale_factor": 2}, (1, 2, 3), "size=2, scale_factor=2"),
    ("Upsample", {"size": 2, "mode": "cubic"}, (1, 2, 3), "'cubic'"),
    ("Upsample", {"size": 2, "align_corners": True}, (1, 2, 3), "True.*'nearest'"),
    ("Upsample", {"size": 2, "recompute_scale_factor": True}, (1, 2, 3), "size=2"),
    ("ChannelShuffle", {"groups": 0}, (1, 2, 3), "groups.*0"),
    ("Unfold", {"kernel_size": 0}, (1, 3, 3), "kernel_size >= 1"),
    ("Fold", {"output_size": 3, "kernel_size": 2, "padding": -1}, (4, 4), "-1"),
    ("PixelShuffle", {"upscale_factor": 0}, (4, 1, 1), "0"),
    ("PixelUnshuffle", {"downscale_factor": -1}, (4, 1, 1), "-1"),
    ("Unflatten", {"dim": 0, "unflattened_size": (-1, -1)}, (4,), r"\(-1, -1\)"),
]


@pytest.mark.parametrize(("name", "arguments", "shape", "message"), LATE, ids=str)
def test_what_pytorch_refuses_late_is_refused_early(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(nn, name)(**arguments)

    def trained() -> None:
        layer = getattr(torch.nn, name)(**arguments)
        layer(torch.ones(shape, requires_grad=True)).sum().backward()

    with pytest.raises((ValueError, RuntimeError, ZeroDivisionError)):
        trained()


CALLED: list[tuple[Any, tuple[int, ...], str]] = [
    (nn.Linear(3, 2), (5, 4), r"Linear\(3, 2\).*\(5, 4\).*must be 3"),
    (nn.Conv2d(3, 2, 3), (3, 8), r"Conv2d\(3, 2, .*\(3, 8\).*3 or 4 dimensions"),
    (nn.Conv2d(3, 2, 3), (2, 4, 8, 8), r"Conv2d.*\(2, 4, 8, 8\).*1 must be 3"),
    (nn.Conv2d(3, 2, 3), (4, 8, 8), r"Conv2d.*\(4, 8, 8\).*0 must be 3"),
    (nn.Conv1d(1, 1, 5), (1, 4), r"Conv1d.*\(1, 4\).*smaller than the kernel"),
    (nn.ConvTranspose1d(1, 1, 1, padding=3), (1, 4), r"\(1, 4\).*nothing"),
    (
        nn.Conv1d(1, 1, 3, padding=4, padding_mode="reflect"),
        (1, 4),
        r"\(1, 4\).*reflect",
    ),
    (
        nn.Conv1d(1, 1, 3, padding=5, padding_mode="circular"),
        (1, 4),
        r"\(1, 4\).*circular",
    ),
    (nn.BatchNorm1d(3), (3,), r"BatchNorm1d\(3\).*\(3,\).*2 or 3 dimensions"),
    (nn.BatchNorm1d(3), (5, 4), r"BatchNorm1d\(3\).*\(5, 4\).*must be 3"),
    (nn.BatchNorm1d(3), (1, 3), r"BatchNorm1d\(3\).*\(1, 3\).*more than 1 value"),
    (nn.BatchNorm2d(3), (5, 3, 2), r"BatchNorm2d\(3\).*4 dimensions"),
    (nn.InstanceNorm2d(3), (5, 3), r"InstanceNorm2d\(3\).*3 or 4 dimensions"),
    (nn.InstanceNorm1d(3), (5, 3, 1), r"InstanceNorm1d\(3\).*more than 1 spatial"),
    (nn.InstanceNorm1d(3, affine=True), (5, 4, 2), r"\(5, 4, 2\).*1 must be 3"),
    (nn.LayerNorm((3, 2)), (3, 3), r"LayerNorm\(\(3, 2\)\).*\(3, 3\).*be \(3, 2\)"),
    (nn.RMSNorm(3), (4,), r"RMSNorm\(\(3,\)\).*\(4,\)"),
    (nn.GroupNorm(2, 4), (5, 6), r"GroupNorm\(2, 4\).*\(5, 6\).*must be 4"),
    (nn.GroupNorm(2, 4), (4,), r"GroupNorm\(2, 4\).*\(4,\)"),
    (nn.PReLU(3), (5, 4), r"PReLU\(3\).*must be 3"),
    (nn.Softmax2d(), (5, 4), r"Softmax2d\(\).*3 or 4 dimensions"),
    (nn.GLU(), (5, 3), r"GLU\(-1\).*\(5, 3\).*even"),
    (nn.MaxPool2d(2), (5, 3), r"MaxPool2d.*3 or 4 dimensions"),
    (nn.MaxPool1d(5), (1, 4), r"MaxPool1d\(\(5,\)\).*\(1, 4\).*window"),
    (nn.AvgPool1d(5), (1, 4), r"AvgPool1d\(\(5,\)\).*\(1, 4\).*window"),
    (nn.AdaptiveAvgPool2d(2), (5, 3), r"AdaptiveAvgPool2d.*3 or 4 dimensions"),
    (nn.Dropout1d(), (3,), r"Dropout1d\(0.5\).*2 or 3 dimensions"),
    (nn.FeatureAlphaDropout(), (3,), r"FeatureAlphaDropout\(0.5\).*channels"),
    (nn.LSTM(3, 4), (5, 2, 2), r"LSTM\(3, 4\).*\(5, 2, 2\).*2 must be 3"),
    (nn.RNN(3, 4), (3,), r"RNN\(3, 4\).*2 or 3 dimensions"),
    (nn.GRUCell(3, 4), (2, 2), r"GRUCell\(3, 4\).*1 must be 3"),
    (nn.ReflectionPad1d(3), (1, 3), r"ReflectionPad1d.*\(1, 3\).*reflect \(3, 3\)"),
    (nn.CircularPad1d(4), (1, 3), r"CircularPad1d.*\(1, 3\).*circular \(4, 4\)"),
    (nn.ReplicationPad2d(1), (1, 3), r"ReplicationPad2d.*3 or 4 dimensions"),
    (nn.ReplicationPad1d(1), (2, 0), r"\(2, 0\).*nothing to pad with"),
    (nn.ZeroPad1d(-2), (1, 3), r"ZeroPad1d\(\(-2, -2\)\).*nothing is left"),
    (nn.ConstantPad3d(1, 0.0), (2, 3), r"ConstantPad3d.*3 dimensions or more"),
    (nn.PixelShuffle(2), (6, 1, 1), r"PixelShuffle\(2\).*no multiple of 4"),
    (nn.PixelUnshuffle(2), (1, 3, 2), r"PixelUnshuffle\(2\).*no multiples of 2"),
    (nn.ChannelShuffle(2), (1, 3, 2), r"ChannelShuffle\(2\).*no multiple of 2"),
    (nn.ChannelShuffle(2), (4, 2), r"ChannelShuffle\(2\).*3 dimensions or more"),
    (nn.Unflatten(1, (2, 3)), (4, 5), r"Unflatten\(1, \(2, 3\)\).*cannot be split"),
    (nn.Unflatten(2, (2, 3)), (4, 6), r"no dimension 2"),
    (nn.Unfold(3), (1, 2, 5), r"Unfold.*\(1, 2, 5\).*smaller than a window"),
    (nn.Fold(4, 2), (4, 8), r"Fold.*\(4, 8\).*1 must be 9"),
    (nn.Fold(4, 2), (6, 9), r"Fold.*\(6, 9\).*patches of 4"),
    (nn.Upsample(size=2, mode="bilinear"), (1, 2, 3), r"'bilinear'.*4 dimensions"),
    (nn.Upsample(scale_factor=0.1), (1, 2, 3), r"cannot become \(0,\)"),
    (nn.Upsample(size=(2, 2)), (1, 2, 3), r"\(2, 2\) is not one number for each of 1"),
    (nn.LocalResponseNorm(2), (2, 3), r"LocalResponseNorm\(2\).*3 dimensions"),
    (nn.FractionalMaxPool2d(3, 4), (1, 5, 9), r"\(1, 5, 9\).*\(4, 4\) windows"),
]


@pytest.mark.parametrize(("layer", "shape", "message"), CALLED, ids=lambda x: "")
def test_inputs_that_do_not_fit_are_refused(
    layer: Any, shape: tuple[int, ...], message: str
) -> None:
    x = jnp.ones(shape)
    with pytest.raises(ValueError, match=message):
        layer(x)
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda x: layer(x), x)


def test_more_inputs_that_do_not_fit() -> None:
    x = jnp.ones((5, 2, 3))
    with pytest.raises(ValueError, match=r"LSTM got a state.*\(2, 2, 4\).*\(1, 2, 4\)"):
        nn.LSTM(3, 4)(x, (jnp.ones((2, 2, 4)),) * 2)
    with pytest.raises(ValueError, match=r"RNNCell.*\(2, 5\)"):
        nn.RNNCell(3, 4)(jnp.ones((2, 3)), jnp.ones((2, 5)))
    attention = nn.MultiheadAttention(4, 2)
    q = jnp.ones((5, 2, 4))
    with pytest.raises(ValueError, match=r"attn_mask has shape \(4, 5\)"):
        attention(q, q, q, attn_mask=jnp.ones((4, 5), bool))
    with pytest.raises(ValueError, match=r"key_padding_mask has shape \(5, 2\)"):
        attention(q, q, q, key_padding_mask=jnp.ones((5, 2), bool))
    with pytest.raises(ValueError, match="attn_mask must be given"):
        attention(q, q, q, is_causal=True)
    with pytest.raises(ValueError, match=r"\(4, 2, 4\).*keys are \(5, 2, 4\)"):
        attention(q, q, q[:4])
    with pytest.raises(ValueError, match=r"\(5, 2, 3\)"):
        attention(q, x, q)
    with pytest.raises(TypeError, match="float32"):
        nn.Embedding(3, 2)(jnp.ones(2))
    with pytest.raises(ValueError, match=r"Bilinear\(3, 4, 2\).*\(5, 3\).*\(5, 4\)"):
        nn.Bilinear(3, 4, 2)(jnp.ones((5, 3)), jnp.ones((5, 3)))
    with pytest.raises(ValueError, match=r"MaxUnpool1d.*indices have shape \(1, 3\)"):
        nn.MaxUnpool1d(2)(jnp.ones((1, 2)), jnp.zeros((1, 3), int))
    with pytest.raises(ValueError, match=r"less than the stride.*\(4,\), got \(6,\)"):
        nn.MaxUnpool1d(2)(jnp.ones((1, 2)), jnp.zeros((1, 2), int), (6,))
    with pytest.raises(ValueError, match=r"AdaptiveLog.*targets are \(3,\)"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 9, [4])(jnp.ones((2, 8)), jnp.zeros(3, int))
    model = nn.Transformer(4, 2, 1, 1, 4)
    with pytest.raises(ValueError, match=r"\(5, 3, 4\).*batch of 2"):
        model(q, jnp.ones((5, 3, 4)))
    with pytest.raises(ValueError, match=r"Transformer\(4, 2\).*\(5, 2, 3\)"):
        model(q, x)
    with pytest.raises(ValueError, match="num_layers >= 1, got 0"):
        nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 4), 0)
    # PyTorch pads the last dimension alone then.
    with pytest.raises(ValueError, match=r"ZeroPad2d.*one number or 4, got \(1, 2\)"):
        nn.ZeroPad2d((1, 2))
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2)
    with pytest.raises(ValueError, match=r"\[?\(?12.*\(9,\) … \(10,\)"):
        layer(jnp.ones((1, 4)), [12])


def test_bags_that_do_not_fit() -> None:
    bag = nn.EmbeddingBag(5, 2, mode="sum")
    indices = jnp.arange(4)
    with pytest.raises(TypeError, match="float32"):
        bag(jnp.ones((2, 2)))
    with pytest.raises(ValueError, match=r"\(4,\).*none are given"):
        bag(indices)
    with pytest.raises(ValueError, match=r"\(2, 2\).*they are given"):
        bag(indices.reshape(2, 2), jnp.array([0, 2]))
    with pytest.raises(ValueError, match=r"\(1, 2\).*1 dimension"):
        bag(indices, jnp.array([[0, 2]]))
    with pytest.raises(ValueError, match=r"\(3,\).*weights must be \(4,\)"):
        bag(indices, jnp.array([0, 2]), jnp.ones(3))
    with pytest.raises(ValueError, match="mode='sum', not 'mean'"):
        nn.EmbeddingBag(5, 2)(indices.reshape(2, 2), None, jnp.ones((2, 2)))
    with pytest.raises(ValueError, match="'median'"):
        nn.EmbeddingBag(5, 2, mode="median")
    with pytest.raises(ValueError, match="mode='max'"):
        nn.EmbeddingBag(5, 2, mode="max", scale_grad_by_freq=True)


def test_an_index_that_is_no_row_is_nan() -> None:
    layer = nn.Embedding(3, 2)
    found = layer(jnp.array([0, 3, -1]))
    assert jnp.isnan(found).all(-1).tolist() == [False, True, True]


def test_a_query_that_may_look_nowhere() -> None:
    """Zero, or NaN where the weights are asked for, as in PyTorch."""
    nowhere = np.ones((3, 3), bool)
    x = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float32)
    ours, theirs = nn.MultiheadAttention(4, 2), torch.nn.MultiheadAttention(4, 2)
    nn.load_state_dict(ours, theirs.state_dict())
    for needed in (False, True):
        q = torch.tensor(x)
        expected, _ = theirs(
            q, q, q, attn_mask=torch.tensor(nowhere), need_weights=needed
        )
        found, _ = ours(x, x, x, attn_mask=nowhere, need_weights=needed)
        assert bool(jnp.isnan(found).all()) is needed
        assert bool(expected.isnan().all()) is needed
        if not needed:
            np.testing.assert_array_equal(found, expected.detach())


def test_bags_and_places_beyond_what_there_is() -> None:
    bag = nn.EmbeddingBag(3, 2)
    found = bag(jnp.array([[0, 1], [2, 3]]))
    assert jnp.isnan(found).all(-1).tolist() == [False, True]
    unpooled = nn.MaxUnpool1d(2)(jnp.array([[5.0, 6.0]]), jnp.array([[1, 4]]))
    np.testing.assert_array_equal(unpooled, [[0, 5, 0, 0]])
