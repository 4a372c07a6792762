"""Ten scripts about words, tokens and signals."""

import math

import pytest

pytest.importorskip("torch")
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch_result import Result, double, numbers


@double
def causal_transformer(seed: int) -> Result:
    """Attention written out: one map for all three, heads split, is_causal."""

    class Block(nn.Module):
        def __init__(self, d, heads):
            super().__init__()
            self.heads = heads
            self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
            self.qkv = nn.Linear(d, 3 * d, bias=False)
            self.proj = nn.Linear(d, d)
            self.mlp = nn.Sequential(
                nn.Linear(d, 4 * d), nn.GELU(approximate="tanh"), nn.Linear(4 * d, d)
            )

        def forward(self, x):
            b, t, d = x.shape
            q, k, v = self.qkv(self.ln1(x)).split(d, dim=2)
            q, k, v = (
                z.view(b, t, self.heads, d // self.heads).transpose(1, 2)
                for z in (q, k, v)
            )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.proj(y.transpose(1, 2).contiguous().view(b, t, d))
            return x + self.mlp(self.ln2(x))

    torch.manual_seed(seed)
    vocab, d = 9, 8
    model = nn.Sequential(
        nn.Embedding(vocab, d), Block(d, 2), Block(d, 2), nn.Linear(d, vocab)
    )
    ids = torch.randint(vocab, (3, 7))
    opt = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    losses = []
    for _ in range(5):
        logits = model(ids[:, :-1])
        loss = F.cross_entropy(logits.transpose(1, 2), ids[:, 1:])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(model)


@double
def padded_attention(seed: int) -> Result:
    """nn.MultiheadAttention with the batch first and padding hidden, then a mean."""
    torch.manual_seed(seed)
    lengths = torch.tensor([5, 3, 1, 4])
    pad = torch.arange(5)[None, :] >= lengths[:, None]
    attn = nn.MultiheadAttention(6, 3, dropout=0.1, batch_first=True)
    clf = nn.Linear(6, 2)
    x = torch.randn(4, 5, 6).masked_fill(pad[..., None], 0.0)
    y = torch.tensor([0, 1, 1, 0])
    params = list(attn.parameters()) + list(clf.parameters())
    opt = torch.optim.SGD(params, lr=0.2, weight_decay=1e-3)
    losses = []
    for _ in range(5):
        out, _ = attn(x, x, x, key_padding_mask=pad, need_weights=False)
        keep = (~pad).unsqueeze(-1).to(out.dtype)
        pooled = (out * keep).sum(1) / keep.sum(1)
        loss = F.cross_entropy(clf(pooled), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(attn, clf)


@double
def packed_lstm(seed: int) -> Result:
    """Sequences of unequal lengths, unsorted, through a packed bidirectional LSTM."""

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(12, 5, padding_idx=0)
            self.lstm = nn.LSTM(5, 4, bidirectional=True, batch_first=True)
            self.out = nn.Linear(8, 3)

        def forward(self, ids, lengths):
            packed = pack_padded_sequence(
                self.emb(ids), lengths, batch_first=True, enforce_sorted=False
            )
            h, _ = self.lstm(packed)
            h, _ = pad_packed_sequence(h, batch_first=True)
            return self.out(h)

    torch.manual_seed(seed)
    lengths = torch.tensor([3, 6, 2])
    ids, tags = torch.randint(1, 12, (3, 6)), torch.randint(0, 3, (3, 6))
    gone = torch.arange(6) >= lengths[:, None]
    ids[gone], tags[gone] = 0, -100
    model = Tagger()
    opt = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(5):
        opt.zero_grad()
        scores = model(ids, lengths)
        loss = F.cross_entropy(scores.flatten(0, 1), tags.flatten(), ignore_index=-100)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(model)


@double
def cell_loop(seed: int) -> Result:
    """An LSTMCell stepped by hand, fed its own outputs after the fourth value."""
    torch.manual_seed(seed)
    cell, read = nn.LSTMCell(1, 6), nn.Linear(6, 1)
    wave = torch.sin(torch.linspace(0, 6, 10)).repeat(3, 1)
    wave = wave + 0.1 * torch.randn_like(wave)
    opt = torch.optim.Adam([*cell.parameters(), *read.parameters()], lr=0.05)
    losses = []
    for _ in range(5):
        h = torch.zeros(3, 6)
        c = torch.zeros(3, 6)
        preds, guess = [], wave[:, :1]
        for t in range(9):
            h, c = cell(wave[:, t : t + 1] if t < 4 else guess, (h, c))
            guess = read(h)
            preds.append(guess)
        loss = F.mse_loss(torch.cat(preds, 1), wave[:, 1:])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(cell.parameters(), 0.5)
        opt.step()
        losses.append(loss.item())
    return losses, numbers(cell, read)


@double
def bag_of_words(seed: int) -> Result:
    """EmbeddingBag over texts joined end to end."""
    torch.manual_seed(seed)
    bag = nn.EmbeddingBag(15, 4, mode="mean", padding_idx=0)
    fc = nn.Linear(4, 2)
    nn.init.uniform_(fc.weight, -0.5, 0.5)
    nn.init.zeros_(fc.bias)
    text = torch.randint(0, 15, (14,))
    offsets = torch.tensor([0, 4, 5, 9])
    label = torch.randint(0, 2, (4,))
    opt = torch.optim.SGD(
        [{"params": bag.parameters(), "lr": 1.0}, {"params": fc.parameters()}], lr=0.1
    )
    sched = torch.optim.lr_scheduler.StepLR(opt, 2, gamma=0.5)
    losses = []
    for _ in range(6):
        opt.zero_grad()
        loss = F.cross_entropy(fc(bag(text, offsets)), label)
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    return losses, numbers(bag, fc)


@double
def encoder_stack(seed: int) -> Result:
    """nn.TransformerEncoder, norm first, dropout on, label smoothing."""
    torch.manual_seed(seed)
    layer = nn.TransformerEncoderLayer(
        d_model=8,
        nhead=2,
        dim_feedforward=12,
        dropout=0.1,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    encoder = nn.TransformerEncoder(
        layer, num_layers=2, norm=nn.LayerNorm(8), enable_nested_tensor=False
    )
    head = nn.Linear(8, 3)
    x, y = torch.randn(4, 6, 8), torch.randint(0, 3, (4,))
    opt = torch.optim.NAdam([*encoder.parameters(), *head.parameters()], lr=2e-3)
    losses = []
    for _ in range(5):
        loss = F.cross_entropy(head(encoder(x)[:, 0]), y, label_smoothing=0.2)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(encoder, head)


@double
def position_buffer(seed: int) -> Result:
    """Sines in a buffer, a learnt scale, and a mask that is a buffer too."""

    class Positions(nn.Module):
        def __init__(self, d, length=16):
            super().__init__()
            pos = torch.arange(length).unsqueeze(1).double()
            freq = torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
            table = torch.zeros(length, d)
            table[:, 0::2] = torch.sin(pos * freq)
            table[:, 1::2] = torch.cos(pos * freq)
            self.register_buffer("table", table)
            mask = torch.triu(torch.full((length, length), float("-inf")), diagonal=1)
            self.register_buffer("mask", mask, persistent=False)
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            t = x.size(1)
            return x + self.scale * self.table[:t], self.mask[:t, :t]

    torch.manual_seed(seed)
    positions, layer = (
        Positions(4),
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True),
    )
    x = torch.randn(2, 6, 4)
    opt = torch.optim.Adam([*positions.parameters(), *layer.parameters()], lr=0.01)
    losses = []
    for _ in range(5):
        h, mask = positions(x)
        out = layer(h, src_mask=mask)
        loss = F.mse_loss(out[:, :-1], x[:, 1:])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(positions, layer)


@double
def deep_gru(seed: int) -> Result:
    """Two layers with dropout between, the last hidden states of both directions."""
    torch.manual_seed(seed)
    gru = nn.GRU(3, 5, num_layers=2, dropout=0.4, bidirectional=True)
    for name, p in gru.named_parameters():
        if "weight_hh" in name:
            nn.init.orthogonal_(p)
        elif "bias" in name:
            nn.init.constant_(p, 0.1)
    fc = nn.Linear(10, 1)
    seq, y = torch.randn(7, 4, 3), torch.rand(4)
    opt = torch.optim.Adadelta([*gru.parameters(), *fc.parameters()], lr=1.0)
    losses = []
    for _ in range(5):
        _, hidden = gru(seq)
        p = torch.sigmoid(fc(torch.cat([hidden[-2], hidden[-1]], dim=1))).squeeze(1)
        loss = F.binary_cross_entropy(p, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(gru, fc)


@double
def text_convolution(seed: int) -> Result:
    """Filters of three widths over words, the largest value of each over time."""

    class TextCNN(nn.Module):
        def __init__(self, vocab, dim, classes, widths=(2, 3, 4)):
            super().__init__()
            self.embed = nn.Embedding(vocab, dim, padding_idx=1)
            self.convs = nn.ModuleList([nn.Conv1d(dim, 3, w) for w in widths])
            self.fc = nn.Linear(3 * len(widths), classes)

        def forward(self, ids):
            x = self.embed(ids).permute(0, 2, 1)
            feats = [
                F.max_pool1d(F.relu(c(x)), x.size(2) - c.kernel_size[0] + 1).squeeze(2)
                for c in self.convs
            ]
            return self.fc(F.dropout(torch.cat(feats, 1), 0.5, self.training))

    torch.manual_seed(seed)
    net = TextCNN(10, 4, 2)
    ids, y = torch.randint(0, 10, (5, 9)), torch.randint(0, 2, (5,))
    opt = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=0.01)
    losses = []
    for _ in range(5):
        opt.zero_grad()
        loss = F.nll_loss(F.log_softmax(net(ids), dim=1), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, numbers(net)


@double
def gumbel_codes(seed: int) -> Result:
    """Discrete codes by hard Gumbel softmax, a temperature that falls."""
    torch.manual_seed(seed)
    enc = nn.Linear(6, 2 * 4)
    book = nn.Parameter(torch.randn(2, 4, 3))
    dec = nn.Linear(6, 6)
    opt = torch.optim.RAdam([*enc.parameters(), book, *dec.parameters()], lr=0.02)
    x = torch.randn(8, 6)
    losses = []
    for step in range(6):
        logits = enc(x).view(8, 2, 4)
        tau = max(0.5, 1.0 - 0.1 * step)
        onehot = F.gumbel_softmax(logits, tau=tau, hard=True, dim=-1)
        code = torch.einsum("bgk,gkd->bgd", onehot, book).flatten(1)
        prior = (F.softmax(logits, -1) * F.log_softmax(logits, -1)).sum(-1).mean()
        loss = F.mse_loss(dec(code), x) + 0.01 * prior
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, {**numbers(enc, dec), "book": book.detach().numpy().copy()}


SCRIPTS = (
    causal_transformer,
    padded_attention,
    packed_lstm,
    cell_loop,
    bag_of_words,
    encoder_stack,
    position_buffer,
    deep_gru,
    text_convolution,
    gumbel_codes,
)
