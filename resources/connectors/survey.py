"""Surveys: Typeform responses, and flat exports (CSV, JSON) by a declared column mapping.

Belongs here: Typeform's field names, and applying the mapping to a row. Does not belong here:
the column names of flat exports (`survey_columns`) and what a scale means (`scales`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resources.connectors.base import SourceItem, UnreadableItem
from resources.connectors.fields import (
    country,
    details,
    identifier,
    instant,
    language,
    mapping,
    objects,
    text,
    tier,
)
from resources.connectors.scales import Scale
from resources.connectors.survey_columns import Field, column_name, load_columns

_TYPEFORM_KEYS = frozenset({"form_response", "landing_id"})
_WRITTEN_ANSWERS = frozenset({None, "long_text", "short_text"})
_REMEMBERED_HEADERS = 1000

_Rating = tuple[float | None, str | None]
_UNRATED: _Rating = (None, None)


class SurveyConnector:
    """Reads survey responses; `columns_path` replaces entries of the default column mapping."""

    source: str = "survey"
    containers: tuple[str, ...] = ("items", "responses", "data")

    def __init__(self, columns_path: str | Path | None = None) -> None:
        """Raises `ValueError` where the mapping names unknown fields or unreadable scales."""
        self._declared = load_columns(None if columns_path is None else str(columns_path))
        self._layouts: dict[tuple[str, ...], _Layout] = {}

    def native_id(self, record: Mapping[str, Any]) -> str | None:
        """The response's id."""
        if _is_typeform(record):
            response = record.get("form_response")
            typeform = response if type(response) is dict else record
            return identifier(typeform, "response_id", "token")
        return identifier(record, *self._layout(record).names("native_id"))

    def read(self, record: Mapping[str, Any]) -> SourceItem:
        """The response in `record`, if it holds words and not only scores.

        A score on a scale nobody stated gives `rating_original` but no `rating`. Raises
        `UnreadableItem`.
        """
        return self._typeform(record) if _is_typeform(record) else self._flat(record)

    def _flat(self, record: Mapping[str, Any]) -> SourceItem:
        layout = self._layout(record)
        texts = [written for name in layout.names("body") if (written := text(record, name))]
        row = layout.row(record)
        stated = text(row, "scale")
        if stated:
            scale = self._declared.scale_of(stated)
        else:
            scale = self._declared.column_scales.get(layout.score_column(record))
        rating = _rated(row, scale, stated)
        return self._item(self.native_id(record), row, texts, rating, layout.metadata_of(record))

    def _typeform(self, record: Mapping[str, Any]) -> SourceItem:
        response = mapping(record, "form_response") or record
        # Hidden fields, and answers to questions whose ref names a canonical field, make a row
        # that the column mapping then reads like that of any flat export.
        row: dict[str, Any] = dict(mapping(response, "hidden"))
        texts: list[str] = []
        rating = _UNRATED
        for answer in objects(response, "answers"):
            question = mapping(answer, "field")
            ref = text(question, "ref") or ""
            field = self._declared.field_of(ref)
            kind = text(answer, "type")
            if kind == "text" and field in (None, "body"):
                written = text(answer, "text")
                if written and text(question, "type") in _WRITTEN_ANSWERS:
                    texts.append(written)
                continue
            if kind == "number":
                scale = self._question_scale(question, ref, field)
                if scale is not None and rating == _UNRATED:
                    rating = scale.rate(answer, "number")
                    continue
            if ref:
                row[ref] = _answer(answer, kind)
        layout = self._layout(row)
        metadata = layout.metadata_of(row) | details(response, ("form_id",))
        canonical = layout.row(row)
        canonical["created_at"] = response.get("submitted_at")
        return self._item(self.native_id(record), canonical, texts, rating, metadata)

    def _question_scale(
        self, question: Mapping[str, Any], ref: str, field: Field | None
    ) -> Scale | None:
        """The scale declared for the question or its type; None for numbers that are no score."""
        declared = self._declared
        kind = text(question, "type")
        if kind is None or (field == "score" and kind not in declared.question_types):
            kind = "opinion_scale"
        return declared.questions.get(column_name(ref)) or declared.question_types.get(kind)

    def _item(
        self,
        native_id: str | None,
        row: Mapping[str, Any],
        texts: Sequence[str],
        rating: _Rating,
        metadata: Mapping[str, str],
    ) -> SourceItem:
        """The item in `row`, whose keys are canonical fields."""
        if not texts:
            raise UnreadableItem(
                "missing_body: no text in a column declared for 'body', nor in a written answer"
            )
        return SourceItem(
            native_id=native_id,
            body="\n\n".join(texts),
            title=text(row, "title"),
            created_at=instant(row, "created_at"),
            updated_at=instant(row, "updated_at"),
            rating=rating[0],
            rating_original=rating[1],
            author_id=text(row, "author_id"),
            author_name=text(row, "author_name"),
            author_email=text(row, "author_email"),
            language=language(row, "language"),
            product=text(row, "product"),
            product_version=text(row, "product_version"),
            platform=text(row, "platform"),
            country=country(row, "country"),
            customer_tier=tier(row, "customer_tier"),
            segment=text(row, "segment"),
            correlation_id=text(row, "correlation_id"),
            metadata=metadata,
        )

    def _layout(self, row: Mapping[str, Any]) -> _Layout:
        """Which columns of a row fill which field, worked out once a header."""
        header = tuple(row)
        layout = self._layouts.get(header)
        if layout is None:
            if len(self._layouts) >= _REMEMBERED_HEADERS:
                self._layouts.clear()
            layout = _Layout(header, self._declared.columns, self._declared.metadata)
            self._layouts[header] = layout
        return layout


class _Layout:
    """Where one header's columns go: canonical field -> its columns, best first."""

    __slots__ = ("_metadata", "_names")

    def __init__(
        self,
        header: Iterable[str],
        columns: Mapping[Field, Sequence[str]],
        metadata: Iterable[str],
    ) -> None:
        written: dict[str, str] = {}
        for name in header:
            if not name.startswith("_"):
                written.setdefault(column_name(name), name)
        self._names = {
            field: present
            for field, names in columns.items()
            if (present := tuple(written[name] for name in names if name in written))
        }
        self._metadata = tuple(written[name] for name in metadata if name in written)

    def names(self, field: Field) -> tuple[str, ...]:
        """The columns that may hold `field`."""
        return self._names.get(field, ())

    def row(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """`record` by canonical field: of the columns of a field, the first that isn't blank."""
        row: dict[str, Any] = {}
        for field, names in self._names.items():
            for name in names:
                value = record[name]
                if value is not None and value != "":
                    row[field] = value
                    break
        return row

    def score_column(self, record: Mapping[str, Any]) -> str:
        """The normalised name of the column that `row` takes the score from."""
        for name in self._names.get("score", ()):
            if record[name] not in (None, ""):
                return column_name(name)
        return ""

    def metadata_of(self, record: Mapping[str, Any]) -> dict[str, str]:
        """The metadata columns of `record`, by their normalised names."""
        found = details(record, self._metadata)
        return {column_name(name): value for name, value in found.items()}


def _is_typeform(record: Mapping[str, Any]) -> bool:
    return type(record.get("answers")) is list or not _TYPEFORM_KEYS.isdisjoint(record)


def _answer(answer: Mapping[str, Any], kind: str | None) -> Any:
    """The value of an answer that is neither written text nor a score."""
    if kind == "choice":
        return text(mapping(answer, "choice"), "label")
    if kind == "choices":
        return details(mapping(answer, "choices"), ("labels",)).get("labels")
    if kind == "boolean":
        return details(answer, ("boolean",)).get("boolean")
    return answer.get(kind) if kind else None


def _rated(row: Mapping[str, Any], scale: Scale | None, stated: str | None) -> _Rating:
    if scale is not None:
        return scale.rate(row, "score")
    written = text(row, "score")
    return None, f"{written} of {stated}" if written and stated else written
