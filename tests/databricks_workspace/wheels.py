"""Wheels for tests: tiny ones, and this project's own.

Belongs here: building them, without a network. Does not belong here: installing (libraries.py).
"""

from __future__ import annotations

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
