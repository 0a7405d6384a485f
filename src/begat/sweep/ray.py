"""Trials as tasks of a Ray cluster, by its own client."""

from __future__ import annotations

from typing import Any

import ray

from begat.sweep.process import execute
from begat.sweep.remote import Remote
from begat.sweep.trial import Ending, Job


class Ray(Remote):
    """One trial for each processor of the cluster at *address*; without one, of a cluster of this machine."""

    def __init__(self, jobs: int | None, address: str | None) -> None:
        super().__init__()
        self._owned = not ray.is_initialized()
        if self._owned:
            options: dict[str, Any] = {"address": address} if address else {"num_cpus": jobs, "include_dashboard": False}
            ray.init(log_to_driver=False, logging_level="ERROR", **options)
        self.slots = jobs or int(ray.cluster_resources().get("CPU", 1)) or 1
        self._execute = ray.remote(max_retries=0)(execute)

    def _begin(self, job: Job) -> Any:
        return self._execute.remote(job)

    def _over(self, futures: list[Any], timeout: float) -> list[Any]:
        return list(ray.wait(futures, num_returns=1, timeout=timeout)[0])

    def _result(self, future: Any) -> Ending:
        return ray.get(future)  # type: ignore[no-any-return]  # it is what `execute` returned

    def close(self) -> None:
        if self._owned:
            ray.shutdown()
