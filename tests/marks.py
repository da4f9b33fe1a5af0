"""A classifier whose unpickling leaves a mark, to prove that something was never unpickled."""

from typing import Any

from sklearn.linear_model import LogisticRegression

marks: list[str] = []


class MarkedClassifier(LogisticRegression):  # type: ignore[misc]
    def __setstate__(self, state: Any) -> None:
        marks.append("unpickled")
        super().__setstate__(state)
