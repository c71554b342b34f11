"""Numbers that both sides make by the same rule, and weights that our side has written."""

import json
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file


def pattern(shape: list[int], seed: int) -> torch.Tensor:
    """Deterministic values in [-0.5, 0.5): a multiplicative hash of the index, the same in src/tasks/pattern.ts."""
    index = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(seed * 1000003)
    hashed = (index * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    hashed ^= hashed >> np.uint64(15)
    hashed = (hashed * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    hashed ^= hashed >> np.uint64(13)
    return torch.from_numpy((hashed.astype(np.float64) / 2**32 - 0.5).astype(np.float32)).reshape(shape)


def batch_of(spec: dict) -> dict[str, torch.Tensor]:
    """Images x0, noise [N, C, H, W] (the other side has them as [N, H, W, C]), timesteps and labels [N]."""
    n, size, channels = spec["batch"], spec["inputSize"], spec["inChannels"]
    to_torch = lambda seed: pattern([n, size, size, channels], seed).permute(0, 3, 1, 2).contiguous()  # noqa: E731
    return {
        "x0": to_torch(1) * 2,
        "noise": to_torch(2) * 3.4641016,  # unit variance
        "t": torch.arange(n) * 991 % 1000,
        "labels": torch.tensor(spec["labels"], dtype=torch.long),
    }


class StepData:
    """What a step of a real training has besides its arithmetic: images that are chosen and converted, noise, a log."""

    def __init__(self, spec: dict):
        self.batch = spec["batch"]
        self.shape = (spec["inChannels"], spec["inputSize"], spec["inputSize"])
        self.images = torch.randint(0, 256, (320, *self.shape), dtype=torch.uint8)
        self.file = tempfile.TemporaryFile("w")

    def next(self) -> dict[str, torch.Tensor]:
        images = self.images[torch.randint(0, len(self.images), (self.batch,))]
        return {
            "x0": images.float() / 127.5 - 1,
            "noise": torch.randn(self.batch, *self.shape),
            "t": torch.randint(0, 1000, (self.batch,)),
        }

    def log(self, loss: float) -> None:
        self.file.write(json.dumps({"loss": loss}) + "\n")
        self.file.flush()


def alphas_cumprod() -> torch.Tensor:
    """Products of 1 - beta for the linear schedule of 1000 steps from 1e-4 to 0.02."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)


def diffuse(x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """x_t = sqrt(a) x_0 + sqrt(1 - a) noise."""
    bar = alphas_cumprod()[t].view(-1, 1, 1, 1)
    return x0 * bar.sqrt().float() + noise * (1 - bar).sqrt().float()


def weights_of(spec: dict) -> dict[str, torch.Tensor]:
    """The tensors that our side wrote, by our dotted names; every linear weight is [out, in]."""
    return load_file(spec["weights"])
