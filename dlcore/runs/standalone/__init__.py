"""Export of a run that works without dlcore: training script, notebook, ONNX file with a prediction script, data."""
