"""Ten scripts about how one trains, whatever the network."""

import copy
import math

import pytest

pytest.importorskip("torch")
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset, random_split
from torch_result import Result, double, numbers


@double
def moving_average(seed: int) -> Result:
    """A second network follows the first, and teaches it."""
    torch.manual_seed(seed)
    student = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    teacher = copy.deepcopy(student).requires_grad_(False)
    opt = optim.SGD(student.parameters(), lr=0.1)
    x, y = torch.randn(10, 5), torch.randint(0, 3, (10,))
    losses = []
    for _ in range(6):
        noisy = x + 0.1 * torch.randn_like(x)
        with torch.no_grad():
            target = F.softmax(teacher(x) / 2.0, dim=1)
        logits = student(noisy)
        distance = F.kl_div(
            F.log_softmax(logits / 2.0, dim=1), target, reduction="batchmean"
        )
        loss = F.cross_entropy(logits, y) + 4.0 * distance
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for old, new in zip(
                teacher.parameters(), student.parameters(), strict=True
            ):
                old.mul_(0.9).add_(new, alpha=0.1)
        losses.append(loss.item())
    return losses, numbers(student, teacher)


@double
def clipped_restarts(seed: int) -> Result:
    """The gradient's norm is clipped, the rate falls and restarts."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(3, 16), nn.Softplus(), nn.Linear(16, 1))
    opt = optim.Adam(net.parameters(), lr=0.1)
    sched = lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=2, T_mult=2, eta_min=1e-3)
    x = 3 * torch.randn(8, 3)
    y = x.prod(dim=1, keepdim=True)
    losses = []
    for _ in range(7):
        opt.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def accumulation(seed: int) -> Result:
    """Three batches to a step, the gradients' values clipped."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 6), nn.Mish(), nn.Dropout(0.1), nn.Linear(6, 2))
    opt = optim.SGD(net.parameters(), lr=0.3, momentum=0.5, dampening=0.1)
    losses = []
    opt.zero_grad()
    for step in range(9):
        x = torch.randn(4, 4)
        loss = F.cross_entropy(net(x), (x.sum(1) > 0).long()) / 3
        loss.backward()
        if (step + 1) % 3 == 0:
            nn.utils.clip_grad_value_(net.parameters(), 0.05)
            opt.step()
            opt.zero_grad()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def warm_up(seed: int) -> Result:
    """The rate rises in a line and falls as a cosine, by a function of the step."""
    torch.manual_seed(seed)
    total, warm = 8, 3

    def factor(step):
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))

    net = nn.Sequential(nn.Linear(4, 4), nn.RMSNorm(4), nn.Tanh(), nn.Linear(4, 4))
    for m in net:
        if isinstance(m, nn.Linear):
            nn.init.kaiming_uniform_(m.weight, a=0.2, nonlinearity="leaky_relu")
            nn.init.constant_(m.bias, 0.01)
    opt = optim.AdamW(net.parameters(), lr=0.05)
    sched = lr_scheduler.LambdaLR(opt, factor)
    x = torch.randn(7, 4)
    losses = []
    for _ in range(total):
        loss = F.cosine_embedding_loss(net(x), x.roll(1, 1), torch.ones(7))
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def adversaries(seed: int) -> Result:
    """Two networks, two optimisers, in turn."""
    torch.manual_seed(seed)
    gen = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 2))
    disc = nn.Sequential(nn.Linear(2, 6), nn.LeakyReLU(0.2), nn.Linear(6, 1))
    opt_g = optim.Adam(gen.parameters(), lr=0.01, betas=(0.5, 0.999))
    opt_d = optim.Adam(disc.parameters(), lr=0.02, betas=(0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)
    losses = []
    for _ in range(5):
        real = torch.randn(8, 2) * 0.5 + torch.tensor([2.0, -1.0])
        fake = gen(torch.randn(8, 2))
        d_loss = bce(disc(real), ones) + bce(disc(fake.detach()), zeros)
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        g_loss = bce(disc(fake), ones)
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        losses += [d_loss.item(), g_loss.item()]
    return losses, numbers(gen, disc)


@double
def plateau(seed: int) -> Result:
    """Shuffled epochs, a part held out, a rate that falls where that stands still."""
    torch.manual_seed(seed)
    x = torch.randn(23, 3)
    data = TensorDataset(x, x @ torch.tensor([[1.0], [-2.0], [0.5]]))
    train, held = random_split(data, [0.8, 0.2])
    loader = DataLoader(train, batch_size=5, shuffle=True)
    net = nn.Linear(3, 1)
    opt = optim.Adagrad(net.parameters(), lr=0.8)
    sched = lr_scheduler.ReduceLROnPlateau(opt, factor=0.3, patience=0, threshold=0.3)
    losses = []
    for _ in range(4):
        net.train()
        for xb, yb in loader:
            opt.zero_grad()
            loss = F.mse_loss(net(xb), yb)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            total = sum(F.mse_loss(net(a), b).item() for a, b in held)
        sched.step(total / len(held))
    return losses, numbers(net)


@double
def surgery(seed: int) -> Result:
    """A Sequential loses its head, gets another, one more layer and a norm."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 10)
    )
    del net[2:4]
    net[-1] = nn.Linear(6, 3)
    net.insert(1, nn.BatchNorm1d(6, affine=False))
    net.append(nn.Identity())
    net.add_module("last", nn.Linear(3, 2, bias=False))
    with torch.no_grad():
        net[0].weight *= 0.5
        net[0].bias.fill_(0.25)
    net[3].weight.requires_grad_(False)
    body = net[:3]
    opt = optim.SGD((p for p in net.parameters() if p.requires_grad), lr=0.2)
    x, y = torch.randn(9, 4), torch.randn(9, 2)
    losses = []
    for _ in range(5):
        loss = F.mse_loss(net(x), y) + 1e-2 * body(x).abs().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def running_centres(seed: int) -> Result:
    """Class centres in a buffer that each forward pass moves."""

    class Centres(nn.Module):
        def __init__(self, classes, d, momentum=0.2):
            super().__init__()
            self.momentum = momentum
            self.register_buffer("centres", torch.zeros(classes, d))
            self.register_buffer("seen", torch.zeros(classes, dtype=torch.long))

        def forward(self, z, y):
            if self.training:
                with torch.no_grad():
                    for c in y.unique():
                        mean = z[y == c].mean(0)
                        self.centres[c].lerp_(mean, self.momentum)
                        self.seen[c] += (y == c).sum()
            return (z - self.centres[y]).norm(dim=1).mean()

    torch.manual_seed(seed)
    net, centres = nn.Linear(4, 3), Centres(3, 3)
    opt = optim.SGD(net.parameters(), lr=0.1, maximize=False)
    losses = []
    for _ in range(6):
        x, y = torch.randn(8, 4), torch.randint(0, 3, (8,))
        z = net(x)
        loss = F.cross_entropy(z, y) + 0.5 * centres(z, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    seen = {"centres": centres.centres.numpy().copy()}
    return losses, {**numbers(net), **seen}


@double
def mixed_batches(seed: int) -> Result:
    """Pairs of samples mixed in a proportion drawn for each batch, rates in turn."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(6, 8), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(8, 4)
    )
    opt = optim.NAdam(net.parameters(), lr=0.02, momentum_decay=4e-3)
    sched = lr_scheduler.SequentialLR(
        opt,
        [
            lr_scheduler.LinearLR(opt, start_factor=0.1, total_iters=2),
            lr_scheduler.MultiStepLR(opt, milestones=[2], gamma=0.1),
        ],
        milestones=[3],
    )
    x, y = torch.randn(10, 6), torch.randint(0, 4, (10,))
    losses = []
    for _ in range(6):
        lam = torch.rand(()).item()
        order = torch.randperm(10)
        out = net(lam * x + (1 - lam) * x[order])
        loss = lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(
            out, y[order]
        )
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def q_learning(seed: int) -> Result:
    """Values of chosen actions against a slow copy, drawn actions, a Huber loss."""
    torch.manual_seed(seed)

    def make():
        return nn.Sequential(nn.Linear(3, 10), nn.ReLU(), nn.Linear(10, 4))

    q, slow = make(), make()
    slow.load_state_dict(q.state_dict())
    opt = optim.RMSprop(q.parameters(), lr=2e-3, centered=True)
    state = torch.randn(12, 3)
    losses = []
    for _ in range(6):
        with torch.no_grad():
            greedy = q(state).argmax(1)
            explore = torch.rand(12) < 0.3
            action = torch.where(explore, torch.randint(0, 4, (12,)), greedy)
        following = (state + 0.1 * torch.randn(12, 3)).clamp(-2, 2)
        reward = -following.abs().sum(1)
        with torch.no_grad():
            target = reward + 0.9 * slow(following).max(dim=1).values
        value = q(state).gather(1, action.unsqueeze(1)).squeeze(1)
        loss = F.smooth_l1_loss(value, target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for old, new in zip(slow.parameters(), q.parameters(), strict=True):
                old.copy_(0.95 * old + 0.05 * new)
        state = following
        losses.append(loss.item())
    return losses, numbers(q, slow)


SCRIPTS = (
    moving_average,
    clipped_restarts,
    accumulation,
    warm_up,
    adversaries,
    plateau,
    surgery,
    running_centres,
    mixed_batches,
    q_learning,
)
