"""Ten scripts about images."""

import pytest

pytest.importorskip("torch")
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch_result import Result, double, numbers


@double
def lenet(seed: int) -> Result:
    """Convolutions, pools and log_softmax, as the first tutorials have it."""

    class LeNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 4, 3)
            self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
            self.drop = nn.Dropout2d(0.25)
            self.fc1 = nn.Linear(6 * 3 * 3, 10)
            self.fc2 = nn.Linear(10, 4)

        def forward(self, x):
            x = F.relu(self.conv1(x))
            x = self.drop(F.max_pool2d(F.relu(self.conv2(x)), 2))
            x = torch.flatten(x, 1)
            return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

    torch.manual_seed(seed)
    model = LeNet()
    x, y = torch.randn(6, 1, 8, 8), torch.randint(0, 4, (6,))
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = F.nll_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, numbers(model)


@double
def residual_block(seed: int) -> Result:
    """Batch norm, a shortcut where sizes differ, initialised through apply."""

    class BasicBlock(nn.Module):
        def __init__(self, cin, cout, stride=1):
            super().__init__()
            self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(cout)
            self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(cout)
            self.short = nn.Sequential()
            if stride != 1 or cin != cout:
                self.short = nn.Sequential(
                    nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)
                )

        def forward(self, x):
            out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(out + self.short(x), inplace=True)

    def init(m):
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, 0, 0.01)
            nn.init.zeros_(m.bias)

    torch.manual_seed(seed)
    net = nn.Sequential(
        BasicBlock(2, 3, 2),
        BasicBlock(3, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 2),
    )
    net.apply(init)
    nn.init.zeros_(net[1].bn2.weight)
    opt = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=5e-4)
    losses = []
    for _ in range(5):
        x, y = torch.randn(5, 2, 6, 6), torch.randint(0, 2, (5,))
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def depthwise(seed: int) -> Result:
    """Depthwise and pointwise convolutions, group norm, SiLU, one cycle."""

    def unit(cin, cout, stride):
        return nn.Sequential(
            nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False),
            nn.Conv2d(cin, cout, 1),
            nn.GroupNorm(2, cout),
            nn.SiLU(),
        )

    torch.manual_seed(seed)
    model = nn.Sequential(unit(2, 4, 1), unit(4, 6, 2), nn.Flatten(), nn.LazyLinear(3))
    x, y = torch.randn(4, 2, 5, 5), torch.randint(0, 3, (4,))
    model(x)  # the last layer learns its size
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.05, total_steps=6)
    losses = []
    for _ in range(6):
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses, numbers(model)


@double
def super_resolution(seed: int) -> Result:
    """Twice the size by pixel shuffle, on top of a bicubic guess."""
    torch.manual_seed(seed)
    body = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1, padding_mode="reflect"),
        nn.PReLU(6),
        nn.Conv2d(6, 4, 3, padding="same"),
        nn.PixelShuffle(2),
    )
    big = torch.rand(3, 1, 8, 8)
    small = F.avg_pool2d(big, 2)
    opt = torch.optim.Adam(body.parameters(), lr=5e-3)
    losses = []
    for _ in range(5):
        guess = F.interpolate(
            small, scale_factor=2, mode="bicubic", align_corners=False
        )
        loss = F.l1_loss(guess + body(small), big)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(body)


@double
def spatial_transformer(seed: int) -> Result:
    """A network that turns its input before it looks, and begins with the identity."""

    class STN(nn.Module):
        def __init__(self):
            super().__init__()
            self.loc = nn.Linear(36, 6)
            self.loc.weight.data.zero_()
            self.loc.bias.data.copy_(torch.tensor([1.0, 0, 0.1, 0, 1, -0.2]))
            self.conv = nn.Conv2d(1, 3, 3)
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            theta = self.loc(x.flatten(1)).view(-1, 2, 3)
            grid = F.affine_grid(theta, list(x.size()), align_corners=False)
            x = F.grid_sample(x, grid, align_corners=False, padding_mode="border")
            x = F.elu(self.conv(x)).amax(dim=(2, 3))
            return self.fc(x)

    torch.manual_seed(seed)
    net = STN()
    x, y = torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 1, 0])
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    losses = []
    for _ in range(5):
        loss = F.multi_margin_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def variational_autoencoder(seed: int) -> Result:
    """Noise drawn in the forward pass, a decoder of transposed convolutions."""
    torch.manual_seed(seed)
    enc = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Flatten())
    to_mu, to_logvar = nn.Linear(4 * 4 * 4, 3), nn.Linear(4 * 4 * 4, 3)
    dec = nn.Sequential(
        nn.Linear(3, 4 * 4 * 4),
        nn.Unflatten(1, (4, 4, 4)),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1),
    )
    vae = nn.ModuleList([enc, to_mu, to_logvar, dec])
    opt = torch.optim.Adamax(vae.parameters(), lr=0.01)
    x = torch.rand(5, 1, 8, 8)
    losses = []
    for _ in range(5):
        h = enc(x)
        mu, logvar = to_mu(h), to_logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        recon = F.binary_cross_entropy_with_logits(dec(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = (recon + kl) / x.size(0)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(vae)


@double
def small_unet(seed: int) -> Result:
    """Down, up, and what was there before put beside it; a Dice loss."""

    def conv(cin, cout):
        return nn.Sequential(
            nn.Conv2d(cin, cout, 3, padding=1),
            nn.InstanceNorm2d(cout, affine=True),
            nn.LeakyReLU(0.1),
        )

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2 = conv(1, 3), conv(3, 5)
            self.up1, self.last = conv(8, 3), nn.Conv2d(3, 1, 1)

        def forward(self, x):
            a = self.down1(x)
            b = self.down2(F.max_pool2d(a, 2))
            b = F.interpolate(b, size=a.shape[2:], mode="bilinear", align_corners=True)
            return self.last(self.up1(torch.cat([a, b], dim=1)))

    torch.manual_seed(seed)
    net = UNet()
    x = torch.randn(2, 1, 7, 6)
    mask = (x > 0.3).to(x.dtype)
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        p = net(x).sigmoid()
        dice = (2 * (p * mask).sum() + 1) / (p.sum() + mask.sum() + 1)
        loss = 1 - dice
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def squeeze_excite(seed: int) -> Result:
    """Channels weighted by what they hold, with the hard activations."""

    class SE(nn.Module):
        def __init__(self, c, r=2):
            super().__init__()
            self.fc1, self.fc2 = nn.Conv2d(c, c // r, 1), nn.Conv2d(c // r, c, 1)

        def forward(self, x):
            s = F.adaptive_avg_pool2d(x, 1)
            return x * F.hardsigmoid(self.fc2(F.relu6(self.fc1(s))))

    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False),
        nn.BatchNorm2d(4, momentum=0.01, eps=1e-3),
        nn.Hardswish(),
        SE(4),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.Flatten(),
        nn.Linear(16, 3),
    )
    opt = torch.optim.RMSprop(
        net.parameters(), lr=0.01, alpha=0.9, momentum=0.9, eps=1e-3, weight_decay=1e-5
    )
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.9)
    x, y = torch.randn(5, 2, 5, 5), torch.randint(0, 3, (5,))
    losses = []
    for _ in range(5):
        loss = F.cross_entropy(net(x), y, weight=torch.tensor([1.0, 0.5, 2.0]))
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def patch_transformer(seed: int) -> Result:
    """Patches as words, a class token and positions that are bare parameters."""

    class ViT(nn.Module):
        def __init__(self, d=6, patch=3, patches=4, classes=3):
            super().__init__()
            self.patch = nn.Conv2d(1, d, patch, patch)
            self.cls = nn.Parameter(torch.zeros(1, 1, d))
            self.pos = nn.Parameter(torch.empty(1, patches + 1, d))
            nn.init.trunc_normal_(self.pos, std=0.2, a=-0.3, b=0.3)
            self.norm = nn.LayerNorm(d, eps=1e-6)
            self.attn = nn.MultiheadAttention(d, 2, batch_first=True)
            self.head = nn.Linear(d, classes)

        def forward(self, x):
            x = self.patch(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
            y = self.norm(x)
            x = x + self.attn(y, y, y, need_weights=False)[0]
            return self.head(x[:, 0])

    torch.manual_seed(seed)
    vit = ViT()
    x, y = torch.randn(4, 1, 6, 6), torch.randint(0, 3, (4,))
    soft = F.one_hot(y, 3) * 0.8 + 0.2 / 3
    opt = torch.optim.AdamW(vit.parameters(), lr=0.01, weight_decay=0.05)
    losses = []
    for _ in range(5):
        loss = torch.sum(-soft * F.log_softmax(vit(x), dim=-1), dim=-1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(vit)


@double
def layer_scale(seed: int) -> Result:
    """A block with its channels last in the middle, a small scale and dropped paths."""

    class Block(nn.Module):
        def __init__(self, d, drop):
            super().__init__()
            self.dw = nn.Conv2d(d, d, 5, padding=2, groups=d)
            self.norm = nn.LayerNorm(d, eps=1e-6)
            self.pw1, self.pw2 = nn.Linear(d, 3 * d), nn.Linear(3 * d, d)
            self.gamma = nn.Parameter(1e-2 * torch.ones(d))
            self.drop = drop

        def forward(self, x):
            y = self.dw(x).permute(0, 2, 3, 1)
            y = self.gamma * self.pw2(F.gelu(self.pw1(self.norm(y))))
            y = y.permute(0, 3, 1, 2)
            if self.training and self.drop > 0:
                keep = 1 - self.drop
                y = y * y.new_empty(len(y), 1, 1, 1).bernoulli_(keep) / keep
            return x + y

    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 2, stride=2), Block(4, 0.0), Block(4, 0.3), nn.Conv2d(4, 1, 1)
    )
    x = torch.randn(6, 1, 8, 8)
    opt = torch.optim.Adam(net.parameters(), lr=4e-3, eps=1e-6)
    losses = []
    for _ in range(5):
        loss = net(x).mean((1, 2, 3)).sub(x.std(dim=(1, 2, 3))).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


SCRIPTS = (
    lenet,
    residual_block,
    depthwise,
    super_resolution,
    spatial_transformer,
    variational_autoencoder,
    small_unet,
    squeeze_excite,
    patch_transformer,
    layer_scale,
)
