"""One file, or the files of one input, under review: what was found, and what the visitor says of it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn

from lczlib.study.library_words import clause_in_words
from lczlib.study.looking import FileKind, Found, Seen, Settings, kinds_for, read_as, settings_from
from lczlib.study.map_inputs import OWN_MAPS, map_settings
from lczlib.study.wording import OF_MAPS, in_review
from lczlib.terms import settings_in
from lczlib.texts import N_, text

from ..parts.fields import WIDE, field
from ..parts.markup import folded, html
from .inputs import elsewhere
from .kinds import BY_NAME
from .preview import Drawn, color_scale, drawn

if TYPE_CHECKING:
    from ..session import Session

_AT_ONCE = 3  # settings that stand open; the others below a heading
_MOST_LOST = 8
_CHOOSE = N_("Choose what it is")
_NUMBERS = count(1)
_MAP_SETTINGS = {
    f"{which}_{kind}": label
    for which in OWN_MAPS
    for kind, label in OF_MAPS.items()
    if f"{which}_{kind}" in map_settings(which)
}


class Entry:
    """A file under review.

    Parameters
    ----------
    session : Session
    found : Found
        What it could be.
    name : str
        As the visitor calls it.
    beside : callable
        Gives the files that came with it.
    changed : callable
        Called with the entry when what is known of it has changed.
    taken, left : callable
        Called with the entry when the visitor uses it, or leaves it out.
    """

    def __init__(
        self, session: Session, found: Found, name: str, beside: Callable[[], list[Path]],
        changed: Callable[[Entry], None], taken: Callable[[Entry], None], left: Callable[[Entry], None],
    ) -> None:  # fmt: skip
        self._session, self._changed, self._beside = session, changed, beside
        self.name, self.paths, self._found = name, list(found.paths), found
        self.settings = Settings()
        self._began: dict[str, object] = {}
        self.seen: Seen | None = found.seen
        self.drawn = Drawn()
        self.remark, self._reading = "", False
        self._number = next(_NUMBERS)
        self._head, self._facts = html(""), html("")
        self._kind = pn.widgets.Select(name=text("What {name} is").format(name=name), **WIDE)
        self._controls = pn.Column(margin=0, **WIDE)
        self.use = pn.widgets.Button(name=text("Use it"), button_type="primary", **WIDE)
        self._leave = pn.widgets.Button(name=text("Leave it out"), **WIDE)
        self.show = pn.widgets.Button(name=text("Show it on the map"), visible=False, **WIDE)
        self.content = pn.Column(
            self._head, self._kind, pn.Row(self.use, self._leave, margin=0, **WIDE),
            self._facts, self._controls, self.show,
            css_classes=["lcz-entry"], margin=(0, 0, 12, 0), **WIDE,
        )  # fmt: skip
        self.use.on_click(lambda _: taken(self))
        self._leave.on_click(lambda _: left(self))
        self._watching: Any = None
        self.refill(found)
        self._kind.param.watch(self._chosen, "value")

    @property
    def kind(self) -> FileKind | None:
        """What it is to be taken as; None until that is known."""
        chosen = BY_NAME.get(self._kind.value or "")
        return None if chosen is None else chosen.of

    @property
    def usable(self) -> bool:
        """Whether it can be used: its kind is known, it was read, and files of one input make one."""
        kind = self.kind
        if self._reading or kind is None:
            return False
        return not (kind.at_once and self.seen is not None and self.seen.refused)

    @property
    def asked(self) -> str:
        """What the visitor has to say of it here before it counts; empty where nothing is asked any more."""
        if self.kind is None or self.seen is None:
            return ""
        here = [s for s in self.kind.settings for n in settings_in(self.seen.refused)
                if s == n or s.endswith(f"_{n}")]  # fmt: skip
        return self.seen.refused if here else ""

    def said(self) -> dict[str, object]:
        """What the visitor says of how it is read: the settings that were changed."""
        kind = self.kind
        usual = {n: self.settings.param[n].default for n in (kind.settings if kind else ())}
        now = {n: getattr(self.settings, n) for n in usual}
        return {n: v for n, v in now.items() if v != self._began.get(n, usual[n])}

    def refill(self, found: Found) -> None:
        """Begin anew with what was found: of more files, or with others beside."""
        self._found, self.paths, self.seen = found, list(found.paths), found.seen
        known = [g.kind.name for g in found.guesses if g.why]
        order = [*known, *(k.name for k in kinds_for(self.paths[0]) if k.name not in known)]
        options = {text(BY_NAME[n].label): n for n in order}
        best = found.seen.kind.name if found.seen else ""
        if not best:
            options = {text(_CHOOSE): "", **options}
        self._kind.param.update(options=options, value=best)
        self._build()
        self._read(announce=found.seen is None)

    def look_again(self) -> None:
        """Read it once more, since what lies beside it is another."""
        self._read()

    def _chosen(self, event: Any) -> None:
        if event.new != event.old:
            self._build()
            self._read()

    def _build(self) -> None:
        """The controls of the kind: the study's own settings, apart from the study until the file is used."""
        kind = self.kind
        if self._watching is not None:
            self.settings.param.unwatch(self._watching)
            self._watching = None
        self.settings = Settings()
        if kind is None:
            self._controls.objects = []
            return
        self._began = settings_from(self._session.study, kind)
        self.settings.param.update(**self._began)
        fields = [_control(self.settings, n) for n in kind.settings]
        first, more = fields[:_AT_ONCE], fields[_AT_ONCE:]
        further = [pn.Card(*more, title=text("More on how it is read"), collapsed=True, **WIDE)]
        self._controls.objects = [*first, *(further if more else [])]
        if kind.settings:
            self._watching = self.settings.param.watch(lambda *_: self._read(), [*kind.settings])

    def _read(self, announce: bool = True) -> None:
        """Read it as its kind and settings say, in the background, and tell."""
        kind, paths, settings, beside = self.kind, self.paths, self.settings, self._beside()
        first = self._found.seen
        session = self._session
        known = first if first is not None and not announce and first.kind is kind else None

        def work() -> tuple[Seen | None, Drawn, str]:
            seen = known
            if seen is None and kind is not None:
                seen = read_as(kind, paths, settings=settings, beside=beside)
            remark = ""
            if kind is not None and kind.name in ("map", "reference"):
                remark = elsewhere(paths[0], session.study.scene)
            return seen, drawn(seen, session.colors), remark

        def done(made: tuple[Seen | None, Drawn, str]) -> None:
            self.seen, self.drawn, self.remark = made
            self._reading = False
            self._tell()
            self._changed(self)

        self._reading = known is None
        if known is not None:
            self._tell()
        else:
            said = text("Reading …")
            self.use.disabled = True  # whether something is asked of it is known only then
            self._facts.object = f'<div class="lcz-note" role="status">{said}</div>'
        session.latest(f"look at {self._number}", work, done)

    def _tell(self) -> None:
        kind = self.kind
        self._head.object = (
            f'<h3 class="lcz-found" tabindex="-1">{escape(self.name)}</h3>'
            f'<p class="lcz-note" role="status">{escape(self._sentence())}</p>'
        )
        said = _facts_of(self.seen, self.paths, self.remark)
        self._facts.object = color_scale(self.drawn) + said
        self.use.disabled = not self.usable
        self._controls.visible = self.seen is None or self.seen.asked
        if kind is not None:
            self._kind.description = text(BY_NAME[kind.name].hint)

    def _sentence(self) -> str:
        kind = self.kind
        unknown = in_review(without_folders(self._found.unknown, self.paths))
        guess = next((g for g in self._found.guesses if g.kind is kind), None)
        if kind is None:
            return unknown or text("It is not known what {name} is: choose it below.").format(
                name=self.name
            )
        what = text(kind.title)
        if guess is None or not guess.why:
            return text("Taken as {what}, as you choose: nothing in the file says so.").format(
                what=what
            )
        if guess.assumed:
            said = text(
                "Taken for {what}: {why}. This is assumed: correct it below if it is wrong."
            )
            return said.format(what=what, why=in_review(guess.why))
        return text("This is {what}: {why}.").format(what=what, why=in_review(guess.why))


def _control(settings: Settings, name: str) -> Any:
    one = settings.param[name]
    named = {str(v) or text("as found"): v for v in getattr(one, "objects", ())}
    (widget, *more) = field(settings, name, options=named or None)  # type: ignore[arg-type]
    if name in _MAP_SETTINGS:
        widget.name = text(_MAP_SETTINGS[name])
    return pn.Column(widget, *more, margin=0, **WIDE) if more else widget


def _facts_of(seen: Seen | None, paths: list[Path], remark: str) -> str:
    """What was found, assumed and lost, as markup."""
    if seen is None:
        return ""

    def plain(said: str) -> str:
        return escape(in_review(without_folders(said, paths), seen.kind.name))

    out = []
    if seen.refused:
        out.append(f'<div class="lcz-banner failed" role="alert">{plain(seen.refused)}</div>')
    rows = "".join(
        f"<dt>{escape(f.name)}</dt><dd>{plain(f.value)}"
        + (f' <span class="lcz-how">{plain(clause_in_words(f.how))}</span>' if f.how else "")
        + (f' <span class="lcz-assumed">{text("assumed")}</span>' if f.assumed else "")
        + "</dd>"
        for f in seen.facts
    )
    out.append(f'<dl class="lcz-facts">{rows}</dl>' if rows else "")
    if seen.lost:
        listed = "".join(f"<li>{plain(t)}</li>" for t in seen.lost[:_MOST_LOST])
        said = text("What does not count")
        out.append(f'<p class="lcz-key">{said}</p><ul class="lcz-lost">{listed}</ul>')
    elif not seen.refused and rows:
        out.append(f'<p class="lcz-note">{text("Nothing of it is lost.")}</p>')
    warned = [*seen.cautions, *(t for t in (seen.remark, remark) if t)]
    out += [f'<div class="lcz-banner stale" role="status">{plain(t)}</div>' for t in warned]
    told = "".join(f"<li>{plain(clause_in_words(t))}</li>" for t in seen.said)
    out.append(folded(text("All that was read"), f"<ul>{told}</ul>" if told else ""))
    return "".join(out)


def without_folders(message: str, paths: list[Path]) -> str:
    """A message about files by their names: where the server keeps them is nobody's business."""
    for path in paths:
        message = message.replace(f"{path.parent}/", "")
    return message
