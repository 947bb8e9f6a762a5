"""What a methods text cites, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable

import lczlib

_DOI = re.compile(r"10\.\d{4,9}/[^\s;,\"<>]+")

_ARTICLES: dict[str, tuple[str, str, str, int, str]] = {
    "stewart2012": ("Stewart, I. D. and Oke, T. R.", "Local Climate Zones for Urban Temperature Studies",
                    "Bulletin of the American Meteorological Society", 2012, "10.1175/BAMS-D-11-00019.1"),
    "guo2017": ("Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.",
                "On Calibration of Modern Neural Networks",
                "Proceedings of the 34th International Conference on Machine Learning", 2017,
                "10.48550/arXiv.1706.04599"),
    "kull2019": ("Kull, Meelis and Perello-Nieto, Miquel and K{\\\"a}ngsepp, Markus and Silva Filho, Telmo and "
                 "Song, Hao and Flach, Peter",
                 "Beyond Temperature Scaling: Obtaining Well-Calibrated Multiclass Probabilities with {Dirichlet} "
                 "Calibration", "Advances in Neural Information Processing Systems 32", 2019,
                 "10.48550/arXiv.1910.12656"),
    "bechtel2017": ("Bechtel, Benjamin and Demuzere, Matthias and Sismanidis, Panagiotis and Fenner, Daniel and "
                    "Brousse, Oscar and Beck, Christoph and others",
                    "Quality of Crowdsourced Data on Urban Morphology -- The Human Influence Experiment ({HUMINEX})",
                    "Urban Science", 2017, "10.3390/urbansci1020015"),
    "demuzere2022": ("Demuzere, Matthias and Arg{\\\"u}eso, Daniel and Zonato, Andrea and Kittner, Jonas",
                     "{W2W}: A {Python} package that injects {WUDAPT}'s {Local Climate Zone} information in {WRF}",
                     "Journal of Open Source Software", 2022, "10.21105/joss.04432"),
    "mueller2022": ("M{\\\"u}ller, Sebastian and Sch{\\\"u}ler, Lennart and Zech, Alraune and He{\\ss}e, Falk",
                    "{GSTools} v1.3: a toolbox for geostatistical modelling in {Python}",
                    "Geoscientific Model Development", 2022, "10.5194/gmd-15-3161-2022"),
    "lindberg2018": ("Lindberg, Fredrik and Grimmond, C. S. B. and Gabey, Andrew and Huang, Bei and others",
                     "Urban Multi-scale Environmental Predictor ({UMEP}): An integrated tool for city-based climate "
                     "services", "Environmental Modelling and Software", 2018, "10.1016/j.envsoft.2017.09.020"),
}  # fmt: skip


def entry(key: str) -> str:
    """The BibTeX entry of an article that a text cites; of ``lczlib`` that of the software itself.

    Raises
    ------
    KeyError
        If it is none of these.
    """
    if key == "lczlib":
        return (
            f"@software{{lczlib,\n  title = {{lczlib}},\n  version = {{{lczlib.__version__}}}\n}}"
        )
    author, title, journal, year, doi = _ARTICLES[key]
    return (
        f"@article{{{key},\n  author = {{{author}}},\n  title = {{{title}}},\n  journal = {{{journal}}},\n"
        f"  year = {{{year}}},\n  doi = {{{doi}}}\n}}"
    )


def stated(key: str, title: str, citation: str, url: str = "") -> str:
    """The entry of what states in words how it is to be cited, such as weights and data sets."""
    doi = _DOI.search(citation)
    lines = [f"  title = {{{_plain(title)}}}", f"  note = {{{_plain(citation)}}}"]
    lines += [f"  doi = {{{doi[0].rstrip('.)')}}}"] if doi else []
    lines += [f"  url = {{{url}}}"] if "://" in url else []
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}"


def _plain(text: str) -> str:
    """A text without what BibTeX would read as its own."""
    return re.sub(
        r"([&%#_$])", r"\\\1", text.replace("{", "(").replace("}", ")").replace("\\", "/")
    )


def bibliography(entries: Iterable[str]) -> str:
    """Entries as one file, each once."""
    return "\n\n".join(dict.fromkeys(entries)) + "\n"


def in_words(one: str) -> str:
    """An entry as a reference list says it: authors, year, title, where, DOI.

    Examples
    --------
    >>> in_words(entry("stewart2012")).split(".")[0]
    'Stewart, I'
    """
    fields = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", one, re.M))
    doi = f"doi:{fields['doi']}" if "doi" in fields else fields.get("url", "")
    if "note" in fields:  # it states in words how it is to be cited
        said = _read(fields["note"])
        return f"{_read(fields['title'])}. {said}{'' if fields.get('doi', '') in said else f' {doi}'}".strip()
    authors = re.sub(r" and others$", " et al.", fields.get("author", "")).replace(" and ", "; ")
    year = f" ({fields['year']})" if "year" in fields else ""
    where = fields.get("journal") or f"version {fields.get('version', '')}"
    said = [f"{_read(authors)}{year}".strip(), _read(fields["title"]), _read(where), doi]
    return ". ".join(s for s in said if s) + "."


_ACCENTS = {'\\"u': "ü", "\\ss": "ß", "--": "–"}


def _read(text: str) -> str:
    """A text without BibTeX's own marks."""
    for mark, sign in _ACCENTS.items():
        text = text.replace(f"{{{mark}}}", sign).replace(mark, sign)
    return re.sub(r"\\([&%#_$])", r"\1", text).replace("{", "").replace("}", "")
