"""Trials as tasks of a Dask cluster, by its own client."""

from __future__ import annotations

from typing import Any

from distributed import Client, LocalCluster, wait

from begat.sweep.process import execute
from begat.sweep.remote import Remote
from begat.sweep.trial import Ending, Job


class Dask(Remote):
    """One trial for each thread of the cluster's workers at *address*; without one, of a cluster of this machine."""

    def __init__(self, jobs: int | None, address: str | None) -> None:
        super().__init__()
        self._cluster = None
        if address is None:
            # Each trial is a process of its own: one worker with threads that wait will do.
            self._cluster = LocalCluster(n_workers=1, threads_per_worker=jobs, processes=False, dashboard_address=None)
        self._client = Client(self._cluster or address)
        self.slots = jobs or sum(self._client.nthreads().values()) or 1

    def _begin(self, job: Job) -> Any:
        return self._client.submit(execute, job, key=f"begat-{job.base}-{job.number}", pure=False, retries=0)

    def _over(self, futures: list[Any], timeout: float) -> list[Any]:
        try:
            return list(wait(futures, timeout=timeout, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return []

    def _result(self, future: Any) -> Ending:
        return future.result()  # type: ignore[no-any-return]  # it is what `execute` returned

    def close(self) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
