"""Networks by hand: NumPy and the standard library, forward and backward written out, no autograd anywhere.

    layers      dense, ReLU, tanh, sigmoid, flatten, dropout, batch norm; softmax with cross-entropy
    pictures    convolution and max-pool
    recurrent   a recurrent layer through time
    optimisers  SGD with momentum, Adam, AdamW
    network     layers in a row

Nothing in here imports anything of ours but these files themselves; a test holds them to it.
"""
