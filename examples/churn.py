"""A model that was fitted elsewhere, as somebody has it: a pickle, and rows that it has not seen."""

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

random = np.random.default_rng(0)
months, calls = random.integers(1, 60, 2000), random.poisson(2, 2000)
likely = 1 / (1 + np.exp(0.15 * months - 1.1 * calls))
rows = pd.DataFrame({"months": months, "calls": calls, "fee": random.uniform(10, 60, 2000).round(2)})
train_x, held_out, train_y, truth = train_test_split(rows, (likely > random.random(2000)).astype(int), random_state=0)
joblib.dump(HistGradientBoostingClassifier(random_state=0).fit(train_x, train_y), "model.joblib")
held_out.assign(churned=truth).to_csv("held_out.csv", index=False)
