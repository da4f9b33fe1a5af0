"""State: what the site was made of, kept beside it, so that only what changed is read and written again."""

from pydantic import Field, ValidationError

from brinery.errors import SettingInvalid
from brinery.site.facts import Promotion, Version
from brinery.site.place import Place
from brinery.versions.manifest import Part

FILE = "_site.json"
BUILDING = "_building.json"  # there while a site is written: pages may be newer than the state says
MAX_BYTES = 256 * 1024 * 1024


class Known(Part):
    """What was read of a model."""

    versions: tuple[Version, ...] = ()
    promotions: tuple[Promotion, ...] = ()


class State(Part):
    """The site as it was written last; `pages` are our files, with what each was made of."""

    registry: str
    models: dict[str, Known] = Field(default_factory=dict)
    pages: dict[str, str] = Field(default_factory=dict)


def read_state(place: Place, registry: str) -> State:
    """The state of the site in a place, an empty one where nothing is there yet.

    Raises:
        SettingInvalid: what is there is not this registry's site.
        StoreError: the place refused or could not be reached.
    """
    stored, building = place.read(FILE, MAX_BYTES), place.read(BUILDING, 1024)
    if stored is None and building is None:
        others = place.some()
        if others:
            raise SettingInvalid(
                f"{place.url} holds {ascii(others[0][:80])} and no site of a registry; name an empty folder"
            )
        return State(registry=registry)
    try:
        state = State(registry=registry) if stored is None else State.model_validate_json(stored)
    except ValidationError as exc:
        raise SettingInvalid(f"{place.url}/{FILE} cannot be read; delete the site, and build it again") from exc
    if state.registry != registry:
        raise SettingInvalid(f"{place.url} is the site of {ascii(state.registry[:200])}; name another place")
    if building is not None:  # it was killed: what it knew holds, but nobody knows what it wrote
        place.tidy()
        return state.model_copy(update={"pages": dict.fromkeys(state.pages, "")})
    return state


def write_state(place: Place, state: State, before: State) -> None:
    """Say what the site is made of; from now on it is whole."""
    if state != before or not state.pages:
        place.write({FILE: state.model_dump_json().encode()})
    place.remove([BUILDING])
