"""Training steps of KIND in PyTorch: one that masks, as most would write it, and two that skip absent classes."""

import torch
from data import weights_of
from dit import DiT
from kind_layers import Gate, GatheredLayer, MaskedLayer, SegmentLayer, UngatedLayer
from torch import Tensor, nn
from training import CLIP_NORM, EMA_DECAY, OPTIMIZER, Trainer

LAYERS = {"masked": MaskedLayer, "segments": SegmentLayer, "gathered": GatheredLayer, "ungated": UngatedLayer}
NAMES = {"q": "attn.q", "k": "attn.k", "v": "attn.v", "proj": "attn.o", "fc1": "mlp.in", "fc2": "mlp.out"}


class KindMain(nn.Module):
    """The main layers of a block; q, k and v are separate factored layers."""

    def __init__(self, width: int, hidden: int, spec: dict, gate: Gate, kind: type):
        super().__init__()
        shapes = {"q": (width, width), "k": (width, width), "v": (width, width), "proj": (width, width)}
        for name, (i, o) in {**shapes, "fc1": (width, hidden), "fc2": (hidden, width)}.items():
            self.add_module(name, kind(i, o, spec, gate))

    def qkv(self, x: Tensor) -> Tensor:
        return torch.cat([self.q(x), self.k(x), self.v(x)], -1)


def build(spec: dict, batch: dict, implementation: str) -> tuple[DiT, list, Gate]:
    """The model with our weights; group g's s is that of the file times 1 + g / 100, so that no two are alike."""
    gate = Gate()
    labels = batch["labels"]
    classes, counts = labels.unique_consecutive(return_counts=True)
    ends = counts.cumsum(0).tolist()
    gate.runs = [(c, e - n, e) for c, n, e in zip(classes.tolist(), counts.tolist(), ends, strict=True)]
    if implementation == "masked":
        per_class = torch.nn.functional.one_hot(labels, spec["groups"]).float()
        gate.mask = per_class.repeat_interleave(spec["tailorRank"], 1)[:, None]
    model = DiT(spec, lambda width, hidden: KindMain(width, hidden, spec, gate, LAYERS[implementation]))
    weights = weights_of(spec)
    model.load_frame(weights)
    layers = []
    with torch.no_grad():
        for i, block in enumerate(model.blocks):
            for ours, theirs in NAMES.items():
                layer, name = getattr(block.main, ours), f"blocks.{i}.{theirs}"
                layer.load_learngenes({part: weights[f"{name}.{part}"] for part in ("u", "s", "v", "bias")})
                first = {part: weights[f"tailor.{name}.{part}"] for part in "usv"}
                tailors = [{**first, "s": first["s"] * (1 + g / 100)} for g in range(spec["groups"])]
                layer.load_tailors(tailors)
                layers.append(layer)
    return model, layers, gate


class SegmentTrainer(Trainer):
    """Parameters without a gradient are left out by AdamW; the averages follow only those that changed."""

    def average(self) -> None:
        pairs = [(e, p) for e, p in zip(self.ema, self.parameters, strict=True) if p.grad is not None]
        with torch.no_grad():
            torch._foreach_lerp_([e for e, _ in pairs], [p for _, p in pairs], 1 - EMA_DECAY)


class GatheredTrainer(Trainer):
    """The active classes' rows of parameters, moments and averages are gathered, stepped and put back."""

    def __init__(self, model: DiT, batch: dict, *, layers: list, gate: Gate, precision: str):
        super().__init__(model, batch, precision=precision)
        self.layers, self.gate = layers, gate
        self.stacks = [(layer, key, layer.stacks[key]) for layer in layers for key in "usv"]
        self.state = [[torch.zeros_like(s), torch.zeros_like(s), s.clone()] for _, _, s in self.stacks]
        self.steps = torch.zeros(layers[0].stacks["s"].shape[0])

    def step(self) -> float:
        active, self.gate.labels = self.batch["labels"].unique(return_inverse=True)
        leaves = []
        for layer, key, stack in self.stacks:
            layer.active[key] = stack[active].requires_grad_()
            leaves.append(layer.active[key])
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*self.parameters, *leaves], CLIP_NORM, foreach=True)
        self.optimizer.step()
        self.average()
        self.step_tailors(active, leaves)
        return loss.item()

    @torch.no_grad()
    def step_tailors(self, active: Tensor, leaves: list[Tensor]) -> None:
        self.steps[active] += 1
        step = self.steps[active[0]]  # classes of a fixed batch are equally old
        m, v, ema = ([state[i][active] for state in self.state] for i in range(3))
        options = {key: OPTIMIZER[key] for key in ("lr", "weight_decay", "eps")}
        beta1, beta2 = OPTIMIZER["betas"]
        torch._fused_adamw_(
            leaves, [leaf.grad for leaf in leaves], m, v, [], [step.clone() for _ in leaves],
            beta1=beta1, beta2=beta2, amsgrad=False, maximize=False, **options,
        )  # fmt: skip
        torch._foreach_lerp_(ema, leaves, 1 - EMA_DECAY)
        for (_, _, stack), state, *rows in zip(self.stacks, self.state, leaves, m, v, ema, strict=True):
            for target, row in zip((stack, *state), rows, strict=True):
                target[active] = row


def sampler(spec: dict, batch: dict):
    """The network of a doubled batch: the samples with their labels, then without, each with the tailors of its class."""
    model, layers, gate = build(spec, batch, "gathered")
    labels = batch["labels"]
    active, places = labels.unique(return_inverse=True)
    gate.labels = places.repeat(2)
    for layer in layers:
        layer.active = {key: layer.stacks[key][active] for key in "usv"}
    null = torch.full_like(labels, spec["classes"])
    both = torch.cat([labels, null])
    return lambda x, t: model(x, t, both)


def trainer(spec: dict, batch: dict, implementation: str) -> Trainer:
    model, layers, gate = build(spec, batch, implementation)
    if spec.get("trainable", "all") == "tailors":
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name == "label.weight")
    precision = spec["precision"]
    if implementation == "gathered":
        return GatheredTrainer(model, batch, layers=layers, gate=gate, precision=precision)
    kind = SegmentTrainer if implementation == "segments" else Trainer
    return kind(model, batch, precision=precision, compiled=spec.get("compiled", False))
