"""Trials as tasks of a Ray cluster, by its own client."""

from __future__ import annotations

from typing import Any

import ray

from begat.sweep.process import execute
from begat.sweep.remote import Remote
from begat.sweep.trial import Ending, Job


class Ray(Remote):
    """
    One trial for each processor of the cluster at *address*; without one, of a cluster of this machine.

    Where there are GPUs, one trial for each of these, or, if *jobs* are more, a share: a task that asks for none sees none.
    """

    def __init__(self, jobs: int | None, address: str | None) -> None:
        super().__init__()
        self._owned = not ray.is_initialized()
        if self._owned:
            options: dict[str, Any] = (
                {"address": address} if address else {"num_cpus": jobs, "include_dashboard": False}
            )
            ray.init(log_to_driver=False, logging_level="ERROR", **options)
        found = ray.cluster_resources()
        self.slots, share = shared(int(found.get("CPU", 1)), int(found.get("GPU", 0)), jobs)
        self._execute = ray.remote(max_retries=0, num_gpus=share)(execute)

    def _begin(self, job: Job) -> Any:
        return self._execute.remote(job)

    def _over(self, futures: list[Any], timeout: float) -> list[Any]:
        return list(ray.wait(futures, num_returns=1, timeout=timeout)[0])

    def _result(self, future: Any) -> Ending:
        return ray.get(future)  # type: ignore[no-any-return]  # it is what `execute` returned

    def close(self) -> None:
        if self._owned:
            ray.shutdown()


def shared(processors: int, gpus: int, jobs: int | None) -> tuple[int, float]:
    """How many trials at a time, and how many GPUs, or which part of one, for each."""
    slots = jobs or gpus or processors or 1
    # Two decimals, rounded down: Ray counts parts of a GPU, and the parts are to fit.
    return slots, min(1.0, gpus * 100 // slots / 100)
