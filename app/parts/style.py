"""The page's own style sheet."""

RAW_CSS = """
.lcz-legend { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(265px, 100%), 1fr)); gap: 2px 34px;
  font-size: 13px; line-height: 1.35; }
.lcz-legend .row { min-width: 0; display: flex; gap: 8px; align-items: flex-start; }
.lcz-legend .row.off { opacity: .45; }
.lcz-legend .row:has(details[open]) { grid-column: 1 / -1; }
.lcz-legend details { flex: 1; min-width: 0; }
.lcz-legend button.swatch { width: 24px; height: 18px; padding: 0; cursor: pointer; margin-top: 1px; }
.lcz-legend button.swatch[aria-pressed=true] { outline: 2px solid #c2410c; outline-offset: 1px; }
.lcz-legend summary { display: flex; align-items: center; gap: 7px; cursor: pointer; list-style: none; }
.lcz-legend summary:hover .what { text-decoration: underline; }
.swatch { display: inline-block; vertical-align: -2px; width: 15px; height: 15px; border-radius: 3px; flex: none;
  border: 1px solid rgba(128,128,128,.6); }
.lcz-legend .what { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.lcz-legend .area { font-variant-numeric: tabular-nums; opacity: .8; white-space: nowrap; }
.lcz-note { font-size: 13px; line-height: 1.45; opacity: .88; }
.lcz-note p { margin: .3em 0; }
.lcz-answer { font-size: 17px; line-height: 1.5; border-left: 4px solid #d97706; padding: 4px 14px; }
.lcz-heading { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0; }
.lcz-banner { padding: 9px 14px; border-radius: 6px; font-size: 14px; line-height: 1.4; }
.lcz-banner + .lcz-banner { margin-top: 6px; }
.lcz-banner.stale { background: #fde68a; color: #3b2a00; }
.lcz-banner.failed { background: #fecaca; color: #450a0a; }
.lcz-banner.info { background: rgba(96,125,139,.16); }
.lcz-table { border-collapse: collapse; font-size: 13px; width: 100%; font-variant-numeric: tabular-nums; }
.lcz-table th, .lcz-table td { padding: 3px 9px; text-align: right;
  border-bottom: 1px solid rgba(128,128,128,.28); white-space: nowrap; }
.lcz-table th:first-child, .lcz-table td:first-child { text-align: left; }
.lcz-scroll { overflow-x: auto; }
.lcz-key { font-size: 12px; text-transform: uppercase; letter-spacing: .05em; opacity: .7; margin: 8px 0 0; }
.lcz-class { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 4px 0 10px; font-size: 13px; }
.lcz-class svg { width: 300px; max-width: 100%; border-radius: 6px; flex: none; align-self: flex-start; }
.lcz-class > div { flex: 1 1 260px; }
.lcz-class p { margin: 0 0 4px; }
.lcz-class dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 10px; margin: 0; }
.lcz-class dt { opacity: .75; }
.lcz-class dd { margin: 0; font-variant-numeric: tabular-nums; }
.lcz-zone summary { cursor: pointer; }
.lcz-zone summary .swatch { margin-right: 6px; }
details.lcz-help { font-size: 13px; line-height: 1.45; margin: 6px 0; }
details.lcz-help > summary { cursor: pointer; font-weight: 600; }
"""

TEMPLATE_CSS = """
#header { min-height: 46px; }
.lcz-nav { overflow-x: auto; }
#main { padding: 4px; }
/* On a phone the settings start closed: the button's "hidden" then means shown, over the page. */
@media (max-width: 700px) {
  #content #sidebar {
    position: absolute; z-index: 60; min-width: 0; max-width: 0; overflow: hidden; padding: 0; border: 0; }
  #content #sidebar.hidden { min-width: 88vw; max-width: 88vw; overflow-y: auto; padding: 12px; }
}
@media (max-width: 700px) { #header .app-header a.title { font-size: 15px; } .title { font-size: 16px !important; } }
"""

WRAP_CSS = """
.bk-btn-group { flex-wrap: wrap; }
.bk-btn { flex: 1 0 auto; white-space: nowrap; }
.bk-btn-group .bk-btn:not(.bk-active) { color: var(--neutral-foreground-rest) !important; }
.bk-btn-group .bk-btn.bk-active { box-shadow: inset 0 -3px 0 #c2410c !important; font-weight: 600; }
"""
"""Of a row of buttons: labels stay whole and wrap to a second row where the page is narrow; those not
chosen are no paler than other text, which would look as if they could not be."""

NAV_CSS = (
    WRAP_CSS
    + """
.bk-btn { padding: 7px 14px; font-size: 14px; }
.bk-btn-group .bk-btn.bk-btn-primary.bk-active { color: #ffffff !important; }
"""
)
