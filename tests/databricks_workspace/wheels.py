"""Wheels for tests: tiny ones, and this project's own.

Belongs here: building them, without a network. Does not belong here: installing (libraries.py).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build_tiny_wheel(
    folder: Path, modules: dict[str, str], entry_points: dict[str, str], name: str = "tiny_job"
) -> Path:
    """A wheel of modules (file name -> text) with console scripts (name -> module:function)."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    points = "".join(f"{key} = {value}\n" for key, value in entry_points.items())
    members = {
        **modules,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{points}",
    }
    with zipfile.ZipFile(file, "w") as wheel:
        for path, text in members.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in members))
    return file


def build_project_wheel(folder: Path) -> Path:
    """This project's wheel in `folder`, built from the working tree unless it is there.

    Built from a copy, since setuptools leaves a build folder behind, in which files that were
    deleted meanwhile would live on.
    """
    built = sorted(folder.glob("feedback_assets-*.whl"))
    if built:
        return built[0]
    with tempfile.TemporaryDirectory() as copy:
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, copy)
        for package in ("feedback_assets", "resources", "prompts", "golden_set"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, Path(copy, package), ignore=ignored)
        build = (
            "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
        )
        done = subprocess.run(
            [sys.executable, "-c", build, str(folder.resolve())],
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"The wheel can't be built:\n{done.stdout}\n{done.stderr}")
    return next(iter(folder.glob("feedback_assets-*.whl")))
