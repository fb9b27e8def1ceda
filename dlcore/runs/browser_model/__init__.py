"""Models that answer in a browser: a network as an ONNX file, and what its input and output need, as JSON."""
