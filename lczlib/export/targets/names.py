"""Names of the 17 classes in six languages, for legends.

English: Stewart & Oke (2012, doi 10.1175/BAMS-D-11-00019.1). French: after the legend of Cerema's LCZ of
French cities and of GeoClimate. German, Spanish, Portuguese and Chinese: as in publications of these
languages; no standard translation exists, and the code before the name is what is the same everywhere.
"""

from __future__ import annotations

from lczlib.classes import CLASSES, LczClass
from lczlib.texts import ENGLISH, language

_NAMES: dict[str, tuple[str, ...]] = {
    "en": tuple(c.name for c in CLASSES),
    "de": (
        "dichte Hochhausbebauung", "dichte mittelhohe Bebauung", "dichte niedrige Bebauung",
        "offene Hochhausbebauung", "offene mittelhohe Bebauung", "offene niedrige Bebauung",
        "niedrige Leichtbauweise", "großflächige niedrige Bebauung", "lockere Einzelbebauung", "Schwerindustrie",
        "dichter Baumbestand", "lockerer Baumbestand", "Busch- und Strauchland", "niedrige Vegetation",
        "Fels oder versiegelte Fläche", "offener Boden oder Sand", "Wasser",
    ),
    "es": (
        "edificios altos compactos", "edificios medios compactos", "edificios bajos compactos",
        "edificios altos abiertos", "edificios medios abiertos", "edificios bajos abiertos",
        "edificios bajos ligeros", "edificios bajos grandes", "edificación dispersa", "industria pesada",
        "arbolado denso", "arbolado disperso", "arbustos o matorral", "vegetación baja",
        "roca desnuda o pavimento", "suelo desnudo o arena", "agua",
    ),
    "fr": (
        "ensemble compact de tours", "ensemble compact d'immeubles", "ensemble compact de maisons",
        "ensemble de tours espacées", "ensemble d'immeubles espacés", "ensemble de maisons espacées",
        "ensemble dense de constructions légères", "constructions basses de grande emprise",
        "implantation diffuse de maisons", "industrie lourde", "espace densément arboré",
        "espace arboré clairsemé", "espace végétalisé hétérogène", "végétation basse",
        "sol imperméable naturel ou artificiel", "sol nu perméable", "surface en eau",
    ),
    "pt": (
        "edifícios altos compactos", "edifícios médios compactos", "edifícios baixos compactos",
        "edifícios altos abertos", "edifícios médios abertos", "edifícios baixos abertos",
        "edifícios baixos leves", "edifícios baixos de grande porte", "edificação esparsa", "indústria pesada",
        "árvores densas", "árvores esparsas", "arbustos ou matagal", "vegetação rasteira",
        "rocha exposta ou pavimento", "solo exposto ou areia", "água",
    ),
    "zh": (
        "紧凑高层建筑", "紧凑中层建筑", "紧凑低层建筑", "开敞高层建筑", "开敞中层建筑", "开敞低层建筑",
        "轻质低层建筑", "大型低层建筑", "零散建筑", "重工业", "茂密树木", "稀疏树木", "灌木或矮林", "低矮植被",
        "裸岩或铺装地面", "裸土或沙地", "水体",
    ),
}  # fmt: skip
LANGUAGES = tuple(_NAMES)


def name_of(zone: LczClass, language: str = "en") -> str:
    """The name of a class in a language.

    Examples
    --------
    >>> name_of(CLASSES[16], "de")
    'Wasser'
    """
    return _NAMES[language][zone.number - 1]


def zone_name(zone: LczClass) -> str:
    """The name of a class in the language of whoever reads it (`lczlib.texts`); in English where it has none."""
    code = language()
    return name_of(zone, code if code in LANGUAGES else ENGLISH)


def zone_label(zone: LczClass) -> str:
    """Code and name in that language, such as ``LCZ A dense trees``: the code is the same everywhere."""
    return f"LCZ {zone.code} {zone_name(zone)}"


def label_of(zone: LczClass, language: str = "en") -> str:
    """Code and name, for legends: ``LCZ G Wasser``."""
    return f"LCZ {zone.code} {name_of(zone, language)}"
