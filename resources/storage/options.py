"""Options of the object store that holds the landing zone and the tables.

Belongs here: reading them from a setting, and keeping their values out of sight. Does not belong
here: who uses them (resources/lakehouse, resources/landing, resources/compute).

The keys are object_store's, which deltalake and Sail share, such as ``AWS_ACCESS_KEY_ID``,
``AWS_ENDPOINT_URL``, ``AZURE_STORAGE_ACCOUNT_KEY``, ``AZURE_CLIENT_SECRET`` or
``GOOGLE_SERVICE_ACCOUNT``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, quote_plus

from pydantic import SecretStr

PREFIXES = ("AWS_", "AZURE_", "GOOGLE_")
_SECRET = ("KEY", "SECRET", "TOKEN", "SAS", "PASSWORD")
_HIDDEN = "*****"


class StorageOptions:
    """Options by upper-case key. Neither its text nor its pickle shows a value.

    Pickled, the values are masked by a random pad that goes with them: text that shows the bytes
    of a query's plan shows no secret. That is no encryption; who holds the plan holds the values.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """Raises `ValueError` for a key that belongs to no known object store."""
        self._values = {key.upper(): value for key, value in (values or {}).items()}
        strangers = sorted(key for key in self._values if not key.startswith(PREFIXES))
        if strangers:
            raise ValueError(
                f"storage options don't know {', '.join(strangers)}: keys begin with "
                f"{', '.join(PREFIXES)}, as in AWS_ACCESS_KEY_ID"
            )

    def plain(self) -> dict[str, str]:
        """The options with their values, for the client of a store."""
        return dict(self._values)

    def get(self, key: str) -> str | None:
        """One option's value."""
        return self._values.get(key)

    def scrubbed(self, text: str) -> str:
        """`text` with every secret value in it replaced, also where it is quoted for a URL."""
        for value in sorted(self._secrets(), key=len, reverse=True):
            for shape in {value, quote(value), quote(value, safe=""), quote_plus(value)}:
                text = text.replace(shape, _HIDDEN)
        return text

    def _secrets(self) -> set[str]:
        found = {
            value for key, value in self._values.items() if any(word in key for word in _SECRET)
        }
        # A shared access signature is put into URLs part by part.
        for value in tuple(found):
            found.update(part for name, part in parse_qsl(value.lstrip("?")) if name == "sig")
        return {value for value in found if len(value) > 3}

    def __bool__(self) -> bool:
        return bool(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StorageOptions) and self._values == other._values

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"StorageOptions({', '.join(sorted(self._values))})"

    def __reduce__(self) -> tuple[object, tuple[bytes, bytes]]:
        plain = json.dumps(self._values).encode()
        pad = secrets.token_bytes(len(plain))
        return _unmasked, (_masked(plain, pad), pad)


NO_OPTIONS = StorageOptions()


def read_options(setting: SecretStr | None) -> StorageOptions:
    """The options in a setting that holds a JSON object.

    Raises `ValueError`, which doesn't repeat the setting, for what is no object of texts.
    """
    if setting is None or not setting.get_secret_value().strip():
        return NO_OPTIONS
    try:
        read = json.loads(setting.get_secret_value())
    except ValueError:
        read = None
    # Raised outside the handler: the parser's error carries the text it could not read.
    if not isinstance(read, dict):
        raise ValueError(
            "FEEDBACK_STORAGE_OPTIONS is no JSON object: write it as "
            '{"AWS_REGION": "eu-west-1", ...} (its value is not shown, it may hold secrets)'
        )
    nested = sorted(k for k, v in read.items() if not isinstance(v, str | int | float | bool))
    if nested:
        raise ValueError(f"FEEDBACK_STORAGE_OPTIONS: {', '.join(nested)} must be a text or number")
    return StorageOptions({key: _text(value) for key, value in read.items()})


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _masked(text: bytes, pad: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(text, pad, strict=True))


def _unmasked(masked: bytes, pad: bytes) -> StorageOptions:
    return StorageOptions(json.loads(_masked(masked, pad)))
