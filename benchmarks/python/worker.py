"""The peers' process: one JSON request a line on stdin, one JSON answer a line on stdout.

prepare {task, spec} -> {check}     makes the work item; `check` holds numbers that both sides must agree on
run {samples, inner} -> {ms}        `samples` times of `inner` executions each, in milliseconds an execution
release -> {}                       drops the work item
memory -> {peakMiB}                 VmHWM of this process
"""

import gc
import json
import math
import os
import platform
import sys
import time
import warnings

os.environ.setdefault("TORCH_LOGS", "-all")
warnings.filterwarnings("ignore")

import numpy  # noqa: E402
import sklearn  # noqa: E402
import torch  # noqa: E402

import autoencoders  # noqa: E402
import tasks_linalg  # noqa: E402
import tasks_models  # noqa: E402
import tasks_ops  # noqa: E402

TASKS = {**tasks_models.TASKS, **tasks_ops.TASKS, **tasks_linalg.TASKS, **autoencoders.TASKS}


def peak_mib() -> float:
    """Peak resident memory; resource.getrusage counts the parent's pages of before exec too, so /proc first."""
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
            return int(line.split()[1]) / 1024
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if platform.system() == "Darwin" else 1024)


class Worker:
    run = None

    def prepare(self, task: str, spec: dict) -> dict:
        self.release()
        torch.manual_seed(0)
        self.run, check = TASKS[task](spec)
        return {"check": [number if math.isfinite(number) else None for number in check()]}

    def time(self, samples: int, inner: int) -> dict:
        ms = []
        for _ in range(samples):
            started = time.perf_counter()
            for _ in range(inner):
                self.run()
            ms.append((time.perf_counter() - started) * 1000 / inner)
        return {"ms": ms}

    def release(self) -> dict:
        self.run = None
        torch.compiler.reset()
        gc.collect()
        return {}

    def memory(self) -> dict:
        return {"peakMiB": peak_mib()}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What libraries print goes to stderr.
    torch.set_num_threads(int(os.environ["LEARNGENE_NUM_THREADS"]))
    worker = Worker()
    versions = {
        "torch": torch.__version__,
        "sklearn": sklearn.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "cpuCapability": torch.backends.cpu.get_cpu_capability(),
    }
    actions = {"prepare": worker.prepare, "run": worker.time, "release": worker.release, "memory": worker.memory}
    answer = {"ready": versions}
    while True:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        line = sys.stdin.readline()
        if not line:
            return
        request = json.loads(line)
        action = actions[request.pop("op")]
        try:
            answer = action(**request)
        except Exception as error:  # noqa: BLE001  The other side reports it with its row.
            answer = {"error": f"{type(error).__name__}: {error}".split("\n")[0][:300]}


if __name__ == "__main__":
    main()
