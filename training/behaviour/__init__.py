"""Behaviour tests: what a model must be able to do, capability by capability.

After CheckList (Ribeiro et al., ACL 2020): templates → cases → answers → failure rates.
`docs/behaviour.md` explains the capabilities and how to read the figures.
"""
