"""Convolution and max pooling on images (N, C, H, W), with explicit backward passes."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcore.models.numpy_nn.layers import Array, NumpyLayer, Rng


class Convolution(NumpyLayer):
    """Convolution: a small window slides over the image, with the same weights W (O, C, K, K) everywhere, and b (O,):

        y_nohw = b_o + sum over c, i, j of x_nc(h+i)(w+j) W_ocij

    This is a dense layer at each position, so the windows are laid out as rows of a matrix (N H' W', C K K), and
    forward, dL/dW and dL/db are those of `Dense`. x_nc(h)(w) contributes to every output whose window covers it: at
    (h-i)(w-j) it is multiplied by W_ocij, so

        dL/dx_nchw = sum over o, i, j of dL/dy_no(h-i)(w-j) W_ocij

    which is summed over window positions (i, j). The gradient at the `padding` zeros is dropped.
    """

    def __init__(self, weight: Array, bias: Array | None = None, *, padding: int = 0) -> None:
        super().__init__()
        self.parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        self.padding = padding

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        weight, p = self.parameters["weight"], self.padding
        out, _, side, _ = weight.shape
        x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))) if p else x
        windows = sliding_window_view(x, (side, side), axis=(2, 3))  # (N, C, H', W', K, K), a view
        n, _, height, width = windows.shape[:4]
        self.padded = x.shape
        self.rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
        y = self.rows @ weight.reshape(out, -1).T
        if "bias" in self.parameters:
            y += self.parameters["bias"]
        return y.reshape(n, height, width, out).transpose(0, 3, 1, 2)

    def backward(self, dy: Array) -> Array:
        weight, p = self.parameters["weight"], self.padding
        out, channels, side, _ = weight.shape
        n, _, height, width = dy.shape
        flat = dy.transpose(0, 2, 3, 1).reshape(-1, out)
        self.gradients["weight"] = (flat.T @ self.rows).reshape(weight.shape)
        if "bias" in self.parameters:
            self.gradients["bias"] = flat.sum(axis=0)
        if not self.needs_input_gradient:
            return dy
        windows = (flat @ weight.reshape(out, -1)).reshape(n, height, width, channels, side, side)
        dx = np.zeros(self.padded, dtype=dy.dtype)
        for i in range(side):
            for j in range(side):
                dx[:, :, i : i + height, j : j + width] += windows[..., i, j].transpose(0, 3, 1, 2)
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p] if p else dx


class MaxPool(NumpyLayer):
    """Maximum of each S x S square; remaining rows and columns are cut off.

    y equals one of its inputs, and small changes of the others have no effect: dL/dx is dL/dy at the position of the
    maximum (the first of equal ones) and 0 elsewhere.
    """

    def __init__(self, side: int = 2) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        s, self.shape = self.side, x.shape
        n, c, h, w = (*x.shape[:2], x.shape[2] // s, x.shape[3] // s)
        squares = (
            x[:, :, : h * s, : w * s].reshape(n, c, h, s, w, s).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h, w, s * s)
        )
        self.largest = squares.argmax(axis=-1)[..., None]
        return np.take_along_axis(squares, self.largest, axis=-1)[..., 0]

    def backward(self, dy: Array) -> Array:
        s = self.side
        n, c, h, w = dy.shape
        squares = np.zeros((n, c, h, w, s * s), dtype=dy.dtype)
        np.put_along_axis(squares, self.largest, dy[..., None], axis=-1)
        dx = np.zeros(self.shape, dtype=dy.dtype)
        dx[:, :, : h * s, : w * s] = (
            squares.reshape(n, c, h, w, s, s).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h * s, w * s)
        )
        return dx


class AddChannel(NumpyLayer):
    """(N, H, W) -> (N, 1, H, W): adds the channel axis to gray images; gradients are reshaped back."""

    def forward(self, x: Array, rng: Rng | None = None) -> Array:
        return x[:, None]

    def backward(self, dy: Array) -> Array:
        return dy[:, 0]
