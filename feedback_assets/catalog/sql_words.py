"""Names and texts as Databricks SQL writes them.

Belongs here: quoting. Does not belong here: statements (registration.py).
"""

from __future__ import annotations


def identifier(name: str) -> str:
    """A name in backticks, whatever it holds; raises `ValueError` where it holds nothing."""
    if not name.strip():
        raise ValueError("a name of the catalog, a schema, a table, a column or a group is empty")
    return "`" + name.replace("`", "``") + "`"


def path(*names: str) -> str:
    """A name of several parts."""
    return ".".join(identifier(name) for name in names)


def literal(text: str) -> str:
    r"""A text in quotes; a backslash and a quote are written ``\\`` and ``\'``."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
