"""A small PyTorch network that reads handwritten digits, as an ONNX file that Brinery publishes and serves.

It needs torch, which Brinery itself does not:

    uv run --with torch examples/digits_network.py [FOLDER [EPOCHS]]

It writes digits.onnx, train.csv and held_out.csv into the folder, by itself this one.
"""

import sys
import warnings
from pathlib import Path

import pandas as pd
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

EPOCHS, BATCH = 20, 64


class Network(nn.Module):
    """64 brightnesses from 0 to 16 become the probabilities of ten digits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    def scores(self, rows: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layers(rows / 16)
        return found

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.scores(rows), dim=1)


def train(rows: pd.DataFrame, epochs: int) -> Network:
    """Fit a network to rows with the digit in the column `target`; the same each time."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so that no sum depends on how many processors there are
    network = Network()
    values, truth = as_tensor(rows), torch.tensor(rows["target"].to_numpy())
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
    for _ in range(epochs):
        for batch in torch.randperm(len(values)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network.scores(values[batch]), truth[batch]).backward()
            optimizer.step()
    return network.eval()


def as_tensor(rows: pd.DataFrame) -> torch.Tensor:
    return torch.tensor(rows.drop(columns="target").to_numpy(), dtype=torch.float32)


def export(network: Network, path: Path) -> None:
    """Write the ONNX file, for as many rows as there may be at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of this exporter; the new one needs onnxscript
        torch.onnx.export(
            network,
            (torch.zeros(1, 64),),
            path,
            input_names=["pixels"],
            output_names=["probabilities"],
            dynamic_axes={"pixels": {0: "rows"}, "probabilities": {0: "rows"}},
            dynamo=False,
        )


def main(folder: Path = Path(), epochs: int | str = EPOCHS) -> None:
    rows = load_digits(as_frame=True).frame.astype(int)
    training, held_out = train_test_split(rows, test_size=0.2, random_state=0, stratify=rows["target"])
    network = train(training, int(epochs))
    with torch.no_grad():
        right = network(as_tensor(held_out)).argmax(dim=1).numpy() == held_out["target"].to_numpy()
    export(network, folder / "digits.onnx")
    training.to_csv(folder / "train.csv", index=False)
    held_out.to_csv(folder / "held_out.csv", index=False)
    print(f"accuracy on {len(held_out)} held-out rows: {right.mean():.3f}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]), *sys.argv[2:3])
