"""Wheels for tests: tiny ones, and this project's own.

Belongs here: building them, without a network. Does not belong here: installing (libraries.py).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
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
    """This project's own wheel, built in a copy so that the tree stays as it is."""
    copy = folder / "project"
    for name in ("feedback_assets", "resources", "prompts", "golden_set"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the wheel was not built:\n{done.stderr}")
    (wheel,) = folder.glob("*.whl")
    return wheel
