"""Work items made of whole models: training steps, sampling. Each returns (run, check) of a spec."""

import gc

import torch
from data import StepData, alphas_cumprod, batch_of, pattern, weights_of
from dit import DiT
from kind import sampler, trainer
from training import Trainer


def dense_step(spec: dict):
    model = DiT(spec).load_dense(weights_of(spec))
    work = Trainer(model, batch_of(spec), precision=spec["precision"], compiled=spec.get("compiled", False))
    return work.step, lambda: [work.step() for _ in range(spec.get("checkSteps", 3))]


def kind_step(spec: dict):
    work = trainer(spec, batch_of(spec), spec["implementation"])
    gc.collect()
    data = StepData(spec) if spec.get("data") else None

    def run() -> None:
        if data is None:
            work.step()
            return
        work.batch = {**work.batch, **data.next()}
        data.log(work.step())

    return run, lambda: [work.step() for _ in range(spec.get("checkSteps", 3))]


def sample(spec: dict):
    """DDIM with classifier-free guidance on a doubled batch; timesteps evenly spaced from the last one down."""
    model = DiT(spec).load_dense(weights_of(spec)).eval()
    if spec.get("compiled"):
        model = torch.compile(model)
    labels = torch.tensor([*spec["labels"], *[spec["classes"]] * spec["batch"]])
    return ddim(spec, lambda x, t: model(x, t, labels))


def kind_sample(spec: dict):
    """The same with a KIND model, whose branch without a label keeps the tailors of its class."""
    return ddim(spec, sampler(spec, batch_of(spec)))


def ddim(spec: dict, network):
    n, steps, scale = spec["batch"], spec["steps"], spec["guidance"]
    noise = pattern([n, spec["inputSize"], spec["inputSize"], spec["inChannels"]], 3).permute(0, 3, 1, 2) * 3.4641016
    noise = noise.contiguous()
    times = [1000 - round(1000 / steps * i) - 1 for i in range(steps)]
    bars = alphas_cumprod()

    @torch.inference_mode()
    def run() -> torch.Tensor:
        x = noise
        for i, t in enumerate(times):
            out = network(torch.cat([x, x]), torch.full((2 * n,), t))
            conditional, unconditional = out.chunk(2)
            eps = unconditional + scale * (conditional - unconditional)
            bar, following = bars[t], bars[times[i + 1]] if i + 1 < steps else torch.tensor(1.0)
            start = (x - (1 - bar).sqrt().float() * eps) / bar.sqrt().float()
            x = following.sqrt().float() * start + (1 - following).sqrt().float() * eps
        return x

    def check() -> list[float]:
        x = run()
        return [x.mean().item(), x.square().mean().item(), x.abs().mean().item()]

    return run, check


TASKS = {"dense-step": dense_step, "kind-step": kind_step, "sample": sample, "kind-sample": kind_sample}
