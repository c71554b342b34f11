"""A whole training step of the peer: loss, gradients, clipping, fused AdamW, foreach EMA."""

import torch
import torch.nn.functional as F
from data import diffuse

OPTIMIZER = {"lr": 1e-4, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "fused": True}
EMA_DECAY = 0.9999
CLIP_NORM = 1.0


class Trainer:
    """Trains `model` on one fixed batch; `precision` is f32 or bf16 (autocast, float32 master weights)."""

    def __init__(self, model: torch.nn.Module, batch: dict, *, precision: str = "f32", compiled: bool = False):
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.ema = [p.detach().clone() for p in self.parameters]
        self.optimizer = torch.optim.AdamW(self.parameters, **OPTIMIZER)
        self.batch = batch
        self.bf16 = precision == "bf16"
        self.model = torch.compile(model) if compiled else model

    def loss(self) -> torch.Tensor:
        b = self.batch
        xt = diffuse(b["x0"], b["noise"], b["t"])
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            predicted = self.model(xt, b["t"], b["labels"])
        return F.mse_loss(predicted.float(), b["noise"])

    def step(self) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP_NORM, foreach=True)
        self.optimizer.step()
        self.average()
        return loss.item()

    @torch.no_grad()
    def average(self) -> None:
        """ema += (1 - decay) (params - ema), in place and in one multi-tensor call."""
        torch._foreach_lerp_(self.ema, self.parameters, 1 - EMA_DECAY)
