"""Adapters: each reads one public data set into the one record; `data/readers.py` lists them."""
