"""Every service's database: its name, its two roles, and the URLs that lead there."""

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDatabase:
    """
    The database of one service, as SQLAlchemy URLs (`asyncpg_url` makes them plain).

    Attributes:
        name: Such as `retail_order`.
        admin: The server's administrator, in this database.
        owner: The role that owns the schema and migrates it.
        app: The role the service logs in with: reads and writes rows, changes no table.
    """

    name: str
    admin: str
    owner: str
    app: str


def service_database(admin_url: str, service: str) -> ServiceDatabase:
    """
    Return where the database of *service* is on the server behind *admin_url*, made or not.
    """
    name = f"retail_{service}"
    owner = f"{name}_owner"
    return ServiceDatabase(
        name=name,
        admin=url_to(admin_url, name),
        owner=url_to(admin_url, name, owner, password_of(owner, admin_url)),
        app=url_to(admin_url, name, name, password_of(name, admin_url)),
    )


def password_of(role: str, admin_url: str) -> str:
    """
    Derive the password of *role* from the administrator's.

    So there is none to keep, and every run finds the same. (A server that asks its
    administrator for no password has nothing for the others to protect.)
    """
    secret = unquote(urlsplit(admin_url).password or "")
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:32]


def url_to(admin_url: str, database: str, user: str | None = None, password: str = "") -> str:
    url = urlsplit(admin_url)
    login = f"{quote(user)}:{quote(password)}" if user else url.netloc.rpartition("@")[0]
    host = url.netloc.rpartition("@")[2]
    where = f"{login}@{host}" if login else host
    return url._replace(scheme="postgresql+asyncpg", netloc=where, path=f"/{database}").geturl()


def asyncpg_url(url: str) -> str:
    """
    Return *url* as asyncpg and psql understand it.
    """
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)
