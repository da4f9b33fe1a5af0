"""Problems: what keeps the columns of a table from being used, told all at once."""

from collections.abc import Mapping

from brinery.errors import DataInvalid


class ColumnsInvalid(DataInvalid):
    """Columns that cannot be used; `problems` says why, by column, each text following the column's name.

    Its own text is one sentence for one column, and for more of them a line of each.
    """

    def __init__(self, source: str, problems: Mapping[str, str]) -> None:
        self.source, self.problems = source, dict(problems)
        if len(self.problems) == 1:
            ((column, problem),) = self.problems.items()
            super().__init__(f'column "{column}" of {source} {problem}')
        else:
            lines = [f'  column "{column}" {problem}' for column, problem in self.problems.items()]
            super().__init__("\n".join([f"{len(lines)} columns of {source} cannot be used as they are:", *lines]))
