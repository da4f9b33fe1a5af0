"""Notes: sentences that a person should read, each of which knows the figure that it explains."""

from typing import Literal, Self

Figure = Literal["metrics", "data", "formats"]


class Note(str):
    """A sentence that explains a figure, or one about a feature; a plain text is a note about all.

    It is a text, so that whoever prints or stores notes need not know of figures.
    """

    figure: Figure | None
    feature: str | None

    def __new__(cls, text: str, figure: Figure | None = None, feature: str | None = None) -> Self:
        note = super().__new__(cls, text)
        note.figure, note.feature = figure, feature
        return note
