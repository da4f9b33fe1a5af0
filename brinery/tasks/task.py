"""Tasks: what kinds of answers there are. A new one is a file beside this one and a name here."""

from brinery.tasks.classification import Answers, Classification, ClassificationDetails

type AnyAnswers = Answers
type AnyTask = Classification
type AnyDetails = ClassificationDetails
