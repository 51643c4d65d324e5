"""Hyper-parameter search: a space over a recipe, a study that can be taken up, its mirror."""
