"""An HTTP client for one vendor, every wait of which obeys the limits of the current call.

A transport of our own switches httpx2's reading of `HTTPS_PROXY` and `NO_PROXY` off, so the proxy
is chosen here.
"""

import importlib.util
import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pipeline.agents.providers.network import WatchedBackend
from pipeline.agents.providers.watch import Watch
from pipeline.errors import PipelineError

SOCKS = ("socks5", "socks5h")
IDLE_S = 15.0
"""How long an idle connection is kept, in seconds: routers forget older ones without a word."""
PROXY_SCHEMES = ("http", "https", *SOCKS)


def is_loopback(url: str) -> bool:
    """Return whether `url` names this machine itself."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy that `environ` asks for (`HTTPS_PROXY`, `NO_PROXY`, ...).

    Lower-case names win, as in curl; this machine itself is never reached through a proxy.
    """
    parts = urlsplit(url)
    asked = {
        kind: environ.get(f"{kind}_proxy") or environ.get(f"{kind}_proxy".upper()) or ""
        for kind in (parts.scheme, "all", "no")
    }
    exempt = any(_covers(entry.strip(), parts) for entry in asked["no"].split(","))
    proxy = asked[parts.scheme] or asked["all"]
    if not proxy or exempt or is_loopback(url):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _covers(entry: str, url: SplitResult) -> bool:
    """Return whether an entry of `NO_PROXY` (host, domain, host:port, network, `*`) means `url`."""
    host = (url.hostname or "").lower()
    if entry in ("", "*"):
        return entry == "*"
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name, _, port = entry.lower().lstrip("*").lstrip(".").partition(":")
        port_fits = not port or port == str(url.port or {"https": 443, "http": 80}.get(url.scheme))
        return port_fits and (host == name or host.endswith(f".{name}"))


def require_proxy(proxy: str | None) -> None:
    """Raise PipelineError for a proxy of a kind that is unknown, or that needs what is missing."""
    scheme = urlsplit(proxy).scheme if proxy else "http"
    if scheme not in PROXY_SCHEMES or (scheme in SOCKS and not importlib.util.find_spec("socksio")):
        raise PipelineError(
            f"cannot use a {scheme + '://'!r} proxy, which the environment asks for: name one that"
            " begins with http://, or install socksio for socks5://"
        )


def make_client(base_url: str, watch: Watch, environ: Mapping[str, str]) -> Any:
    """Return an `httpx2.Client` for `base_url`, without timeouts: `watch` holds them.

    Redirects are not followed: no vendor redirects, and a request holds the user's code.
    Raises what `require_proxy` does.
    """
    import httpx2

    tls = httpx2.create_ssl_context() if base_url.startswith("https:") else None
    pool = _pool(proxy_for(base_url, environ), tls, watch)

    class Transport(httpx2.HTTPTransport):
        def __init__(self) -> None:
            self._pool = pool

    return httpx2.Client(transport=Transport(), timeout=None, follow_redirects=False)


def _pool(proxy: str | None, tls: ssl.SSLContext | None, watch: Watch) -> Any:
    import httpcore2
    import httpx2

    shared: dict[str, Any] = {
        "ssl_context": tls,
        "network_backend": WatchedBackend(watch),
        "keepalive_expiry": IDLE_S,
    }
    if proxy is None:
        return httpcore2.ConnectionPool(**shared)
    require_proxy(proxy)
    scheme = urlsplit(proxy).scheme
    parsed = httpx2.Proxy(proxy)
    shared["proxy_auth"] = parsed.raw_auth
    shared["proxy_url"] = httpcore2.URL(
        scheme=parsed.url.raw_scheme,
        host=parsed.url.raw_host,
        port=parsed.url.port,
        target=parsed.url.raw_path,
    )
    if scheme in SOCKS:
        return httpcore2.SOCKSProxy(**shared)
    tls_to_proxy = httpx2.create_ssl_context() if scheme == "https" else None
    return httpcore2.HTTPProxy(proxy_ssl_context=tls_to_proxy, **shared)
