"""A Databricks workspace on loopback, for tests.

Belongs here: the part of Databricks' REST interface that this project speaks, and compute that
really runs what is submitted (wheel and Python file tasks, each in a process of its own). Does
not belong here: what a test expects, and anything that the project itself imports.

It stands in for the interface, not for the platform: no cluster is sized, no permission judged,
no library resolved from PyPI, and messages of failures follow Databricks' wording where that is
known. Whatever it cannot do it refuses, with status 400 or 404.
"""
