"""A study of one city: its inputs, the steps that follow from them, and their outputs.

``places``  what can be studied: the demo city, city folders, catalog scenes, own files
``steps``   the table of steps: inputs -> output -> function
``given``   what a step's function sees: what its line of the table declares
``state``   the state object, which knows what is current, stale or running
"""

from lczlib.study.places import Place, Places
from lczlib.study.state import Study, Ticket
from lczlib.study.steps import STEPS, Step

__all__ = ["STEPS", "Place", "Places", "Step", "Study", "Ticket"]
