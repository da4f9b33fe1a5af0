"""pyarrow's errors of a Parquet file as ours; without pandas, which scoring does not have."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from brinery.errors import DataInvalid, words_of


@contextmanager
def errors_of_parquet(where: str) -> Iterator[None]:
    """Translate what pyarrow says while a file is read.

    Raises:
        DataInvalid: it cannot be read.
    """
    try:
        yield
    except (pa.ArrowException, OSError) as exc:
        raise DataInvalid(f"{where} cannot be read as Parquet: {words_of(exc, 200)}") from exc
