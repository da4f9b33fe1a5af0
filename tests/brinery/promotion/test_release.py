"""The release id: another for each pin and each image."""

from brinery.promotion.release import release_id


def test_release_id_changes_with_the_pin_and_with_the_image() -> None:
    pin, image = f"7@sha256:{'a' * 64}", "registry.example.org/serving@sha256:" + "b" * 64
    ids = {release_id(pin, image), release_id(pin.replace("7", "8"), image), release_id(pin, image.replace("b", "c"))}
    assert len(ids) == 3 and all(len(each) == 64 for each in ids)
    assert release_id(pin, image) == release_id(pin, "elsewhere@sha256:" + "b" * 64)
