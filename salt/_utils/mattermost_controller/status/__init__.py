"""How deployed sites are, as data and as text."""
