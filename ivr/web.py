"""HTTP clients for back ends. Certificates take a tenth of a second to read: once at the start, never in a call."""

import functools
import ssl
from collections.abc import Mapping

import httpx


@functools.cache
def tls() -> ssl.SSLContext:
    """The system's certificates, read once. Blocking the first time."""
    return httpx.create_ssl_context()


def client(timeout_s: float | None = None, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client that connects when it is used. timeout_s None: httpx's own five seconds."""
    timeout = httpx.Timeout(5.0 if timeout_s is None else timeout_s)
    return httpx.AsyncClient(verify=tls(), timeout=timeout, headers=dict(headers or {}))
