"""Decompositions in float64, as @learngene/tensor-svd takes them."""

import torch
from data import pattern
from sklearn.utils.extmath import randomized_svd


def matrix(rows: int, cols: int) -> torch.Tensor:
    return pattern([rows, cols], 1).double()


def svd(spec: dict):
    a = matrix(spec["rows"], spec["cols"])
    run = lambda: torch.linalg.svd(a, full_matrices=False)  # noqa: E731
    return run, lambda: run()[1][:8].tolist()


def symmetric_eigen(spec: dict):
    a = matrix(spec["size"], spec["size"])
    a = (a + a.T) / 2
    run = lambda: torch.linalg.eigh(a)  # noqa: E731
    return run, lambda: run()[0][-8:].tolist()


def randomized(spec: dict):
    """A matrix with decaying spectrum, so that both find the same singular values."""
    a = decaying(spec["rows"], spec["cols"])
    run = lambda: randomized_svd(a.numpy(), spec["rank"], random_state=0)  # noqa: E731
    return run, lambda: run()[1][:8].tolist()


def randomized_torch(spec: dict):
    """torch.svd_lowrank with scikit-learn's oversampling and power iterations."""
    a = decaying(spec["rows"], spec["cols"])
    run = lambda: torch.svd_lowrank(a, q=spec["rank"] + 10, niter=7)  # noqa: E731
    return run, lambda: run()[1][:8].tolist()


def decaying(rows: int, cols: int) -> torch.Tensor:
    a = matrix(rows, cols)
    row_scale = 1 / (1 + torch.arange(rows, dtype=torch.float64))
    return row_scale[:, None] * a


TASKS = {
    "svd": svd, "symmetric-eigen": symmetric_eigen, "randomized-svd": randomized, "randomized-svd-torch": randomized_torch,
}  # fmt: skip
