"""A Diffusion Transformer (Peebles & Xie 2023) in plain PyTorch, as a peer would write it for speed today: fused qkv,
scaled_dot_product_attention, no dropout. N samples, T tokens, D width, C channels, p patch side.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sincos_2d(width: int, grid: int) -> Tensor:
    """Fixed position table [T, D]: the first half of a row holds the column coordinate, the second half the row."""
    omega = 10000 ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    angles = torch.arange(grid, dtype=torch.float64)[:, None] * omega
    axis = torch.cat([angles.sin(), angles.cos()], 1)  # [grid, D / 2]
    columns = axis[None, :, :].expand(grid, grid, -1)
    rows = axis[:, None, :].expand(grid, grid, -1)
    return torch.cat([columns, rows], 2).reshape(grid * grid, width).float()


def timestep_sinusoids(t: Tensor) -> Tensor:
    """[N] to [N, 256]: cosines, then sines."""
    frequencies = torch.exp(-math.log(10000) * torch.arange(128, dtype=torch.float32) / 128)
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], 1)


def modulated_norm(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    normed = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    return normed * (1 + scale[:, None]) + shift[:, None]


class DenseMain(nn.Module):
    """The six main linear layers of a block, q k v fused."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)


class Block(nn.Module):
    """adaLN-Zero block. `main` offers qkv, proj, fc1 and fc2 as modules of x."""

    def __init__(self, width: int, heads: int, main: nn.Module):
        super().__init__()
        self.heads = heads
        self.main = main
        self.adaln = nn.Linear(width, 6 * width)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        N, T, D = x.shape
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaln(c).chunk(6, 1)
        qkv = self.main.qkv(modulated_norm(x, shift1, scale1))  # [N, T, 3D]
        q, k, v = qkv.view(N, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(N, T, D)
        x = x + gate1[:, None] * self.main.proj(mixed)
        hidden = F.gelu(self.main.fc1(modulated_norm(x, shift2, scale2)), approximate="tanh")
        return x + gate2[:, None] * self.main.fc2(hidden)


class DiT(nn.Module):
    """`main(width, hidden)` makes a block's main layers: dense by default, factored for KIND."""

    def __init__(self, spec: dict, main=DenseMain):
        super().__init__()
        D, p, C = spec["hiddenSize"], spec["patchSize"], spec["inChannels"]
        self.patch_size, self.grid = p, spec["inputSize"] // p
        self.patch = nn.Conv2d(C, D, p, p)
        self.time = nn.Sequential(nn.Linear(256, D), nn.SiLU(), nn.Linear(D, D))
        self.label = nn.Embedding(spec["classes"] + 1, D)
        self.blocks = nn.ModuleList(Block(D, spec["heads"], main(D, 4 * D)) for _ in range(spec["depth"]))
        self.final_adaln = nn.Linear(D, 2 * D)
        self.final = nn.Linear(D, p * p * C)
        self.register_buffer("position", sincos_2d(D, self.grid), persistent=False)

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).transpose(1, 2) + self.position  # [N, T, D]
        c = F.silu(self.time(timestep_sinusoids(t)) + self.label(labels))  # [N, D]
        for block in self.blocks:
            tokens = block(tokens, c)
        shift, scale = self.final_adaln(c).chunk(2, 1)
        return self.unpatchify(self.final(modulated_norm(tokens, shift, scale)))

    def unpatchify(self, out: Tensor) -> Tensor:
        N, g, p = out.shape[0], self.grid, self.patch_size
        return out.view(N, g, g, p, p, -1).permute(0, 5, 1, 3, 2, 4).reshape(N, -1, g * p, g * p)

    @torch.no_grad()
    def load_frame(self, weights: dict[str, Tensor]) -> None:
        """Everything but the main layers, from our names."""
        pairs = {
            "patch": self.patch, "time.in": self.time[0], "time.out": self.time[2],
            "final.adaln": self.final_adaln, "final.linear": self.final,
            **{f"blocks.{i}.adaln": block.adaln for i, block in enumerate(self.blocks)},
        }  # fmt: skip
        for name, module in pairs.items():
            module.weight.copy_(weights[f"{name}.weight"].view_as(module.weight))
            module.bias.copy_(weights[f"{name}.bias"])
        self.label.weight.copy_(weights["label.table"])

    @torch.no_grad()
    def load_dense(self, weights: dict[str, Tensor]) -> "DiT":
        self.load_frame(weights)
        for i, block in enumerate(self.blocks):
            for part in ("weight", "bias"):
                at = lambda name: weights[f"blocks.{i}.{name}.{part}"]  # noqa: B023, E731
                getattr(block.main.qkv, part).copy_(torch.cat([at("attn.q"), at("attn.k"), at("attn.v")]))
                getattr(block.main.proj, part).copy_(at("attn.o"))
                getattr(block.main.fc1, part).copy_(at("mlp.in"))
                getattr(block.main.fc2, part).copy_(at("mlp.out"))
        return self
