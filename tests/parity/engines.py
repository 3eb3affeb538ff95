"""Engines of the parity suite, each started in a process of its own.

Belongs here: how a local JVM Spark is started with Delta's jars, and what the machine lacks for
it. Does not belong here: what runs on an engine (worker.py).

Classic and Connect sessions don't mix in one process, and Sail's client is a Connect session:
call `start` once in a process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from resources.compute.base import SparkEngine

ENGINES = ("sail", "jvm", "jvm-connect")
JAVA = 17
"""The least version that Spark 4 runs on."""


def jars_folder() -> Path:
    """Where `fetch_jars` puts Delta's jars: ``$FEEDBACK_TEST_JARS``, or a cache at home."""
    named = os.environ.get("FEEDBACK_TEST_JARS")
    return Path(named) if named else Path.home() / ".cache" / "feedback-assets" / "jars"


def missing() -> str | None:
    """What a JVM Spark with Delta lacks on this machine, and what to do; None if nothing."""
    java = java_version()
    if java is None or java < JAVA:
        found = "no Java" if java is None else f"Java {java}"
        return f"Java {JAVA} not found ({found}): install one, or set JAVA_HOME"
    if not list(jars_folder().glob("delta-spark_*.jar")):
        return (
            f"jars not found in {jars_folder()}: run make jars (tests/parity/fetch_jars; needs mvn)"
        )
    return None


def java_version() -> int | None:
    """The major version of the Java that Spark would use."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    version = said.partition('"')[2].partition('"')[0]
    major = version.partition(".")[0]
    return int(major) if major.isdigit() else None


def start(name: str, **more: str) -> SparkEngine:
    """The engine `name` of `ENGINES`; `more` are settings of a JVM Spark, ``.`` as ``__``."""
    if name == "sail":
        from resources.compute.connect import SailEngine

        return SailEngine()
    from pyspark.sql import SparkSession

    from resources.compute.active import ActiveEngine

    # Spark's own guess is `python3`, which need not have what steps import.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder: Any = SparkSession.builder
    builder = builder.remote("local[2]") if name == "jvm-connect" else builder.master("local[2]")
    settings = _SPARK | {key.replace("__", "."): value for key, value in more.items()}
    jars = ",".join(str(jar) for jar in sorted(jars_folder().glob("*.jar")))
    for key, value in (settings | {"spark.jars": jars}).items():
        builder = builder.config(key, value)
    builder.getOrCreate()
    return ActiveEngine()


_SPARK = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A few thousand rows in 200 shuffle partitions are nothing but overhead.
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A process that lives a minute is over before the second compiler pays.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m",
    "spark.log.level": "ERROR",
    # Not UTC, so that what relies on the session's zone shows.
    "spark.sql.session.timeZone": "America/New_York",
}
