"""The `feedback` command.

Belongs here: arguments, and what is printed around the work. Does not belong here: the work.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from filelock import FileLock, Timeout
from rich.console import Console
from rich.text import Text

from feedback_assets.contracts.partitions import SOURCES, Partition
from resources.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Customer feedback to product tickets.",
)
console = Console()
errors = Console(stderr=True)
SAMPLE_FEED = Path(__file__).parents[1] / "sample_feed" / "landing"


@app.command()
def demo() -> None:
    """Run the main job on the sample feed."""
    settings = Settings()
    target = Path(settings.landing_root)
    console.print(f"Sample feed: {SAMPLE_FEED} → {target}")
    shutil.copytree(SAMPLE_FEED, target, dirs_exist_ok=True)
    days = sorted({path.name for path in SAMPLE_FEED.glob("*/*")})
    wanted = [Partition(dt.date.fromisoformat(d), s) for d in days for s in SOURCES]
    _run(settings, wanted)
    console.print("\n[bold]Next[/bold]: make dev, to see the assets, runs and checks in Dagster")


@app.command()
def run(
    landing: Annotated[Path | None, typer.Option(help="Landing zone to read")] = None,
    day: Annotated[str | None, typer.Option(help="Only this day, YYYY-MM-DD, even if done")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source, even if done")] = None,
) -> None:
    """Process all that is new in the landing zone; with --day or --source, all of that again."""
    settings = Settings()
    if landing is not None:
        if not landing.is_dir():
            _fail(f"{landing} is no folder: give the one that holds <source>/<YYYY-MM-DD>/")
        settings = settings.model_copy(update={"landing": str(landing.absolute())})
    _run(settings, None, _day(day), _source(source))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For machines")] = False,
) -> None:
    """Show each partition: items, decisions, tickets, and whether its gate is open."""
    from feedback_assets.audit.status import status as read_status
    from feedback_assets.audit.status_text import render
    from feedback_assets.orchestration.backlog import Backlog
    from resources.lakehouse.delta import DeltaLakehouse

    settings = Settings()
    found = read_status(DeltaLakehouse(settings.lakehouse_root), Backlog(settings).landed)
    if as_json:
        sys.stdout.write(found.to_json() + "\n")
    else:
        render(found, console)


@app.command()
def trace(
    identifier: Annotated[
        str,
        typer.Argument(help="Feedback id, cluster id, ticket key, or landing file and line"),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For machines")] = False,
) -> None:
    """Show the whole chain from source text to ticket."""

    from feedback_assets.audit.trace import UnknownIdentifier
    from feedback_assets.audit.trace import trace as follow
    from feedback_assets.audit.trace_text import render
    from resources.lakehouse.delta import DeltaLakehouse

    try:
        found = follow(DeltaLakehouse(Settings().lakehouse_root), identifier)
    except UnknownIdentifier as error:
        _fail(str(error))
    if as_json:
        sys.stdout.write(found.to_json() + "\n")
    else:
        render(found, console)


@app.command()
def evaluate(
    stage: Annotated[str | None, typer.Option(help="Only this stage, class by class")] = None,
    prompt: Annotated[str | None, typer.Option(help="Version of the stage's prompt, v2")] = None,
    model: Annotated[str | None, typer.Option(help="Version of a trained model")] = None,
    rules: Annotated[str | None, typer.Option(help="File of recommendation rules")] = None,
    thresholds: Annotated[str | None, typer.Option(help="File of thresholds")] = None,
    against: Annotated[
        str | None, typer.Option(help="The other of its kind; default: what is in force")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where the HTML report goes")] = None,
) -> None:
    """Judge a prompt, model, rules or thresholds on the golden set, beside another.

    Without a choice, what is in force is judged. Ends with 1 where a gate is broken.
    """
    from feedback_assets.evaluation_command import Asked
    from feedback_assets.evaluation_command import run as judge

    asked = Asked(stage, prompt, model, rules, thresholds, against)
    try:
        done = judge(Settings(), asked, report, console)
    except (ValueError, FileNotFoundError) as error:
        _fail(str(error))
    if done.breaches:
        raise typer.Exit(1)


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI")] = 3000,
) -> None:
    """Open the Dagster UI on this project's instance; Ctrl-C ends it."""
    from feedback_assets.orchestration.instance import PROJECT, dagster_home

    settings = Settings()
    # Dagster would say that it serves there, and not end.
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            _fail(f"port {port} is in use; choose another one with --port")
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(settings)),
        "FEEDBACK_HOME": str(settings.home.absolute()),
        "PYTHONWARNINGS": "ignore",
    }
    command = [
        sys.executable, "-m", "dagster", "dev", "-w", str(PROJECT / "workspace.yaml"),
        "--port", str(port),
    ]  # fmt: skip
    console.print(f"Dagster UI: http://127.0.0.1:{port} (takes about half a minute)")
    # Scripts start background commands with SIGINT ignored; Dagster would then ignore SIGTERM too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # A session of its own, because Dagster's many processes must end together.
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        ended = process.wait()
    except KeyboardInterrupt:
        return
    finally:
        _end_group(process)
    raise typer.Exit(ended)


def _end_group(leader: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(leader.pid, signal.SIGTERM)
        leader.wait(timeout=20)
        # The leader does not wait for all of its children.
        os.killpg(leader.pid, signal.SIGKILL)
    except subprocess.TimeoutExpired:
        os.killpg(leader.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _run(
    settings: Settings,
    wanted: list[Partition] | None,
    day: dt.date | None = None,
    source: str | None = None,
) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.home / "run.lock", timeout=0):
            _run_alone(settings, wanted, day, source)
    except Timeout:
        _fail(f"another `feedback run` is at work in {settings.home}; wait for it to end")


def _run_alone(
    settings: Settings, wanted: list[Partition] | None, day: dt.date | None, source: str | None
) -> None:
    from feedback_assets.insights.summary import summarise
    from feedback_assets.insights.summary_text import show
    from feedback_assets.launch import run_path
    from feedback_assets.orchestration.backlog import Backlog
    from feedback_assets.pipeline.assets import FIRST_DAY, Compute, is_open
    from feedback_assets.pipeline.open_batches import open_batches
    from feedback_assets.progress import StepLines
    from resources.lakehouse.delta import DeltaLakehouse

    backlog = Backlog(settings)
    if wanted is None:
        asked = day is not None or source is not None
        wanted = [
            partition
            for partition in (sorted(backlog.landed) if asked else backlog.new())
            if (day is None or partition.day == day)
            and (source is None or partition.source == source)
        ]
    today = dt.datetime.now(dt.UTC).date()
    for partition in (p for p in wanted if not is_open(p, today)):
        errors.print(
            f"{partition.key}: the day is outside of {FIRST_DAY} to {today} and was left alone; "
            "name the folder for the day the files arrived"
        )
    wanted = [p for p in wanted if is_open(p, today)]
    if not wanted and not open_batches(DeltaLakehouse(settings.lakehouse_root)):
        console.print(f"Nothing new in {settings.landing_root}.")
        return
    console.print(f"{len(wanted)} partitions (day and source) to process")
    started = time.monotonic()
    with StepLines(console) as lines, closing(Compute(settings, progress=lines)) as compute:
        outcomes = run_path(compute, wanted)
    for outcome in outcomes:
        if outcome.success:
            backlog.record(outcome.partitions)
    wanted = sorted({*wanted, *(p for outcome in outcomes for p in outcome.partitions)})
    summary = summarise(DeltaLakehouse(settings.lakehouse_root), wanted)
    show(summary, console)
    console.print(f"\n{time.monotonic() - started:.1f} s")
    if summary.example:
        command = "feedback" if shutil.which("feedback") else os.path.relpath(sys.argv[0])
        console.print(f"[bold]Next[/bold]: {command} trace {summary.example}", highlight=False)
    failures = [(o.run_id, f) for o in outcomes for f in o.failures]
    for run_id, failure in failures:
        errors.print(f"[red]run {run_id[:8]} failed[/red]: {failure}", highlight=False)
    if failures:
        raise typer.Exit(1)


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        _fail(f"--day {text!r}: expected YYYY-MM-DD")


def _source(text: str | None) -> str | None:
    if text is not None and text not in SOURCES:
        _fail(f"--source {text!r}: expected one of {', '.join(SOURCES)}")
    return text


def _fail(message: str) -> NoReturn:
    errors.print(Text(message, style="red"))
    raise typer.Exit(2)
