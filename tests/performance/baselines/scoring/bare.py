"""What a person would write who knows the engine: read batches, ask the engine, write batches."""

import sys
from collections.abc import Callable

import joblib
import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

BATCH = 65_536


def main(model: str, rows: str, out: str) -> None:
    predict = engine(model)
    if rows.endswith(".csv"):
        batches = pyarrow.csv.open_csv(rows)
    else:
        batches = pq.ParquetFile(rows).iter_batches(batch_size=BATCH)
    writer = None
    for batch in batches:
        array = np.column_stack([batch.column(name).to_numpy() for name in batch.schema.names])
        labels, probabilities = predict(array)
        columns = {"prediction": labels, **{f"p_{k}": probabilities[:, k] for k in range(probabilities.shape[1])}}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(out, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def engine(model: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    if model.endswith(".joblib"):
        estimator = joblib.load(model)

        def predict(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            probabilities = estimator.predict_proba(array)
            return estimator.classes_[probabilities.argmax(axis=1)], probabilities

        return predict
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name, kind = session.get_inputs()[0].name, session.get_inputs()[0].type
    dtype = np.float32 if kind == "tensor(float)" else np.float64

    def run(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        given = session.run(None, {name: array.astype(dtype, copy=False)})
        return (given[0].argmax(axis=1), given[0]) if len(given) == 1 else given

    return run


if __name__ == "__main__":
    main(*sys.argv[1:])
