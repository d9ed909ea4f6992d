"""The desk keeps nothing: it shows what the apps keep.

Django runs an app's steps around `migrate` only when this module is here.
"""
