"""Searches over genes that are asked for genes and told their speeds: `ask(n)`, measure, `tell(genes, scores)`."""
