"""Ten scripts about how a network is put together."""

import pytest

pytest.importorskip("torch")
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint
from torch_result import Result, double, numbers


@double
def residual_mlp(seed: int) -> Result:
    """A loop over a ModuleList, calls of F inside."""

    class Net(nn.Module):
        def __init__(self, width=12, depth=3):
            super().__init__()
            self.inp = nn.Linear(5, width)
            self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
            self.out = nn.Linear(width, 3)

        def forward(self, x):
            h = F.relu(self.inp(x))
            for layer in self.layers:
                h = h + F.relu(layer(h))
            return self.out(h)

    torch.manual_seed(seed)
    net = Net()
    x, y = torch.randn(16, 5), torch.randint(0, 3, (16,))
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(6):
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def tied_autoencoder(seed: int) -> Result:
    """The decoder uses the encoder's weight, transposed, with a bias of its own."""

    class Tied(nn.Module):
        def __init__(self, n, hidden):
            super().__init__()
            self.enc = nn.Linear(n, hidden)
            self.dec_bias = nn.Parameter(torch.zeros(n))

        def forward(self, x):
            code = torch.sigmoid(self.enc(x))
            return F.linear(code, self.enc.weight.t(), self.dec_bias)

    torch.manual_seed(seed)
    model = Tied(8, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(5):
        x = torch.rand(10, 8)
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, numbers(model)


@double
def tied_language_model(seed: int) -> Result:
    """The head is the embedding: one parameter under two names."""

    class LM(nn.Module):
        def __init__(self, vocab=11, dim=6):
            super().__init__()
            self.emb = nn.Embedding(vocab, dim)
            self.rnn = nn.GRU(dim, dim, batch_first=True)
            self.head = nn.Linear(dim, vocab, bias=False)
            self.head.weight = self.emb.weight

        def forward(self, ids):
            out, _ = self.rnn(self.emb(ids))
            return self.head(out)

    torch.manual_seed(seed)
    lm = LM()
    ids = torch.randint(0, 11, (4, 8))
    opt = torch.optim.AdamW(lm.parameters(), lr=3e-3, weight_decay=0.1)
    losses = []
    for _ in range(5):
        logits = lm(ids[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, 11), ids[:, 1:].reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(lm)


@double
def frozen_backbone(seed: int) -> Result:
    """Nothing below the head learns, and its batch norm stays in evaluation."""
    torch.manual_seed(seed)
    backbone = nn.Sequential(nn.Linear(6, 10), nn.BatchNorm1d(10), nn.ReLU())
    for _ in range(3):  # so that there are running statistics
        backbone(torch.randn(8, 6))
    model = nn.Sequential(backbone, nn.Dropout(0.3), nn.Linear(10, 2))
    for p in model[0].parameters():
        p.requires_grad = False
    trainable = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.Adam(trainable, lr=0.02)
    x, y = torch.randn(12, 6), torch.randint(2, (12,))
    losses = []
    for _ in range(5):
        model.train()
        model[0].eval()
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(model)


@double
def two_groups(seed: int) -> Result:
    """Biases and norms do not decay, and the head learns faster."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 8), nn.Linear(8, 1)
    )
    decay, plain = [], []
    for name, p in model.named_parameters():
        if name.startswith("4."):
            continue
        (decay if p.ndim > 1 else plain).append(p)
    opt = torch.optim.AdamW(
        [
            {"params": decay, "weight_decay": 0.2},
            {"params": plain, "weight_decay": 0.0},
            {"params": model[4].parameters(), "lr": 0.05, "betas": (0.8, 0.99)},
        ],
        lr=0.01,
    )
    x = torch.randn(9, 4)
    y = x.pow(2).sum(1, keepdim=True)
    losses = []
    for _ in range(6):
        loss = (model(x) - y).abs().mean()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(model)


@double
def weight_norm(seed: int) -> Result:
    """Direction and length of each row are parameters of their own."""
    torch.manual_seed(seed)
    conv = parametrizations.weight_norm(nn.Conv1d(2, 4, 3, padding=2, dilation=2))
    head = parametrizations.weight_norm(nn.Linear(4, 1), dim=0)
    net = nn.ModuleDict({"conv": conv, "head": head})
    opt = torch.optim.SGD(net.parameters(), lr=0.1, nesterov=True, momentum=0.8)
    signal = torch.randn(5, 2, 10)
    target = signal.mean(dim=(1, 2)).unsqueeze(1)
    losses = []
    for _ in range(5):
        h = torch.tanh(net["conv"](signal)).mean(-1)
        loss = F.smooth_l1_loss(net["head"](h), target, beta=0.5)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def spectral_norm(seed: int) -> Result:
    """A critic whose layers are divided by their largest singular value."""
    torch.manual_seed(seed)
    critic = nn.Sequential(
        parametrizations.spectral_norm(nn.Linear(3, 8)),
        nn.LeakyReLU(0.2),
        parametrizations.spectral_norm(nn.Linear(8, 1), n_power_iterations=2),
    )
    opt = torch.optim.Adam(critic.parameters(), lr=0.01, betas=(0.0, 0.9))
    losses = []
    for _ in range(5):
        real, fake = torch.randn(7, 3) + 1, torch.randn(7, 3)
        loss = F.relu(1 - critic(real)).mean() + F.relu(1 + critic(fake)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(critic)


@double
def checkpoint_blocks(seed: int) -> Result:
    """Blocks that are computed again on the way back, with the same dropout."""

    class Block(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.norm = nn.LayerNorm(d)
            self.up, self.down = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
            self.drop = nn.Dropout(0.2)

        def forward(self, x):
            return x + self.drop(self.down(F.silu(self.up(self.norm(x)))))

    torch.manual_seed(seed)
    blocks = nn.ModuleList([Block(6) for _ in range(3)])
    opt = torch.optim.RMSprop(blocks.parameters(), lr=1e-3)
    x = torch.randn(8, 6)
    losses = []
    for _ in range(5):
        h = x
        for block in blocks:
            h = checkpoint(block, h, use_reentrant=False)
        loss = (h - x.flip(0)).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(blocks)


@double
def module_dict(seed: int) -> Result:
    """One trunk, a head for each task, and tasks in turn."""
    torch.manual_seed(seed)
    trunk = nn.Sequential(nn.Linear(5, 7), nn.Tanh())
    heads = nn.ModuleDict(
        {"class": nn.Linear(7, 4), "value": nn.Linear(7, 1), "flags": nn.Linear(7, 3)}
    )
    criteria = {
        "class": nn.CrossEntropyLoss(label_smoothing=0.1),
        "value": nn.HuberLoss(delta=0.7),
        "flags": nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 0.5])),
    }
    opt = torch.optim.Adagrad([*trunk.parameters(), *heads.parameters()], lr=0.05)
    x = torch.randn(6, 5)
    targets = {
        "class": torch.randint(0, 4, (6,)),
        "value": torch.randn(6, 1),
        "flags": (torch.rand(6, 3) > 0.5).double(),
    }
    losses = []
    for step in range(6):
        task = list(heads)[step % 3]
        opt.zero_grad()
        loss = criteria[task](heads[task](trunk(x)), targets[task])
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(trunk, heads)


@double
def parameter_list(seed: int) -> Result:
    """A mixture of linear experts written with bare parameters."""

    class Experts(nn.Module):
        def __init__(self, n, d_in, d_out):
            super().__init__()
            self.weights = nn.ParameterList(
                nn.Parameter(torch.empty(d_out, d_in)) for _ in range(n)
            )
            self.gate = nn.Parameter(torch.randn(d_in, n) * 0.1)
            self.log_temperature = nn.Parameter(torch.tensor(0.0))
            for w in self.weights:
                nn.init.xavier_normal_(w, gain=0.5)

        def forward(self, x):
            mix = torch.softmax(x @ self.gate / self.log_temperature.exp(), dim=-1)
            outs = torch.stack([x @ w.T for w in self.weights], dim=1)
            return torch.einsum("bn,bno->bo", mix, outs)

    torch.manual_seed(seed)
    moe = Experts(3, 4, 2)
    opt = torch.optim.Adam(moe.parameters(), lr=0.03, amsgrad=True)
    x, y = torch.randn(10, 4), torch.randn(10, 2)
    losses = []
    for _ in range(5):
        loss = F.mse_loss(moe(x), y, reduction="sum") / len(x)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(moe)


SCRIPTS = (
    residual_mlp,
    tied_autoencoder,
    tied_language_model,
    frozen_backbone,
    two_groups,
    weight_norm,
    spectral_norm,
    checkpoint_blocks,
    module_dict,
    parameter_list,
)
