"""The settings of the heat island: the options of `lcz uhi`, each with what it means."""

from __future__ import annotations

from typing import Any

import panel as pn

from lczlib.analysis.heat.quality import LEVELS
from lczlib.classes import CLASSES
from lczlib.study import Study

from ..parts.markup import html
from ..parts.style import WRAP_CSS

_WIDE = {"sizing_mode": "stretch_width"}


def common(study: Study) -> pn.Column:
    """What both heat islands are computed with."""
    return pn.Column(
        _choice(
            study, "heat_reference", "Compare with",
            {f"LCZ {c.code} {c.name}": c.code for c in CLASSES},
        ),
        *_switch(study, "heat_fallback", "Stand-in (LCZ C) where there is too little of LCZ D"),
        _buttons(study, "heat_statistic", "Statistic"),
        **_WIDE,
    )  # fmt: skip


def surface(study: Study) -> pn.Column:
    """What the heat islands of rasters, of the surface and of the air, are computed with."""
    return pn.Column(
        _buttons(study, "heat_time", "Overpass"),
        *_switch(study, "heat_map_error", "Carry the map's own error"),
        _card(
            "Pixels that count",
            _whole(study, "heat_interior", "Border pixels left out"),
            _whole(study, "heat_min_pixels", "Fewest pixels of a class"),
            _whole(study, "heat_min_patches", "Fewest patches of a class"),
            _real(study, "heat_elevation_band", "Elevation band (m)", 10),
            _real(study, "heat_water_distance", "Distance to water (m)", 50),
            *_range(study, "heat_plausible", "Plausible temperatures (°C)"),
            _choice(
                study, "heat_resample", "Resampling",
                {"finer to coarser grid": "", **{n: n for n in ("nearest", "mode", "average")}},
            ),
        ),
        _card(
            "Own rasters",
            _choice(
                study, "heat_product", "Product",
                {"by the file's name": "", **{n: n for n in study.param.heat_product.objects if n}},
            ),
            _choice(study, "heat_unit", "Unit", {"as the file says": "", "K": "K", "°C": "degC", "°F": "degF"}),
            _text(study, "heat_band", "Band"),
            _text(study, "heat_acquired", "Acquired (UTC)"),
            _text(study, "heat_constants", "Landsat Level-1 constants"),
            _real(study, "heat_persistence", "Hot from (K above the reference)", 0.5),
        ),
        **_WIDE,
    )  # fmt: skip


def canopy(study: Study) -> pn.Column:
    """What the canopy heat island alone is computed with."""
    return pn.Column(
        _real(study, "heat_radius", "Radius around a station (m)", 50),
        _card(
            "Quality and height",
            pn.widgets.MultiChoice.from_param(
                study.param.heat_quality, name="Quality control", options=list(LEVELS), **_WIDE
            ),
            _real(study, "heat_lapse_rate", "Lapse rate (K per m)", 0.0005),
        ),
        _card(
            "Calm and clear hours, heat waves",
            _hint("Hourly wind and cloud: upload them on the City page. Then choose the calm and "
                  "clear nights above the table."),
            _real(study, "heat_calm_wind", "Calm up to (m/s)", 0.5),
            _real(study, "heat_clear_cloud", "Clear up to (oktas)", 0.5),
            _real(study, "heat_wave", "Heat wave from a daily maximum of (°C)", 1),
        ),
        _card(
            "Own stations",
            _text(study, "heat_time_zone", "Time zone"),
            _text(study, "heat_time_format", "Format of times"),
            _choice(
                study, "heat_ambiguous", "Hour shown twice",
                {n: n for n in study.param.heat_ambiguous.objects},
            ),
            _text(study, "heat_columns", "Columns"),
            *_switch(study, "heat_skip_outside", "Leave stations outside the map out"),
            _choice(
                study, "heat_air_unit", "Unit of the air temperatures",
                {
                    u.replace("deg", "°") or "by the values": u
                    for u in study.param.heat_air_unit.objects
                },
            ),
            _choice(
                study, "heat_class_scheme", "Numbering of classes",
                {n or "1-17 unless asked": n for n in study.param.heat_class_scheme.objects},
            ),
        ),
        **_WIDE,
    )  # fmt: skip


def intervals(study: Study) -> pn.Card:
    """How the intervals are drawn."""
    return _card(
        "Intervals",
        _real(study, "heat_confidence", "Confidence", 0.01),
        _whole(study, "heat_replicates", "Bootstrap replicates", 100),
        _whole(study, "heat_seed", "Seed"),
        _real(study, "heat_block_size", "Bootstrap block (m, surface)", 100),
    )


def _card(title: str, *parts: Any) -> pn.Card:
    return pn.Card(*parts, title=title, collapsed=True, margin=(4, 5), **_WIDE)


def _hint(text: str) -> pn.pane.HTML:
    return html(f'<div class="lcz-note">{text}</div>', margin=(-2, 10, 6, 10))


def _whole(study: Study, name: str, label: str, step: int = 1) -> pn.widgets.IntInput:
    return pn.widgets.IntInput.from_param(study.param[name], name=label, step=step, **_WIDE)


def _real(study: Study, name: str, label: str, step: float) -> pn.widgets.FloatInput:
    return pn.widgets.FloatInput.from_param(study.param[name], name=label, step=step, **_WIDE)


def _text(study: Study, name: str, label: str) -> pn.widgets.TextInput:
    return pn.widgets.TextInput.from_param(study.param[name], name=label, **_WIDE)


def _choice(study: Study, name: str, label: str, options: dict[str, str]) -> pn.widgets.Select:
    return pn.widgets.Select.from_param(study.param[name], name=label, options=options, **_WIDE)


def _buttons(study: Study, name: str, label: str) -> pn.widgets.RadioButtonGroup:
    return pn.widgets.RadioButtonGroup.from_param(
        study.param[name], name=label, button_style="outline", stylesheets=[WRAP_CSS], **_WIDE
    )


def _switch(study: Study, name: str, label: str) -> tuple[Any, Any]:
    """A checkbox; it has no tooltip, so what it means stands below."""
    box = pn.widgets.Checkbox.from_param(study.param[name], name=label, **_WIDE)
    return box, _hint(study.param[name].doc)


def _range(study: Study, name: str, label: str) -> tuple[Any, Any]:
    slider = pn.widgets.RangeSlider.from_param(study.param[name], name=label, step=1, **_WIDE)
    return slider, _hint(study.param[name].doc)
