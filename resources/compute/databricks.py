"""A job run in a Databricks workspace through Dagster Pipes, followed to its end.

Belongs here: submitting, following, ending and what can go wrong with a job run. Does not belong
here: what the job does (its order and its answers are JSON here), and the shape of clusters
(databricks_task.py).

Dagster's clients are relied on for the protocol. Their following of a run is replaced, because
theirs takes an interrupted run for one that succeeded, waits without limit, and shows the run's
page only at the end.
"""

from __future__ import annotations

import base64
import logging
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster import PipesContextInjector, PipesMessageReader
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster_databricks import PipesDatabricksClient
from dagster_databricks.pipes import (
    BasePipesDatabricksClient,
    PipesDatabricksServerlessClient,
    PipesDbfsContextInjector,
    PipesDbfsMessageReader,
    PipesUnityCatalogVolumesContextInjector,
    PipesUnityCatalogVolumesMessageReader,
)
from dagster_pipes import PipesParams
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.errors.platform import InternalError
from databricks.sdk.service.jobs import Run, RunLifeCycleState, RunResultState, RunState
from tenacity import (
    Retrying,
    before_sleep_log,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from resources.compute.databricks_task import submit_arguments, wheel_task
from resources.databricks_settings import DatabricksSettings

ENDED = (
    RunLifeCycleState.TERMINATED,
    RunLifeCycleState.SKIPPED,
    RunLifeCycleState.INTERNAL_ERROR,
)
QUEUED_SECONDS = 3600.0
"""How long a job run may wait in the workspace's queue, beyond the time limit set for it."""
DBFS_BYTES = 1 << 20
"""What DBFS gives at once, at most."""


@dataclass(frozen=True)
class JobRun:
    """A job run that has ended: its id, its page, what it reported, and why it failed (or "")."""

    run_id: int
    page: str
    messages: list[Any]
    failure: str

    @property
    def metadata(self) -> dict[str, dg.MetadataValue[Any]]:
        """The run as Dagster shows it."""
        shown: dict[str, dg.MetadataValue[Any]] = {
            "job_run_id": dg.MetadataValue.text(str(self.run_id))
        }
        if self.page:
            shown["job_run"] = dg.MetadataValue.url(self.page)
        return shown


class DatabricksJobs:
    """Job runs of the project's wheel."""

    def __init__(
        self,
        settings: DatabricksSettings,
        connect: Callable[[], WorkspaceClient] = WorkspaceClient,
    ) -> None:
        """`connect` signs in, at the first job run."""
        self._settings = settings
        self._connect = connect
        self._client: WorkspaceClient | None = None

    @property
    def client(self) -> WorkspaceClient:
        """The workspace's client."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def run(self, context: dg.OpExecutionContext, name: str, order: Mapping[str, Any]) -> JobRun:
        """Have the wheel carry out `order`; returns when the job run has ended, however it did.

        An interruption cancels the job run and goes on up. Raises `dagster.Failure` where the
        workspace can't be asked, or the job run takes longer than the limit.
        """
        settings = self._settings
        try:
            following = self._following()
            token = f"{context.run_id[:8]}-{uuid4().hex}"
            with warnings.catch_warnings():
                # Dagster's clients call what Dagster calls a preview.
                warnings.simplefilter("ignore", dg.PreviewWarning)
                invocation = following.run(
                    context=context,
                    extras=dict(order),
                    task=wheel_task(settings, self._cloud(), self._parameters()),
                    submit_args=submit_arguments(settings, name, token),
                )
        except (DatabricksError, ValueError) as error:
            raise dg.Failure(
                f"{name}: no job run ({type(error).__name__}: {error}); "
                "`feedback doctor --databricks` checks what it needs"
            ) from error
        if following.interrupted is not None:
            raise following.interrupted
        last = following.last
        if last is None or last.run_id is None:
            raise dg.Failure(f"{name}: the workspace gave no job run")
        messages = list(invocation.get_custom_messages())
        return JobRun(last.run_id, last.run_page_url or "", messages, self._failure(last))

    def _failure(self, run: Run) -> str:
        """Why `run` failed, with the last line of its error where the workspace gives one."""
        state = run.state or RunState()
        ended_well = state.life_cycle_state == RunLifeCycleState.TERMINATED
        if ended_well and state.result_state == RunResultState.SUCCESS:
            return ""
        reached = state.result_state or state.life_cycle_state
        told = [reached.value if reached else "in no known state", state.state_message or ""]
        for task in run.tasks or []:
            try:
                output = self.client.jobs.get_run_output(task.run_id) if task.run_id else None
            except DatabricksError:  # a task that never started has none
                continue
            told.append((output.error or "") if output else "")
        return ": ".join(dict.fromkeys(part.strip() for part in told if part.strip()))

    def _following(self) -> _Serverless | _Cluster:
        settings, client = self._settings, self.client
        channel: dict[str, Any] = {"client": client}
        # What the job logs comes by itself (job_main.py); copying its streams would add some eight
        # seconds to each job run, and the run's page has them.
        reading = {
            **channel,
            "interval": settings.messages_seconds,
            "include_stdio_in_messages": False,
        }
        if settings.channel == "dbfs":
            injector: PipesContextInjector = PipesDbfsContextInjector(**channel)
            reader: PipesMessageReader = _WholeDbfsReader(**reading)
        elif settings.volume:
            channel["volume_path"] = reading["volume_path"] = settings.volume
            injector = PipesUnityCatalogVolumesContextInjector(**channel)
            reader = PipesUnityCatalogVolumesMessageReader(**reading)
        else:
            raise ValueError(
                "FEEDBACK_DATABRICKS_VOLUME is not set: context and messages travel by a volume"
            )
        by: dict[str, Any] = {
            "client": client,
            "context_injector": injector,
            "message_reader": reader,
            "poll_interval_seconds": settings.poll_seconds,
        }
        serverless = settings.compute == "serverless"
        following = (
            _Serverless(**by, volume_path=str(settings.volume)) if serverless else _Cluster(**by)
        )
        following.patience = settings.timeout_seconds + QUEUED_SECONDS
        return following

    def _parameters(self) -> list[str]:
        seconds = f"{self._settings.messages_seconds:g}"
        return ["--channel", self._settings.channel, "--messages-seconds", seconds]

    def _cloud(self) -> str:
        config = self.client.config
        return "azure" if config.is_azure else "gcp" if config.is_gcp else "aws"


class _Following(BasePipesDatabricksClient):
    """Follows a job run to its end, whatever end that is."""

    patience: float
    last: Run | None = None
    interrupted: DagsterExecutionInterruptedError | None = None

    def _poll_til_success(
        self, context: dg.OpExecutionContext | dg.AssetExecutionContext, run_id: int
    ) -> None:
        try:
            self._follow(context, run_id)
        except DagsterExecutionInterruptedError as interruption:
            # Dagster's client cancels the run and then returns as if it had succeeded.
            self.interrupted = interruption
            raise
        except BaseException:
            context.log.warning(f"job run {run_id} is cancelled: it can't be followed")
            self.client.jobs.cancel_run(run_id)
            raise

    def _follow(
        self, context: dg.OpExecutionContext | dg.AssetExecutionContext, run_id: int
    ) -> None:
        # The client itself asks again where the workspace is busy or can't be reached.
        again = Retrying(
            retry=retry_if_exception_type(InternalError),
            wait=wait_exponential(self.poll_interval_seconds, max=60),
            stop=stop_after_attempt(10),
            before_sleep=before_sleep_log(context.log, logging.WARNING),
            reraise=True,
        )
        ends_at = time.monotonic() + self.patience
        seen = None
        while True:
            run = again(self.client.jobs.get_run, run_id)
            state = (run.state or RunState()).life_cycle_state
            if self.last is None:
                context.log.info(f"job run {run_id}: {run.run_page_url or 'no page'}")
            if state != seen:
                context.log.info(f"job run {run_id}: {state.value if state else 'no state'}")
            self.last, seen = run, state
            if state in ENDED:
                return
            if time.monotonic() > ends_at:
                raise dg.Failure(
                    f"job run {run_id} has not ended after {self.patience / 60:.0f} minutes "
                    "(FEEDBACK_DATABRICKS_TIMEOUT_MINUTES and an hour in the queue)",
                    metadata={"job_run": dg.MetadataValue.url(run.run_page_url or "")},
                )
            time.sleep(self.poll_interval_seconds)


class _WholeDbfsReader(PipesDbfsMessageReader):
    """Reads a file of messages to its end: Dagster's reads the first half megabyte only."""

    def download_messages_chunk(self, index: int, params: PipesParams) -> str | None:
        path = f"{params['path']}/{index}.json"
        found = bytearray()
        while True:
            try:
                piece = self.dbfs_client.read(path, offset=len(found), length=DBFS_BYTES)
            except OSError:  # not written yet
                return None
            found += base64.b64decode(piece.data or "")
            if (piece.bytes_read or 0) < DBFS_BYTES:
                return found.decode("utf-8")


class _Cluster(_Following, PipesDatabricksClient):
    """On a job cluster or an existing one."""


class _Serverless(_Following, PipesDatabricksServerlessClient):
    """On serverless compute."""
