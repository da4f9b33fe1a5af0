"""`registry site`: all that the registry holds as pages for people, written or served."""

import shlex
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from brinery.commands.environment import Connect, environment_of
from brinery.commands.list import marks
from brinery.errors import PromotionRefused, SettingInvalid
from brinery.output.write import say
from brinery.promotion.chain import Records
from brinery.versions.store import Store

if TYPE_CHECKING:
    from brinery.site.build import Built
    from brinery.site.model import Outside


def run(
    store: Store, arguments: Namespace, connect: Connect = environment_of, show: Callable[[str], bool] | None = None
) -> tuple[Any, str]:
    """Write what changed; `--open` serves it until Ctrl-C.

    Args:
        show: shows an address in a browser.
    """
    try:
        from brinery.site.build import Site
        from brinery.site.place import open_place
    except ImportError as exc:
        raise SettingInvalid(f"the site needs the extra brinery[site]: {exc.name} is not installed") from exc
    if arguments.port is not None and not arguments.open:
        raise SettingInvalid("--port is of --open; give --open, too")
    place = open_place(arguments.out, store.url)
    site = Site(store, place, _outside(store, arguments, connect), arguments.runs)
    built = site.build()
    result = {"place": place.url, **asdict(built)}
    if arguments.open:
        from brinery.site.server import serve

        serve(site, arguments.port or 0, lambda url: _opened(url, show))
        return result, "the site is closed"
    return result, _text(place.url, built)


def _text(place: str, built: "Built") -> str:
    counts = [
        _count(built.models, "model"),
        _count(built.versions, "version"),
        *([f"{built.unreadable:,} that cannot be read"] if built.unreadable else []),
        *([_count(built.looks, "look")] if built.looks else []),
    ]
    pages = f"{_count(built.written, 'page')} written, {built.left:,} left as they were"
    removed = f", {built.removed:,} removed" if built.removed else ""
    where = "" if "://" in place else f"\nopen {shlex.quote(f'{place}/index.html')}"
    return f"{place}: {', '.join(counts)}; {pages}{removed}{where}"


def _count(count: int, of: str) -> str:
    return f"{count:,} {of}{'s'[: count != 1]}"


def _opened(url: str, show: Callable[[str], bool] | None) -> None:
    import webbrowser  # which a script that only writes has no need of

    say(f"{url} follows the registry; Ctrl-C ends it")
    (show or webbrowser.open)(url)


def _outside(store: Store, arguments: Namespace, connect: Connect) -> "Callable[[Sequence[str]], Outside]":
    """What tells of promotions: the environment that is named, asked anew each time, or the bucket's records."""

    from brinery.site.model import Outside

    def ask(names: Sequence[str]) -> Outside:
        if not (arguments.env_file or arguments.stack):
            return Outside(marks=marks(store, arguments, connect, names))
        environment = connect(store, arguments)
        chains = {}
        for name in names:
            with suppress(PromotionRefused):  # it serves another model
                held = environment.held(name)
                chains[name] = Records(store, name, environment.name).chain(held)
        return Outside(environment.name, marks(store, arguments, lambda *_: environment, names), chains)

    return ask
