"""The `feedback` command.

Belongs here: arguments, and what is printed around the work. Does not belong here: the work.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from feedback_assets.backtest_cli import backtest
from feedback_assets.catalog_cli import catalog
from feedback_assets.command_line import console, day_of, fail, source_of
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.dev_command import serve
from feedback_assets.doctor_cli import doctor
from feedback_assets.gate_cli import gate
from feedback_assets.golden_cli import golden, reviews
from feedback_assets.pipeline.lanes import Lane
from feedback_assets.run_command import run as process
from resources.settings import Settings
from resources.storage.roots import kind_of, plain_path

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Customer feedback to product tickets.",
)
app.add_typer(catalog)
app.add_typer(gate)
app.add_typer(golden)
app.add_typer(reviews)
app.command()(backtest)
app.command()(doctor)
SAMPLE_FEED = Path(__file__).parents[1] / "sample_feed" / "landing"


@app.command()
def demo() -> None:
    """Run the main job on the sample feed."""
    settings = Settings()
    if kind_of(settings.landing_root) != "folder":
        fail(
            f"demo lands its files in a folder, and {settings.landing_root} is none: copy "
            f"{SAMPLE_FEED} there yourself, then `feedback run`"
        )
    target = Path(plain_path(settings.landing_root))
    console.print(f"Sample feed: {SAMPLE_FEED} → {target}")
    # Received now: with the files' own times all would be late at once.
    shutil.copytree(SAMPLE_FEED, target, dirs_exist_ok=True, copy_function=shutil.copy)
    days = sorted({path.name for path in SAMPLE_FEED.glob("*/*")})
    wanted = [Partition(dt.date.fromisoformat(d), s) for d in days for s in SOURCES]
    process(settings, wanted)
    console.print("\n[bold]Next[/bold]: make dev, to see the assets, runs and checks in Dagster")


@app.command()
def run(
    landing: Annotated[Path | None, typer.Option(help="Landing zone to read")] = None,
    day: Annotated[str | None, typer.Option(help="Only this day, YYYY-MM-DD, even if done")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source, even if done")] = None,
    lane: Annotated[Lane, typer.Option(help="fast: urgent new items only, now")] = "batch",
) -> None:
    """Process all that is new in the landing zone; with --day or --source, all of that again."""
    settings = Settings()
    if landing is not None:
        if not landing.is_dir():
            fail(f"{landing} is no folder: give the one that holds <source>/<YYYY-MM-DD>/")
        settings = settings.model_copy(update={"landing": str(landing.absolute())})
    process(settings, None, day_of(day), source_of(source), lane)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For machines")] = False,
) -> None:
    """Show each partition's items, decisions and tickets; what is blocked, and what is late."""
    from feedback_assets.audit.status import status as read_status
    from feedback_assets.audit.status_text import render
    from feedback_assets.contracts.quality_rules import BUILT_IN, read_quality_rules
    from feedback_assets.orchestration.backlog import Backlog
    from resources.lakehouse.opening import open_lakehouse
    from resources.landing.opening import open_landing

    settings = Settings()
    files = list(open_landing(settings).walk(SOURCES))
    found = read_status(
        open_lakehouse(settings),
        Backlog(settings, files).landed,
        files=files,
        deadlines=read_quality_rules(settings.quality_rules or BUILT_IN).deadlines,
    )
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
    from resources.lakehouse.opening import open_lakehouse

    try:
        found = follow(open_lakehouse(Settings()), identifier)
    except UnknownIdentifier as error:
        fail(str(error))
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
        fail(str(error))
    if done.breaches:
        raise typer.Exit(1)


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI")] = 3000,
) -> None:
    """Open the Dagster UI on this project's instance; Ctrl-C ends it."""
    serve(Settings(), port)
