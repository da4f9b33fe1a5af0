"""Checks of a given model by its answers to held-out rows, which no look at the file replaces."""

from statistics import median
from time import perf_counter

import numpy as np

from brinery.errors import DataInvalid, words_of
from brinery.formats.predictor import Predictor
from brinery.tasks.classification import Classification
from brinery.tasks.task import AnyAnswers, AnyTask

ROW_SECONDS = 1.0
MANY, MANY_SECONDS = 1500, 5.0  # rows that are asked at once, in another order, or as many as take so long
TIMED, ALONE = 5, 20  # rows that are asked one by one: for their time, and beside their answers among others
ROUNDING = 1e-3  # of a sum of probabilities in single precision, over a thousand classes


def check_answers(
    task: AnyTask, model: Predictor, answers: AnyAnswers, array: np.ndarray, row_seconds: float = ROW_SECONDS
) -> None:
    """Look for answers that are not finite, no probabilities, late, or other for a row by itself than among others.

    Args:
        answers: the model's, to the rows of `array`, shape (rows, features).
        row_seconds: the most that the answer to one row may take: the median of a few.

    Raises:
        DataInvalid: there are such.
    """
    without = list(task.unanswered(answers))
    if without:
        raise DataInvalid(
            f"it answers {len(without)} of {len(array)} held-out rows with what is not finite, row {without[0] + 1} "
            "first; make up for missing and extreme values within the network"
        )
    if isinstance(task, Classification) and answers.probabilities is not None:
        sums = answers.probabilities.sum(axis=1, dtype=np.float64)
        wrong = (np.abs(sums - 1) > ROUNDING) | (answers.probabilities < 0).any(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            shown = ", ".join(f"{each:.4g}" for each in answers.probabilities[row, :5])
            raise DataInvalid(
                f"its numbers are no probabilities: they are {shown}{', …' if len(task.classes) > 5 else ''} for row "
                f"{row + 1}; end the network with a Softmax, or with a Sigmoid where it gives one number"
            )
    seconds = _check_single_rows(task, model, answers, array[:ALONE], row_seconds)
    count = min(MANY, max(len(array[:ALONE]), int(MANY_SECONDS / seconds)))
    places = np.resize(np.arange(len(array)), count)[::-1]
    _check_alike(task, model.predict(array[places]), answers[places])


def _check_single_rows(
    task: AnyTask, model: Predictor, answers: AnyAnswers, rows: np.ndarray, row_seconds: float
) -> float:
    """The seconds that a row takes."""
    try:
        parts = [model.predict(rows[:1])]  # the first takes longer
        times = []
        for k in range(len(rows)):
            begun = perf_counter()
            parts.append(model.predict(rows[k : k + 1]))
            times.append(perf_counter() - begun)
            if k + 1 == min(TIMED, len(rows)) and median(times) > row_seconds:
                raise DataInvalid(f"one row takes {median(times):.3g} s; it may take {row_seconds:g} s")
    except DataInvalid:
        raise
    except Exception as exc:
        raise DataInvalid(f"it does not answer a row by itself: {words_of(exc)}") from exc
    _check_alike(task, task.joined(parts[1:]), answers[: len(rows)])
    return max(median(times), 1e-6)


def _check_alike(task: AnyTask, found: AnyAnswers, answers: AnyAnswers) -> None:
    difference = task.difference(found, answers)
    if not difference.alike:
        raise DataInvalid(
            f"it answers rows by themselves otherwise than among others: {difference.text}; export it for inference, "
            "with nothing taken over the rows or at random"
        )
