"""Neural networks in NumPy, from scratch: forward and backward passes written out, no autograd.

    layers        dense, ReLU, tanh, sigmoid, flatten, dropout, batch norm; softmax with cross-entropy
    convolution   convolution and max pooling
    recurrent     a recurrent layer with backpropagation through time
    optimizers    SGD with momentum, Adam, AdamW
    network       a sequence of layers

These files import only each other and NumPy; a test enforces it.
"""
