"""KIND in PyTorch (arXiv 2408.07337), main layers implemented three times: W_c = learngenes + tailors of class c.

A layer holds learngenes u [out, G], s [G], v [in, G], bias [out], and tailors of every class. `Gate` tells all layers of a
model which classes the samples of the batch have.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class Gate:
    """Classes of the batch, which is sorted by class."""

    labels: Tensor | None = None  # [N]
    mask: Tensor | None = None  # [N, 1, classes * rank]
    runs: list[tuple[int, int, int]] | None = None  # (class, first sample, one past the last)


class Learngenes(nn.Module):
    def __init__(self, width: int, out: int, rank: int):
        super().__init__()
        self.u = nn.Parameter(torch.empty(out, rank))
        self.s = nn.Parameter(torch.empty(rank))
        self.v = nn.Parameter(torch.empty(width, rank))
        self.bias = nn.Parameter(torch.empty(out))

    def load_learngenes(self, learngenes: dict[str, Tensor]) -> None:
        for part, values in learngenes.items():
            getattr(self, part).copy_(values)

    def common(self, x: Tensor) -> Tensor:
        hidden = x @ self.v
        return torch.nn.functional.linear(hidden * self.s.to(hidden.dtype), self.u, self.bias)


class MaskedLayer(Learngenes):
    """All tailors of all classes are computed, those of other classes multiplied by zero: as most would write it."""

    def __init__(self, width: int, out: int, spec: dict, gate: Gate):
        super().__init__(width, out, spec["learngeneRank"])
        total = spec["groups"] * spec["tailorRank"]
        self.gate = gate
        self.tailor_u = nn.Parameter(torch.empty(out, total))
        self.tailor_s = nn.Parameter(torch.empty(total))
        self.tailor_v = nn.Parameter(torch.empty(width, total))

    def forward(self, x: Tensor) -> Tensor:
        own = (x @ self.tailor_v) * self.tailor_s * self.gate.mask  # [N, T, classes rank]
        return self.common(x) + own @ self.tailor_u.T

    def load_tailors(self, tailors: list[dict[str, Tensor]]) -> None:
        self.tailor_u.copy_(torch.cat([t["u"] for t in tailors], 1))
        self.tailor_s.copy_(torch.cat([t["s"] for t in tailors]))
        self.tailor_v.copy_(torch.cat([t["v"] for t in tailors], 1))


class SegmentLayer(Learngenes):
    """A loop over the runs of equal class, each with its own parameters: classes that are absent get no gradient."""

    def __init__(self, width: int, out: int, spec: dict, gate: Gate):
        super().__init__(width, out, spec["learngeneRank"])
        self.gate = gate
        ranks, groups = spec["tailorRank"], range(spec["groups"])
        self.tailor_u = nn.ParameterList(torch.empty(out, ranks) for _ in groups)
        self.tailor_s = nn.ParameterList(torch.empty(ranks) for _ in groups)
        self.tailor_v = nn.ParameterList(torch.empty(width, ranks) for _ in groups)

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for c, start, end in self.gate.runs:
            hidden = (x[start:end] @ self.tailor_v[c]) * self.tailor_s[c]
            parts.append(hidden @ self.tailor_u[c].T)
        return self.common(x) + torch.cat(parts)

    def load_tailors(self, tailors: list[dict[str, Tensor]]) -> None:
        for c, tailor in enumerate(tailors):
            for key, stack in (("u", self.tailor_u), ("s", self.tailor_s), ("v", self.tailor_v)):
                stack[c].copy_(tailor[key])


class UngatedLayer(Learngenes):
    """No gate at all: one factor of the rank that a sample has, learngenes and tailor together. Another model."""

    def __init__(self, width: int, out: int, spec: dict, gate: Gate):
        super().__init__(width, out, spec["learngeneRank"] + spec["tailorRank"])

    def forward(self, x: Tensor) -> Tensor:
        return self.common(x)

    def load_learngenes(self, learngenes: dict[str, Tensor]) -> None:
        self.own = learngenes

    def load_tailors(self, tailors: list[dict[str, Tensor]]) -> None:
        self.bias.copy_(self.own["bias"])
        for key in "usv":
            getattr(self, key).copy_(torch.cat([self.own[key], tailors[0][key]], -1))
        del self.own


class GatheredLayer(Learngenes):
    """The active classes' tailors, gathered once a step into leaves of their own, then one batched product a sample."""

    def __init__(self, width: int, out: int, spec: dict, gate: Gate):
        super().__init__(width, out, spec["learngeneRank"])
        self.gate = gate
        G, r = spec["groups"], spec["tailorRank"]
        self.stacks = {"u": torch.empty(G, r, out), "s": torch.empty(G, r), "v": torch.empty(G, width, r)}
        self.active: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        at = self.gate.labels  # index into the active classes, [N]
        common = self.common(x)
        u, s, v = (self.active[key].to(common.dtype)[at] for key in "usv")  # bfloat16 under autocast
        return common + torch.bmm(torch.bmm(x, v) * s[:, None], u)

    def load_tailors(self, tailors: list[dict[str, Tensor]]) -> None:
        for key in "usv":
            self.stacks[key] = torch.stack([t[key].T if key == "u" else t[key] for t in tailors]).contiguous()
