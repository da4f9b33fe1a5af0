"""Options that several commands take."""

import argparse


def port(text: str) -> int:
    """A port by its number, for argparse; 0 is any that is free.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"{ascii(text)} is not a port; it must be a number from 0 to 65535")
    return int(text)
