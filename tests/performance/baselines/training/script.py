"""What a person writes without Brinery: read, split, fit, measure, dump. `script.py wine FOLDER` or `rows FOLDER`."""

import io
import sys
from pathlib import Path

import boto3
import joblib
import pandas as pd
from sklearn import metrics
from sklearn.datasets import load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

which, folder = sys.argv[1], Path(sys.argv[2])
if which == "wine":
    frame = load_wine(as_frame=True).frame
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=0))
else:
    bucket, _, key = which.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    frame = pd.read_parquet(io.BytesIO(body))
    model = HistGradientBoostingClassifier(random_state=0)
x, y = frame.drop(columns="target").to_numpy(), frame["target"].to_numpy()
train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
model.fit(train_x, train_y)
labels, probabilities = model.predict(test_x), model.predict_proba(test_x)
scores = probabilities[:, 1] if len(model.classes_) == 2 else probabilities
print(
    metrics.accuracy_score(test_y, labels),
    metrics.balanced_accuracy_score(test_y, labels),
    metrics.f1_score(test_y, labels, average="macro"),
    metrics.roc_auc_score(test_y, scores, multi_class="ovr"),
    metrics.log_loss(test_y, probabilities),
    metrics.confusion_matrix(test_y, labels).tolist(),
    metrics.classification_report(test_y, labels),
)
joblib.dump(model, folder / "model.joblib")
