"""Serving: the HTTP API around a bundle, following the registry's champion."""
