"""Network layers with forward and backward passes, and the derivation of each backward pass.

Notation: x is the input, y the output, L the loss. `backward` takes dL/dy (shaped like y), stores dL/d(parameter) in
`gradients`, and returns dL/dx. Everything follows from the chain rule: dL/dx_i = sum over j of dL/dy_j * dy_j/dx_i.
"""

import numpy as np

Array = np.ndarray
Rng = np.random.Generator


class NumpyLayer:
    """Base class of layers: named parameters, a gradient for each, and buffers that are stored but not trained.

    `forward` takes a generator `rng` in training and None in evaluation: dropout draws from it, and batch norm then
    uses the statistics of the batch. `needs_input_gradient` False skips the gradient with respect to the input data.
    """

    needs_input_gradient = True

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        """x -> y; stores what `backward` needs."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """dL/dy -> dL/dx, for the last `forward`."""
        raise NotImplementedError


class Dense(NumpyLayer):
    """Dense layer: y = x W^T + b, x (N, F), W (D, F), b (D,), y (N, D).

    y_nd = sum_f x_nf W_df + b_d, so dy_nd/dW_df = x_nf, dy_nd/db_d = 1, dy_nd/dx_nf = W_df, and by the chain rule

        dL/dW_df = sum_n dL/dy_nd x_nf      dL/dW = dy^T x
        dL/db_d  = sum_n dL/dy_nd           dL/db = sum of dy over the batch
        dL/dx_nf = sum_d dL/dy_nd W_df      dL/dx = dy W
    """

    def __init__(self, weight: Array, bias: Array | None = None) -> None:
        super().__init__()
        self.parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        self.x = x
        y = x @ self.parameters["weight"].T
        return y + self.parameters["bias"] if "bias" in self.parameters else y

    def backward(self, dy: Array) -> Array:
        self.gradients["weight"] = dy.T @ self.x
        if "bias" in self.parameters:
            self.gradients["bias"] = dy.sum(axis=0)
        return dy @ self.parameters["weight"] if self.needs_input_gradient else dy


class Relu(NumpyLayer):
    """y = max(0, x). The slope is 1 for x > 0 and 0 otherwise (also at 0): dL/dx = dL/dy * [x > 0]."""

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        self.on = x > 0
        return np.maximum(x, 0)

    def backward(self, dy: Array) -> Array:
        return dy * self.on


class Tanh(NumpyLayer):
    """y = tanh(x). With tanh = sinh / cosh, the quotient rule gives dL/dx = dL/dy * (1 - y^2)."""

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (1 - self.y**2)


class Sigmoid(NumpyLayer):
    """y = 1 / (1 + e^-x). dy/dx = e^-x / (1 + e^-x)^2 = y (1 - y), at most 1/4: ten layers leave 1e-6 of a gradient.

    Computed as (1 + tanh(x / 2)) / 2, which is equal and does not overflow.
    """

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        self.y = (1 + np.tanh(x / 2)) / 2
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * self.y * (1 - self.y)


class Flatten(NumpyLayer):
    """(N, ...) -> (N, F); gradients are reshaped back."""

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)


class Dropout(NumpyLayer):
    """Dropout: in training each value is set to 0 with probability p and the others are divided by 1 - p.

    This preserves the expected value: y = x m, with m either 0 or 1 / (1 - p). Hence dL/dx = dL/dy m. In evaluation y =
    x. Srivastava et al. 2014, in the inverted form.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        self.mask: Array | None = None
        if rng is None or not self.p:
            return x
        mask = rng.random(x.shape, dtype=np.float32) >= self.p
        self.mask = mask.astype(x.dtype) / x.dtype.type(1 - self.p)
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy if self.mask is None else dy * self.mask


class BatchNorm(NumpyLayer):
    """Batch normalization: zero mean and unit variance over the batch, then scale and shift (Ioffe and Szegedy 2015):

        m = mean(x)    v = mean((x - m)^2)    s = sqrt(v + eps)    h = (x - m) / s    y = gamma h + beta

    x is (N, F), or (N, C, H, W) with one mean per channel. gamma and beta act on each feature:

        dL/dgamma = sum(dL/dy h)    dL/dbeta = sum(dL/dy)    dL/dh = dL/dy gamma

    x_i affects L through its own h_i, and through mean and variance of all h_j. Since dm/dx_i = 1/n and
    dv/dx_i = 2 (x_i - m) / n, so that ds/dx_i = h_i / n, with g = dL/dh:

        dL/dx_i = 1/s (g_i - mean(g) - h_i mean(g h))

    Evaluation uses the running mean and variance. They do not depend on x, so there dL/dx = dL/dy gamma / s.
    """

    eps = 1e-5
    momentum = 0.1

    def __init__(self, gamma: Array, beta: Array) -> None:
        super().__init__()
        self.parameters = {"weight": gamma, "bias": beta}
        self.buffers = {"running_mean": np.zeros_like(beta), "running_var": np.ones_like(gamma)}

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        self.axes = (0,) if x.ndim == 2 else (0, 2, 3)
        self.uses_batch_statistics = rng is not None
        if self.uses_batch_statistics:
            mean, variance = x.mean(axis=self.axes), x.var(axis=self.axes)
            n = x.size // len(mean)
            self._update_running_statistics(mean, variance * n / max(1, n - 1))
        else:
            mean, variance = self.buffers["running_mean"], self.buffers["running_var"]
        self.s = self._reshape(np.sqrt(variance + x.dtype.type(self.eps)), x.ndim)
        self.h = (x - self._reshape(mean, x.ndim)) / self.s
        return self._reshape(self.parameters["weight"], x.ndim) * self.h + self._reshape(
            self.parameters["bias"], x.ndim
        )

    def backward(self, dy: Array) -> Array:
        self.gradients["weight"] = (dy * self.h).sum(axis=self.axes)
        self.gradients["bias"] = dy.sum(axis=self.axes)
        g = dy * self._reshape(self.parameters["weight"], dy.ndim)
        if not self.uses_batch_statistics:
            return g / self.s
        mean_g = g.mean(axis=self.axes, keepdims=True)
        mean_gh = (g * self.h).mean(axis=self.axes, keepdims=True)
        return (g - mean_g - self.h * mean_gh) / self.s

    def _update_running_statistics(self, mean: Array, variance: Array) -> None:
        """Update the running statistics in place with momentum 0.1: other objects may share the arrays."""
        for name, now in (("running_mean", mean), ("running_var", variance)):
            self.buffers[name] += (self.momentum * (now - self.buffers[name])).astype(self.buffers[name].dtype)

    @staticmethod
    def _reshape(values: Array, dimensions: int) -> Array:
        """Reshape (C,) to broadcast with (N, C) or (N, C, H, W)."""
        return values if dimensions == 2 else values[:, None, None]


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy: p_k = e^z_k / sum_j e^z_j, L = mean over the batch of -log p_t.

    For one sample with true class t, L = -z_t + log sum_j e^z_j. The derivative of the logarithm by z_k is e^z_k / sum
    = p_k:

        dL/dz_k = p_k - [k = t]        (divided by N, since the batch's loss is a mean)

    Exponential and logarithm cancel: the gradient is prediction minus target. The maximum score is subtracted before
    the exponential, which does not change p and prevents overflow.
    """

    def forward(self, z: Array, targets: Array) -> float:
        """Scores (N, K) and class numbers (N,) -> mean loss."""
        self.targets = targets
        shifted = z - z.max(axis=1, keepdims=True)
        total = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.probabilities = np.exp(shifted - total)
        return float(-(shifted - total)[np.arange(len(z)), targets].mean())

    def backward(self) -> Array:
        """dL/dz (N, K)."""
        dz = self.probabilities.copy()
        dz[np.arange(len(dz)), self.targets] -= 1
        return dz / dz.dtype.type(len(dz))
