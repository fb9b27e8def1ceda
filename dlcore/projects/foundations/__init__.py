"""Foundations: backpropagation, recurrent networks, self-attention, architecture tables."""
