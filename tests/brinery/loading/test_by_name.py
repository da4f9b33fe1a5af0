"""Loading by a reference's text."""

import pytest

from brinery.errors import PinRequired
from brinery.loading.by_name import load
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def test_reference_needs_a_digest_from_outside(published: tuple[Store, dict[str, Reference]]) -> None:
    store, references = published
    pinned = references["alcohol"]
    for reference in ("alcohol:1", Reference("alcohol", 1)):
        with pytest.raises(PinRequired, match=f"alcohol:1 has no digest, .* vouches for what it offers, {pinned};"):
            load(reference, registry=store.url)
        assert load(reference, registry=store.url, trust_bucket=True).reference == pinned
    assert load(str(pinned), registry=store.url).reference == pinned
