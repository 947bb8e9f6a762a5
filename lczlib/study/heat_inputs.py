"""The settings of a heat island, each with its default and what it means (the page's tooltips)."""

from __future__ import annotations

import param

from lczlib.analysis.heat.quality import LEVELS
from lczlib.classes import CLASSES
from lczlib.kinds import Kind
from lczlib.scenes.thermal import PLAUSIBLE
from lczlib.scenes.thermal_products import PRODUCTS


def _files(doc: str) -> param.ClassSelector:
    return param.ClassSelector(default=(), class_=tuple, doc=doc)


class HeatInputs(param.Parameterized):
    """What the heat island of a study is computed with: the options of ``lcz uhi``."""

    heat_kind = param.Selector(default="surface", objects=["surface", "canopy", "air"])
    heat_map = param.String(str(Kind.FUSED), doc="The map whose zones are compared.")
    heat_reference = param.Selector(
        default="D", objects=[c.code for c in CLASSES],
        doc="Class that the others are compared with. D (low plants) is the usual one; the heat "
        "island of another reference is another quantity.",
    )  # fmt: skip
    heat_fallback = param.Boolean(
        False,
        doc="Where there is too little of LCZ D, let LCZ C stand in for it, and after that what there is "
        "of LCZ D; the result then says so. Off: temperatures and no differences without LCZ D.",
    )
    heat_statistic = param.Selector(
        default="usual", objects=["usual", "median", "mean"],
        doc="Usual: median of the pixels (surface), mean of the hours (canopy).",
    )  # fmt: skip
    heat_confidence = param.Number(
        0.95, bounds=(0.5, 0.995), doc="Of the intervals: 0.95 holds the truth 19 times of 20."
    )
    heat_replicates = param.Integer(
        1000, bounds=(100, 10000),
        doc="Bootstrap draws: more make the interval's ends steadier, and take longer. The canopy "
        "heat island takes 500 at most.",
    )  # fmt: skip
    heat_seed = param.Integer(
        0, bounds=(0, 2**31 - 1), doc="Of all random draws: the same seed, the same intervals."
    )

    thermal_files = _files("Own thermal rasters, one or several dates.")
    air_files = _files("Own rasters of air temperature, one or several dates.")
    quality_files = _files("Quality layer of the thermal raster.")
    elevation_files = _files("Elevation raster in metres.")
    heat_time = param.Selector(
        default="day", objects=["day", "night"],
        doc="Overpass of the demo city; of several own rasters those of day or night. Day and "
        "night are never mixed.",
    )  # fmt: skip
    heat_product = param.Selector(
        default="", objects=["", *PRODUCTS],
        doc="Thermal product of an own raster; by default known by its file name.",
    )  # fmt: skip
    heat_unit = param.Selector(
        default="", objects=["", "K", "degC", "degF"],
        doc="Unit of own temperatures, where the file does not say.",
    )  # fmt: skip
    heat_band = param.String("", doc="Band with the temperature: number or name.")
    heat_constants = param.String(
        "",
        doc="Landsat Level-1 only: radiance multiplier, radiance offset, K1 and K2 of the MTL file, "
        "separated by commas.",
    )
    heat_acquired = param.String(
        "", doc="Acquisition in UTC (2023-09-09T10:02), one for each own raster, by commas."
    )
    heat_plausible = param.Range(
        PLAUSIBLE, bounds=(-100, 120),
        doc="Temperatures outside this range (°C) are masked: cloud edges, fill values.",
    )  # fmt: skip
    heat_resample = param.Selector(
        default="", objects=["", "nearest", "mode", "average"],
        doc="How raster and map come to one grid: nearest or mode bring the classes to the thermal "
        "grid, average the temperature to the map's. By default the finer goes to the coarser.",
    )  # fmt: skip
    heat_interior = param.Integer(
        1, bounds=(0, 5),
        doc="Pixels eroded from the border of each patch: mixed pixels there blur the zones. 0 uses "
        "all.",
    )  # fmt: skip
    heat_min_pixels = param.Integer(
        30,
        bounds=(1, 10000),
        doc="A class with fewer pixels has its temperature told, no difference.",
    )
    heat_min_patches = param.Integer(
        3, bounds=(1, 100), doc="A class in fewer patches has its temperature told, no difference."
    )
    heat_elevation_band = param.Number(
        100.0, bounds=(1, 5000),
        doc="With an elevation raster: reference patches that lie higher or lower than a class by "
        "more than this are left out, since air cools upwards.",
    )  # fmt: skip
    heat_water_distance = param.Number(
        0.0,
        bounds=(0, 10000),
        doc="Reference pixels nearer than this to LCZ G are left out; 0 keeps all.",
    )
    heat_block_size = param.Number(
        0.0, bounds=(0, 50000),
        doc="Side of a bootstrap block in metres; 0 takes four times the distance over which the "
        "temperatures' residuals go together.",
    )  # fmt: skip
    heat_map_error = param.Boolean(
        False,
        doc="Carry the map's own error: classes are drawn anew from their probabilities, and the "
        "interval holds the pull of cells that the map has wrong. Needs a map made here.",
    )
    heat_persistence = param.Number(
        1.0, bounds=(-10, 30),
        doc="With several dates: a pixel is hot on a date when it is this many K above the reference.",
    )  # fmt: skip

    station_files = _files("Own air temperatures, and their sites.")
    station_class_files = _files("Classes of stations set by hand.")
    weather_files = _files("Hourly wind and cloud, for calm and clear hours.")
    heat_radius = param.Number(
        250.0, bounds=(10, 2000),
        doc="The commonest zone of the map within this circle (m) is the station's.",
    )  # fmt: skip
    heat_quality = param.ListSelector(
        ["duplicates", "correlation"], objects=list(LEVELS),
        doc="Quality control after CrowdQC+: same place, outlying values, months with many of them, "
        "months unlike the network, values unlike the neighbours. The levels of outliers are for "
        "dense private networks: in a small one they take the hottest street for an error.",
    )  # fmt: skip
    heat_lapse_rate = param.Number(
        0.0, bounds=(0, 0.02),
        doc="K per metre by which stations are brought to one height; 0 leaves them as measured, "
        "0.0065 is the standard atmosphere. Needs every station's elevation.",
    )  # fmt: skip
    heat_wave = param.Number(
        None, bounds=(-20, 60), allow_None=True,
        doc="Daily maximum (°C) at the reference that a day of a heat wave exceeds; empty: the "
        "95th percentile of the record.",
    )  # fmt: skip
    heat_calm_wind = param.Number(
        2.0, bounds=(0, 20), doc="With weather: hours with at most this wind (m/s) are calm."
    )
    heat_clear_cloud = param.Number(
        2.0, bounds=(0, 8), doc="With weather: hours with at most this cloud (oktas) are clear."
    )
    heat_time_zone = param.String(
        "", doc="Of own station times that carry none: UTC, Europe/Berlin, Etc/GMT-1."
    )
    heat_time_format = param.String(
        "",
        doc="Of own times, where two readings fit: dayfirst, monthfirst, unix, excel, or a pattern such "
        "as %d.%m.%Y %H:%M; empty: found from the whole column.",
    )
    heat_ambiguous = param.Selector(
        default="raise", objects=["raise", "infer", "earlier", "later", "drop"],
        doc="The hour that a clock shows twice in autumn: refuse, infer from the order of rows, take "
        "it for the earlier or later one, or drop it.",
    )  # fmt: skip
    heat_columns = param.String(
        "",
        doc="Columns of own stations and their sites, in whichever of the two files, where the names "
        "are unusual: time=NAME,station=NAME,latitude=NAME,…; time=DATE+CLOCK joins two.",
    )
    heat_air_unit = param.Selector(
        default="", objects=["", "degC", "degF", "K"],
        doc="Unit of own stations' temperatures; by default as the column's name and the values tell.",
    )  # fmt: skip
    heat_skip_outside = param.Boolean(
        False,
        doc="Leave stations outside the map, or without coordinates, out, and name them; off: none "
        "is left out, and the run stops.",
    )


HEAT_INPUTS = tuple(n for n in HeatInputs.param if n != "name")
