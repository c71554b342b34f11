"""The autoencoders of Stable Diffusion in plain torch: AutoencoderKL and the tiny one, under the names of src/tasks/autoencoders.ts.

Both are what diffusers' classes compute in eval mode, as fused as torch's own functions are.
"""

import torch
import torch.nn.functional as F
from data import pattern
from tasks_ops import best_of, summary
from torch import Tensor

EPS = 1e-6


def weights(tensors: list[list], layout: torch.memory_format) -> dict[str, Tensor]:
    """The weights that src/tasks/autoencoders.ts makes; filters from [row, column, in, out]."""
    made = {}
    for i, (name, shape) in enumerate(tensors):
        values = pattern(shape, i + 10)
        if len(shape) == 1:
            made[name] = values * 0.1 + (1 if "norm" in name and name.endswith("weight") else 0)
            continue
        inputs = shape[0] * shape[1] * shape[2] if len(shape) == 4 else shape[1]
        values *= (12 / inputs) ** 0.5
        made[name] = values.permute(3, 2, 0, 1).contiguous(memory_format=layout) if len(shape) == 4 else values
    return made


class Net:
    """Layers by name."""

    def __init__(self, tensors: dict[str, Tensor]):
        self.tensors = tensors

    def has(self, name: str) -> bool:
        return f"{name}.weight" in self.tensors

    def conv(self, name: str, x: Tensor, **options) -> Tensor:
        weight = self.tensors[f"{name}.weight"]
        options = {"padding": weight.shape[-1] // 2, **options}
        return F.conv2d(x, weight, self.tensors.get(f"{name}.bias"), **options)

    def linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def norm(self, name: str, x: Tensor) -> Tensor:
        return F.group_norm(x, 32, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"], EPS)


class Kl(Net):
    def norm_silu(self, name: str, x: Tensor) -> Tensor:
        return F.silu(self.norm(name, x), inplace=True)

    def block(self, name: str, x: Tensor) -> Tensor:
        y = self.conv(f"{name}.conv1", self.norm_silu(f"{name}.norm1", x))
        y = self.conv(f"{name}.conv2", self.norm_silu(f"{name}.norm2", y))
        return y + (self.conv(f"{name}.skip", x) if self.has(f"{name}.skip") else x)

    def blocks(self, level: str, x: Tensor) -> Tensor:
        block = 0
        while self.has(f"{level}.blocks.{block}.conv1"):
            x = self.block(f"{level}.blocks.{block}", x)
            block += 1
        return x

    def mid(self, name: str, x: Tensor) -> Tensor:
        x = self.block(f"{name}.in", x)
        n, c, h, w = x.shape
        tokens = self.norm(f"{name}.attn.norm", x).view(n, c, h * w).transpose(1, 2)
        q, k, v = (self.linear(f"{name}.attn.{part}", tokens)[:, None] for part in "qkv")
        mixed = self.linear(f"{name}.attn.o", F.scaled_dot_product_attention(q, k, v)[:, 0])
        return self.block(f"{name}.out", x + mixed.transpose(1, 2).reshape(n, c, h, w))

    def encode(self, x: Tensor) -> Tensor:
        x = self.conv("encoder.in", x)
        for level in range(4):
            path = f"encoder.levels.{level}"
            x = self.blocks(path, x)
            if self.has(f"{path}.down"):
                x = self.conv(f"{path}.down", F.pad(x, (0, 1, 0, 1)), stride=2, padding=0)
        x = self.mid("encoder.mid", x)
        return self.conv("quant", self.conv("encoder.out", self.norm_silu("encoder.norm", x)))

    def decode(self, z: Tensor) -> Tensor:
        x = self.mid("decoder.mid", self.conv("decoder.in", self.conv("postQuant", z)))
        for level in range(4):
            path = f"decoder.levels.{level}"
            x = self.blocks(path, x)
            if self.has(f"{path}.up"):
                x = self.conv(f"{path}.up", F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv("decoder.out", self.norm_silu("decoder.norm", x))


class Tiny(Net):
    def blocks(self, level: str, x: Tensor) -> Tensor:
        block = 0
        while self.has(f"{level}.blocks.{block}.conv.0"):
            y = x
            for i in range(3):
                y = self.conv(f"{level}.blocks.{block}.conv.{i}", y)
                y = (y if i < 2 else y.add_(x)).relu_()
            x = y
            block += 1
        return x

    def encode(self, x: Tensor) -> Tensor:
        x = (x + 1) / 2
        for level in range(4):
            x = self.conv(f"encoder.levels.{level}.in", x, stride=1 if level == 0 else 2)
            x = self.blocks(f"encoder.levels.{level}", x)
        return self.conv("encoder.out", x)

    def decode(self, z: Tensor) -> Tensor:
        x = self.conv("decoder.in", torch.tanh(z / 3) * 3).relu_()
        for level in range(4):
            x = self.blocks(f"decoder.levels.{level}", x)
            x = x if level == 3 else F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.conv(f"decoder.levels.{level}.out", x)
        return x * 2 - 1


def autoencoder(spec: dict):
    """Encodes one image, or decodes one; in the memory layout that is faster here for an image of 128 pixels."""
    scale, channels = (1, 3) if spec["part"] == "encode" else (8, 4)

    def in_layout(layout: torch.memory_format):
        net = {"kl": Kl, "tiny": Tiny}[spec["model"]](weights(spec["tensors"], layout))

        @torch.inference_mode()
        def on(side: int) -> Tensor:
            x = (pattern([1, side // scale, side // scale, channels], 1) * 2).permute(0, 3, 1, 2)
            return getattr(net, spec["part"])(x.contiguous(memory_format=layout))

        return on

    layouts = [getattr(torch, spec["layout"])] if spec.get("layout") else [torch.contiguous_format, torch.channels_last]
    candidates = [in_layout(layout) for layout in layouts]
    on = min(candidates, key=lambda each: best_of(lambda: each(128), 2)) if len(candidates) > 1 else candidates[0]
    run = lambda: on(spec["side"])  # noqa: E731
    return run, lambda: summary(run().permute(0, 2, 3, 1).contiguous())


TASKS = {"autoencoder": autoencoder}
