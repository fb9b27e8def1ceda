"""Page Your network: code of a network, its checks, and then a model like the built-in ones."""
