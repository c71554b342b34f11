"""Work items made of one operation. Each takes a spec and returns (run, check); check returns a few numbers of the result."""

import time

import torch
import torch.nn.functional as F
from data import pattern
from dit import modulated_norm
from torch import Tensor


def summary(x: Tensor) -> list[float]:
    """Mean, mean square and a weighted sum, as in src/tasks/pattern.ts."""
    flat = x.detach().double().flatten()
    weights = (torch.arange(flat.numel(), dtype=torch.float64) % 97 - 48) / 48
    return [flat.mean().item(), flat.square().mean().item(), (flat * weights).mean().item()]


def forward_only(run):
    def checked() -> list[float]:
        return summary(run())

    return torch.inference_mode()(run), checked


def forward_backward(run, inputs: list[Tensor]):
    """`run` returns the output; the gradient that comes in is a pattern too."""
    for x in inputs:
        x.requires_grad_()
    dy = pattern(list(run().shape), 9)

    def both() -> tuple[Tensor, tuple[Tensor, ...]]:
        out = run()
        return out, torch.autograd.grad(out, inputs, dy)

    def check() -> list[float]:
        out, grads = both()
        return [number for tensor in (out, *grads) for number in summary(tensor)]

    return both, check


def matmul(spec: dict):
    m, k, n, batch = spec["m"], spec["k"], spec["n"], spec.get("batch", 0)
    lead = [batch] if batch else []
    a = pattern(lead + ([k, m] if spec["layout"] == "TN" else [m, k]), 1)
    b = pattern(lead + ([n, k] if spec["layout"] == "NT" else [k, n]), 2)
    if spec["precision"] == "bf16":
        a, b = a.bfloat16(), b.bfloat16()
    left = a.transpose(-1, -2) if spec["layout"] == "TN" else a
    right = b.transpose(-1, -2) if spec["layout"] == "NT" else b
    return forward_only(lambda: torch.matmul(left, right))


def compiled_or_not(spec: dict, f):
    return torch.compile(f) if spec.get("compiled") else f


def norm_modulate(spec: dict):
    N, T, D = spec["shape"]
    x, shift, scale = pattern([N, T, D], 1), pattern([N, D], 2), pattern([N, D], 3)
    f = compiled_or_not(spec, modulated_norm)
    run = lambda: f(x, shift, scale)  # noqa: E731
    return forward_backward(run, [x, shift, scale]) if spec["backward"] else forward_only(run)


def attention(spec: dict):
    N, T, D = spec["shape"]
    q, k, v = (pattern([N, T, D], seed) for seed in (1, 2, 3))

    def run() -> Tensor:
        heads = [t.view(N, T, spec["heads"], -1).transpose(1, 2) for t in (q, k, v)]
        return F.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(N, T, D)

    return forward_backward(run, [q, k, v]) if spec["backward"] else forward_only(run)


def elementwise(spec: dict):
    a, b = pattern([spec["size"]], 1), pattern([spec["size"]], 2)
    ops = {"add": lambda: a + b, "mul": lambda: a * b, "gelu": lambda: F.gelu(a, approximate="tanh")}
    return forward_only(ops[spec["op"]])


def adamw(spec: dict):
    """torch's fused AdamW over the leaves of one layer after another, `size` numbers in all."""
    params = [torch.nn.Parameter(pattern(shape, 1)) for shape in spec["shapes"]]
    for p in params:
        p.grad = pattern(list(p.shape), 2)
    options = {"lr": 1e-4, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}
    optimizer = torch.optim.AdamW(params, fused=True, **options)

    def check() -> list[float]:
        optimizer.step()
        return [number for p in params for number in summary(p)]

    return optimizer.step, check


def optimizer(spec: dict):
    """Clipping, fused AdamW and the moving average, as in training.py."""
    params = [torch.nn.Parameter(pattern(shape, 1)) for shape in spec["shapes"]]
    ema = [pattern(shape, 3) for shape in spec["shapes"]]
    grads = [pattern(shape, 2) for shape in spec["shapes"]]
    adam = torch.optim.AdamW(params, lr=1e-4, weight_decay=0.01, fused=True)

    @torch.no_grad()
    def run() -> None:
        for p, grad in zip(params, grads, strict=True):
            p.grad = grad
        torch.nn.utils.clip_grad_norm_(params, 1.0, foreach=True)
        adam.step()
        torch._foreach_lerp_(ema, params, 1e-4)

    def check() -> list[float]:
        run()
        return [number for tensor in (*params, *ema) for number in summary(tensor)]

    return run, check


def conv2d(spec: dict):
    """3x3, stride 1, same padding; in the memory layout that is faster here."""
    N, H, W, C = spec["shape"]
    nhwc = pattern([N, H, W, C], 1)
    weight = pattern([3, 3, C, spec["out"]], 2).permute(3, 2, 0, 1)  # ours is [row, column, in, out]

    def in_layout(layout: torch.memory_format):
        x = nhwc.permute(0, 3, 1, 2).contiguous(memory_format=layout)
        w = weight.contiguous(memory_format=layout)
        run = lambda: F.conv2d(x, w, padding=1)  # noqa: E731
        check = lambda: summary(run().permute(0, 2, 3, 1).contiguous())  # noqa: E731
        if not spec["backward"]:
            return torch.inference_mode()(run), check
        x.requires_grad_()
        w.requires_grad_()
        dy = pattern([N, H, W, spec["out"]], 9).permute(0, 3, 1, 2).contiguous(memory_format=layout)
        return (lambda: torch.autograd.grad(run(), [x, w], dy)), check

    candidates = [in_layout(layout) for layout in (torch.contiguous_format, torch.channels_last)]
    return min(candidates, key=lambda candidate: best_of(candidate[0]))


def group_norm(spec: dict):
    """Group norm and SiLU; in the memory layout that is faster here."""
    N, H, W, C = spec["shape"]
    nhwc, weight, bias = pattern([N, H, W, C], 1), pattern([C], 2), pattern([C], 3)

    def in_layout(layout: torch.memory_format):
        x = nhwc.permute(0, 3, 1, 2).contiguous(memory_format=layout)
        run = lambda: F.silu(F.group_norm(x, spec["groups"], weight, bias))  # noqa: E731
        last = lambda t: t.permute(0, 2, 3, 1).contiguous() if t.dim() == 4 else t  # noqa: E731
        if not spec["backward"]:
            return torch.inference_mode()(run), lambda: summary(last(run()))
        leaves = [x, weight, bias]
        for leaf in leaves:
            leaf.requires_grad_()
        dy = pattern([N, H, W, C], 9).permute(0, 3, 1, 2).contiguous(memory_format=layout)

        def both() -> tuple[Tensor, ...]:
            out = run()
            return out, *torch.autograd.grad(out, leaves, dy)

        return both, lambda: [number for t in both() for number in summary(last(t))]

    candidates = [in_layout(layout) for layout in (torch.contiguous_format, torch.channels_last)]
    return min(candidates, key=lambda candidate: best_of(candidate[0]))


def best_of(run, times: int = 3) -> float:
    def once() -> float:
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    return min(once() for _ in range(times))


TASKS = {
    "matmul": matmul, "norm-modulate": norm_modulate, "attention": attention, "elementwise": elementwise,
    "adamw": adamw, "optimizer": optimizer, "conv2d": conv2d, "group-norm": group_norm,
}  # fmt: skip
