"""Text datasets: corpora, vocabularies, tokenizers and embeddings."""
