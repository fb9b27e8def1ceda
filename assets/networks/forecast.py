from torch import nn


class Forecaster(nn.Module):
    """A GRU over the window, and a linear layer. Replace it with a network of your choice."""

    def __init__(self, in_features, horizon, variables, hidden=64, dropout=0.1):
        super().__init__()
        self.shape = (horizon, variables)
        self.gru = nn.GRU(in_features, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, horizon * variables)

    def forward(self, x):  # (N, T, F) -> (N, H, V)
        _, state = self.gru(x)
        return self.head(self.dropout(state[-1])).unflatten(1, self.shape)
