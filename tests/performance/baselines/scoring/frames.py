"""What most people write: a frame of all rows, `predict_proba`, a frame of answers."""

import sys

import joblib
import pandas as pd


def main(model: str, rows: str, out: str) -> None:
    estimator = joblib.load(model)
    frame = pd.read_csv(rows) if rows.endswith(".csv") else pd.read_parquet(rows)
    probabilities = estimator.predict_proba(frame.to_numpy())
    answers = pd.DataFrame(probabilities, columns=[f"p_{label}" for label in estimator.classes_])
    answers.insert(0, "prediction", estimator.classes_[probabilities.argmax(axis=1)])
    answers.to_parquet(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
