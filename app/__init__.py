"""The dashboard, a package that `main.py` loads: pages, what they share, and a visitor's session.

Its modules import each other relative to here: installed, the folder lies within `lczlib`.
"""
