"""The release id of a stack: `python -m brinery.promotion.release PIN IMAGE_URI` prints it."""

import hashlib
import sys


def release_id(pin: str, image_uri: str) -> str:
    """The hex sha256 of the pin and the serving image's digest: a new one makes a new version of the function.

    Args:
        pin: a value of MODEL_VERSION, such as `7@sha256:…`.
        image_uri: of the serving image; its digest where it has one, else all of it.
    """
    image = image_uri.partition("@")[2] or image_uri
    return hashlib.sha256(f"{pin} {image}".encode()).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m brinery.promotion.release PIN IMAGE_URI")
    print(release_id(*sys.argv[1:]))
