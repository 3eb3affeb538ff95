"""Places for tables and landing files: a folder, an S3 store, and Azurite where there is one.

Belongs here: one root with its options for each kind, and writing objects below it as a
supplier would. Does not belong here: the emulators, and tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pyarrow import fs

from resources.storage.options import StorageOptions
from resources.storage.roots import kind_of
from tests.azure_emulator import ACCOUNT, ACCOUNT_KEY


@dataclass(frozen=True)
class Place:
    """A root of its own for one test."""

    root: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def storage_options(self) -> StorageOptions:
        """The options as the project holds them."""
        return StorageOptions(self.options)

    def put(self, path: str, content: bytes) -> None:
        """Write a file below the root with a client that is not the project's."""
        filesystem, folder = self._supplier()
        place = f"{folder}/{path}"
        filesystem.create_dir(str(Path(place).parent), recursive=True)
        with filesystem.open_output_stream(place, compression=None) as stream:
            stream.write(content)

    def _supplier(self) -> tuple[fs.FileSystem, str]:
        kind, folder = kind_of(self.root), self.root.partition("://")[2]
        if kind == "s3":
            return s3_client(self.options), folder
        if kind == "azure":
            host = self.options["AZURE_STORAGE_ENDPOINT"].split("/")[2]
            container, _, path = folder.partition("/")
            client = fs.AzureFileSystem(
                ACCOUNT, account_key=ACCOUNT_KEY,
                blob_storage_authority=host, blob_storage_scheme="http",
                dfs_storage_authority=host, dfs_storage_scheme="http",
            )  # fmt: skip
            return client, f"{container.split('@')[0]}/{path}"
        return fs.LocalFileSystem(), self.root


def s3_client(options: dict[str, str]) -> fs.S3FileSystem:
    """pyarrow's client for an emulated S3 store; it may make buckets."""
    return fs.S3FileSystem(
        access_key=options["AWS_ACCESS_KEY_ID"],
        secret_key=options["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=options["AWS_ENDPOINT_URL"],
        region=options["AWS_REGION"],
        allow_bucket_creation=True,
    )
