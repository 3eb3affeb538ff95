"""What object stores answer when something is set wrongly, in words that say what to do.

Belongs here: recognising such errors, and keeping secrets out of all of them. Does not belong
here: errors of tables and files (resources/lakehouse, resources/landing).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from resources.storage.options import StorageOptions
from resources.storage.roots import kind_of

_SETTING = "FEEDBACK_STORAGE_OPTIONS"
_KEYS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION",
    "azure": "AZURE_STORAGE_ACCOUNT_KEY, or AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET",
    "gcs": "GOOGLE_SERVICE_ACCOUNT",
}
_ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "azure": "AZURE_STORAGE_ENDPOINT", "gcs": "the network"}
_NO_CREDENTIALS = re.compile(
    r"169\.254\.169\.254|metadata\.google|Missing ?(AccessKeyId|SecretAccessKey)"
    r"|CredentialsNotLoaded|no providers in chain provided credentials",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b40[13]\b|privileges|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch"
    r"|AuthenticationFailed|AuthorizationFailure|ExpiredToken|invalid_client|Unauthenticated"
)
_NO_BUCKET = re.compile(
    r"NoSuchBucket|ContainerNotFound|FilesystemNotFound|bucket does not exist|"
    r"container does not exist|PermanentRedirect"
)
_NO_HTTP = re.compile(r"URL scheme is not allowed")
_UNREACHABLE = re.compile(
    r"error sending request|HTTP error|dns error|failed to lookup|Connection refused|"
    r"error trying to connect|Name or service not known|connection closed",
    re.IGNORECASE,
)


class StorageTrouble(OSError):
    """The store can't be used as it is set; says what to change."""


@contextmanager
def told_plainly(root: str, options: StorageOptions) -> Iterator[None]:
    """Errors of the store under `root` become `StorageTrouble` where what is wrong is known.

    Others pass, save that one whose text shows a secret is replaced by one that doesn't.
    """
    try:
        yield
    except StorageTrouble:
        raise
    except Exception as error:
        if kind_of(root) in ("folder", "volume"):
            raise
        said = options.scrubbed(str(error))
        trouble = None if isinstance(error, FileNotFoundError) else _trouble(root, said)
        if trouble is None and said == str(error):
            raise
        # The cause is left out: it would show what was scrubbed.
        raise trouble or StorageTrouble(f"{root}: {said}") from None


def _trouble(root: str, said: str) -> StorageTrouble | None:
    # Errors of other origin (a model's service refusing a key) pass through commits too, and
    # those of another store, told already where it was read.
    if StorageTrouble.__name__ in said:
        return None
    if "Error performing" not in said and not _NO_CREDENTIALS.search(said):
        return None
    kind = kind_of(root)
    place = root.split("://")[1].split("/")[0]
    if _NO_CREDENTIALS.search(said):
        why = f"no credentials for {place}: put {_KEYS[kind]} into {_SETTING}"
    elif _NO_BUCKET.search(said):
        why = (
            f"{place} does not exist (or not in that region or account): create it, or mend "
            "the address"
        )
    elif _REFUSED.search(said):
        why = (
            f"{place} refuses these credentials: check {_KEYS[kind]} in {_SETTING}, and what "
            "they may do"
        )
    elif _NO_HTTP.search(said):
        prefix = {"s3": "AWS", "azure": "AZURE"}.get(kind, "GOOGLE")
        why = f"{place} is at an http:// address: use https, or set {prefix}_ALLOW_HTTP to true"
    elif _UNREACHABLE.search(said):
        why = f"{place} can't be reached: check {_ENDPOINTS[kind]} in {_SETTING}"
    else:
        return None
    return StorageTrouble(f"{root}: {why}. The store said: {_first_words(said)}")


def _first_words(said: str, most: int = 300) -> str:
    plain = " ".join(re.sub(r"\x1b\[[0-9;]*m|↳", " ", said).split())
    return plain if len(plain) <= most else plain[:most] + "…"
