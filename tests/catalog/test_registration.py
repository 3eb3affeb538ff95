"""What is said to Unity Catalog, read by parsers of others: sqlglot's, and Spark's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings

import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from feedback_assets.catalog.registration import Known, Place, is_restricted, statements
from feedback_assets.catalog.sql_words import identifier, literal
from feedback_assets.contracts.columns import Column, Table
from feedback_assets.contracts.tables import TABLES

PLACE = Place("shop", "feedback", "abfss://lake@account.dfs.core.windows.net/t/", "all", "few")
ALL = list(statements(PLACE, TABLES.values()))
NASTY = Table(
    "a`b",
    "gold",
    "It's \\' a; test -- of\n`quotes`",
    (
        Column("x.y`z", pa.list_(pa.struct([("k", pa.string())])), "';\\ DROP TABLE t; --"),
        Column("plain", pa.map_(pa.string(), pa.string()), "", pii=True),
    ),
)
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)


def about(table: str, start: str) -> list[str]:
    name = f"`shop`.`feedback`.`{table}`"
    return [s for s in ALL if name in s and s.startswith(start)]


def test_each_table_is_registered_where_its_rows_lie() -> None:
    for table in TABLES:
        (said,) = about(table, "CREATE TABLE")
        create = sqlglot.parse_one(said, dialect="databricks")
        assert isinstance(create, exp.Create)
        assert create.args["exists"]
        target = create.find(exp.Table)
        assert target is not None
        assert [part.name for part in target.parts] == ["shop", "feedback", table]
        (place,) = create.find_all(exp.LocationProperty)
        assert place.this.this == f"abfss://lake@account.dfs.core.windows.net/t/{table}"


def test_only_the_restricted_group_may_read_personal_data() -> None:
    closed = {name for name, table in TABLES.items() if is_restricted(table)}
    assert closed == {"bronze_feedback", "quarantine"}
    for table in TABLES:
        grants = {s.rsplit("`", 2)[1] for s in about(table, "GRANT SELECT")}
        assert grants == ({"few"} if table in closed else {"all", "few"})
        assert bool(about(table, "REVOKE SELECT")) == (table in closed)
    tagged = {s for s in ALL if "SET TAGS" in s}
    assert tagged == {
        "ALTER TABLE `shop`.`feedback`.`bronze_feedback` ALTER COLUMN `payload` "
        "SET TAGS ('pii' = 'true')",
        "ALTER TABLE `shop`.`feedback`.`quarantine` ALTER COLUMN `raw` SET TAGS ('pii' = 'true')",
    }


def test_without_groups_nothing_is_granted() -> None:
    place = Place("shop", "feedback", PLACE.root)
    assert not [s for s in statements(place, TABLES.values()) if s.startswith(("GRANT", "REVOKE"))]


def test_what_the_catalog_says_already_is_not_said_again() -> None:
    known = Known(
        {name: table.description for name, table in TABLES.items()},
        {(t.name, c.name): c.description for t in TABLES.values() for c in t.columns},
    )
    assert not [s for s in statements(PLACE, TABLES.values(), known) if "COMMENT" in s]
    changed = Known(known.tables, {**known.columns, ("triage", "lane"): "another"})
    (said,) = [s for s in statements(PLACE, TABLES.values(), changed) if "COMMENT" in s]
    assert said.startswith(
        "ALTER TABLE `shop`.`feedback`.`triage` ALTER COLUMN `lane` COMMENT 'fast:"
    )
    assert said.count(" COMMENT ") == 1


@pytest.mark.parametrize("root", ["/Volumes/shop/feedback/lake", "/tmp/lake", "dbfs:/lake"])
def test_a_place_that_the_catalog_cannot_register_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="FEEDBACK_LAKEHOUSE"):
        Place("shop", "feedback", root)


@given(texts)
def test_any_text_is_one_literal_and_any_name_one_identifier(text: str) -> None:
    parsed = sqlglot.parse_one(f"SELECT {literal(text)}", dialect="databricks")
    assert parsed.expressions[0].this == text
    if text.strip():
        named = sqlglot.parse_one(f"SELECT {identifier(text)}", dialect="databricks")
        assert named.expressions[0].name == text
    else:
        with pytest.raises(ValueError, match="empty"):
            identifier(text)


def test_each_statement_is_one_statement() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for said in [*ALL, *statements(PLACE, [NASTY])]:
            assert len(sqlglot.tokenize(said, dialect="databricks")) > 4
            assert len(sqlglot.parse(said, dialect="databricks")) == 1, said


_PARSE = """
import json, sys
from pyspark.java_gateway import launch_gateway
gateway = launch_gateway()
parser = gateway.jvm.org.apache.spark.sql.execution.SparkSqlParser()
for said in json.load(sys.stdin):
    print(parser.parsePlan(said).toString().replace(chr(10), " "))
gateway.shutdown()
"""


# Starts a JVM.
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="no Java, which Spark's parser needs")
def test_sparks_own_parser_reads_what_is_sparks() -> None:
    # Tags and grants are Databricks' own.
    sparks = ("CREATE", "COMMENT", "ALTER")
    asked = [
        said
        for said in [*ALL, *statements(PLACE, [NASTY])]
        if said.startswith(sparks) and "SET TAGS" not in said
    ]
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PARSE], input=json.dumps(asked), text=True,
        capture_output=True, timeout=90, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    plans = done.stdout.splitlines()
    assert len(plans) == len(asked)
    kinds = {
        said.split()[0]: plan.split()[0].strip("'") for said, plan in zip(asked, plans, strict=True)
    }
    assert kinds == {
        "CREATE": "CreateTable",
        "COMMENT": "CommentOnTable",
        "ALTER": "AlterColumns",
    }
