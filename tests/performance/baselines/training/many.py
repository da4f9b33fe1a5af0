"""The same for many small models in one process: `many.py DATA.csv MODELS FOLDER`."""

import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data, models, folder = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
for seed in range(models):
    frame = pd.read_csv(data)
    x, y = frame.drop(columns="target").to_numpy(), frame["target"].to_numpy()
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)
    model = make_pipeline(StandardScaler(), LogisticRegression(random_state=seed)).fit(train_x, train_y)
    labels, probabilities = model.predict(test_x), model.predict_proba(test_x)
    print(
        metrics.accuracy_score(test_y, labels),
        metrics.balanced_accuracy_score(test_y, labels),
        metrics.f1_score(test_y, labels, average="macro"),
        metrics.roc_auc_score(test_y, probabilities[:, 1]),
        metrics.log_loss(test_y, probabilities),
        metrics.confusion_matrix(test_y, labels).tolist(),
    )
    joblib.dump(model, folder / f"model-{seed}.joblib")
