"""The server of `--open`: for this machine's own browser alone, and as new as the registry."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from brinery.errors import EnvironmentFailed
from brinery.site.build import Site
from brinery.site.server import LEAST_PAUSE, Server
from brinery.versions.store import Store
from tests.background import in_background
from tests.brinery.site.registries import CARD, put, site_in


@pytest.fixture
def server(folder_store: Store, tmp_path: Path) -> Iterator[Server]:
    for _ in range(4):
        put(folder_store)
    site = site_in(folder_store, tmp_path / "out")
    site.build()
    with in_background(Server(site, 0)) as running:
        yield running


def test_pages_are_served_with_any_card_of_the_registry(server: Server) -> None:
    page = httpx.get(f"{server.url}/models/wine/1.html")
    assert page.status_code == 200 and '<html lang="en" class="by-server">' in page.text
    assert not (Path(server.site.place.url) / "models/wine/1-card.html").exists()
    for number in (1, 4):
        card = httpx.get(f"{server.url}/models/wine/{number}-card.html")
        assert "a card</body>" in card.text and "sandbox" in card.headers["content-security-policy"]
    assert httpx.get(server.url).text.startswith("<!doctype html>") and CARD


def test_new_version_appears_on_reload_after_a_pause(server: Server, folder_store: Store) -> None:
    put(folder_store, "grapes")
    assert "grapes" not in httpx.get(f"{server.url}/index.html").text
    server._next -= LEAST_PAUSE + 1  # as if that time had passed
    assert "grapes" in httpx.get(f"{server.url}/index.html").text


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/index.html", {"host": "evil.example"}, 421),
        ("/index.html", {"host": "127.0.0.1"}, 421),
        ("/_site.json", {}, 404),
        ("/models/../_site.json", {}, 404),
        ("/models/wine/%2e%2e/%2e%2e/_site.json", {}, 404),
        ("/models/wine/../../../registry/wine/versions/000001/card.html", {}, 404),
        ("//etc/passwd", {}, 404),
        ("/none.html", {}, 404),
        ("/models/wine/9-card.html", {}, 404),
        ("/models/_promotions/1-card.html", {}, 404),
    ],
)
def test_what_is_not_a_page_for_this_machine_is_refused(
    server: Server, path: str, headers: dict[str, str], status: int
) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.putrequest("GET", path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status and answer.headers["content-type"].startswith("text/plain")
    connection.close()


def test_port_that_is_taken_is_a_sentence(server: Server) -> None:
    site: Site = server.site
    with pytest.raises(EnvironmentFailed, match="cannot be listened on"):
        Server(site, server.server_address[1])
