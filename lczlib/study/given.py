"""What a step of a study is given: the inputs and earlier outputs that it declares, and no others."""

from __future__ import annotations

from typing import Any, NoReturn


class Given:
    """What a step reads, as attributes, as it was when the step was started.

    A result is current as long as what its step declares is unchanged. So what it has not declared
    cannot be read, and what it has is never changed.

    Parameters
    ----------
    step : str
        The step, for messages.
    **values
        Inputs of the study, and outputs of earlier steps: None where one is not there yet.
    """

    def __init__(self, step: str, /, **values: Any) -> None:
        self.__dict__.update(values, _step=step)

    def __getattr__(self, name: str) -> Any:
        declared = ", ".join(n for n in vars(self) if n != "_step")
        msg = f"{name!r} is not declared by the step {vars(self).get('_step')!r}, which reads {declared}."
        raise AttributeError(msg, name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        msg = f"{name!r} cannot be set: what a step is given is not changed."
        raise AttributeError(msg, name=name, obj=self)
