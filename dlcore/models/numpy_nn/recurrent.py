"""A recurrent layer with backpropagation through time."""

import numpy as np

from dlcore.models.numpy_nn.layers import Array, NumpyLayer, Rng


class Recurrent(NumpyLayer):
    """Recurrent layer: the same weights at every time step, with the state of the previous step (Elman 1990):

        a_t = W x_t + U h_(t-1) + b        h_t = tanh(a_t)        h_0 = 0

    x (N, T, F) -> h_T (N, D), the state after the last step; W (D, F), U (D, D), b (D,).

    Backward visits the steps in reverse (Werbos 1990). h_t affects the loss only through h_(t+1), and the last state
    directly, so with e_t = dL/dh_t and d_t = dL/da_t = e_t (1 - h_t^2):

        e_T = dL/dy        e_(t-1) = d_t U
        dL/dW = sum_t d_t^T x_t        dL/dU = sum_t d_t^T h_(t-1)        dL/db = sum_t d_t        dL/dx_t = d_t W

    Weights are shared by all steps, hence the sums. e_(t-1) is multiplied by U and by slopes below 1 once for every
    later step: that is why it vanishes, or explodes (Bengio et al. 1994). `states` (N, T + 1, D) are h_0 to h_T, and
    `by_step` (N, T, D) are e_1 to e_T.
    """

    def __init__(self, weight: Array, recurrent: Array, bias: Array) -> None:
        super().__init__()
        self.parameters = {"weight": weight, "recurrent": recurrent, "bias": bias}

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        weight, recurrent, bias = self.parameters.values()
        n, steps, _ = x.shape
        self.x, self.states = x, np.zeros((n, steps + 1, len(bias)), dtype=weight.dtype)
        driven = x @ weight.T + bias  # (N, T, D), the input's contribution at all steps
        for t in range(1, steps + 1):
            self.states[:, t] = np.tanh(driven[:, t - 1] + self.states[:, t - 1] @ recurrent.T)
        return self.states[:, -1].copy()

    def backward(self, dy: Array) -> Array:
        weight, recurrent, _ = self.parameters.values()
        n, steps, features = self.x.shape
        h, d = self.states, np.empty((n, steps, len(weight)), dtype=dy.dtype)
        self.by_step = np.empty_like(d)
        e = dy
        for t in range(steps, 0, -1):
            self.by_step[:, t - 1] = e
            d[:, t - 1] = e * (1 - h[:, t] ** 2)
            e = d[:, t - 1] @ recurrent
        flat = d.reshape(n * steps, -1)
        self.gradients["weight"] = flat.T @ self.x.reshape(n * steps, features)
        self.gradients["recurrent"] = flat.T @ h[:, :-1].reshape(n * steps, -1)
        self.gradients["bias"] = flat.sum(axis=0)
        return d @ weight if self.needs_input_gradient else dy
