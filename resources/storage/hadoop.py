"""Storage options as Spark on a JVM spells them, for Hadoop's clients of object stores.

Belongs here: the few settings that open a store. Does not belong here: Databricks, where Unity
Catalog's external locations open the store and nothing of this is needed.

Spark on a JVM reads S3 by ``s3a://`` addresses, for which the tables' root has to be written so
(deltalake and Sail take ``s3a://`` too). It must not commit to tables there (table_rules.py).
Settings of a session can be read by whoever runs queries in it; Spark's pages hide those named
secret, token or access key, not an Azure account's key. Where the server is yours, open the store
there, by its own configuration.
"""

from __future__ import annotations

from resources.storage.options import StorageOptions
from resources.storage.roots import kind_of

_S3A = {
    "AWS_ACCESS_KEY_ID": "access.key",
    "AWS_SECRET_ACCESS_KEY": "secret.key",
    "AWS_SESSION_TOKEN": "session.token",
    "AWS_ENDPOINT_URL": "endpoint",
    "AWS_REGION": "endpoint.region",
}
_CLIENT_PROVIDER = "org.apache.hadoop.fs.azurebfs.oauth2.ClientCredsTokenProvider"


def hadoop_settings(root: str, options: StorageOptions) -> dict[str, str]:
    """Session settings with which Spark on a JVM opens the store of `root`; none for a folder.

    Google's connector takes no options of ours: it finds its credentials by itself.
    """
    kind = kind_of(root)
    if kind == "s3":
        return _s3a(options)
    if kind == "azure":
        return _abfs(root, options)
    return {}


def _s3a(options: StorageOptions) -> dict[str, str]:
    found = {f"fs.s3a.{name}": value for key, name in _S3A.items() if (value := options.get(key))}
    if endpoint := options.get("AWS_ENDPOINT_URL"):
        # Stores at an address of their own seldom have a host name for each bucket.
        found["fs.s3a.path.style.access"] = "true"
        found["fs.s3a.connection.ssl.enabled"] = str(endpoint.startswith("https")).lower()
    return found


def _abfs(root: str, options: StorageOptions) -> dict[str, str]:
    host = root.partition("://")[2].partition("/")[0].rpartition("@")[2]
    if key := options.get("AZURE_STORAGE_ACCOUNT_KEY"):
        return {f"fs.azure.account.key.{host}": key}
    tenant, client = options.get("AZURE_TENANT_ID"), options.get("AZURE_CLIENT_ID")
    secret = options.get("AZURE_CLIENT_SECRET")
    if not (tenant and client and secret):
        return {}
    return {
        f"fs.azure.account.auth.type.{host}": "OAuth",
        f"fs.azure.account.oauth.provider.type.{host}": _CLIENT_PROVIDER,
        f"fs.azure.account.oauth2.client.id.{host}": client,
        f"fs.azure.account.oauth2.client.secret.{host}": secret,
        f"fs.azure.account.oauth2.client.endpoint.{host}": (
            f"https://login.microsoftonline.com/{tenant}/oauth2/token"
        ),
    }
