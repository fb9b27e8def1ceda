"""Callbacks that watch training in Lightning, Hugging Face Transformers and Keras; see `dlcore.watch`."""
