"""What the browser does of a map by itself: fits it to its width, draws the scale, clears tooltips."""

FIT_JS = """
if (fig.properties.inner_width.is_unset) return  // it has not been drawn: it is fitted once it is
const {x, y} = box.data
const [w, h] = [fig.inner_width, fig.inner_height]
if (x.length < 2 || !w || !h) return
const [rx, ry] = [fig.x_range, fig.y_range]
const [a, b, wide, was_moved] = box.tags
const whole = Math.max((x[1] - x[0]) / w, (y[1] - y[0]) / h)
const [wx, wy] = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2]
// a view that the visitor has moved keeps its middle and its metres per pixel, in both directions
const moved = cb_obj !== box && a != null
    && (was_moved || Math.abs(rx.start - a) > 1e-3 || Math.abs(rx.end - b) > 1e-3)
const scale = moved ? (rx.end - rx.start) / wide : whole
const [cx, cy] = moved ? [(rx.start + rx.end) / 2, (ry.start + ry.end) / 2] : [wx, wy]
const to = (r, c, n, home) => r.setv({start: c - scale * n / 2, end: c + scale * n / 2,
                                      reset_start: home - whole * n / 2, reset_end: home + whole * n / 2})
to(rx, cx, w, wx)
to(ry, cy, h, wy)
box.tags = [rx.start, rx.end, w, moved]
"""
FORGET_JS = """
for (const tool of tools) {
  const view = cb_context.index.find_one(tool)
  if (view) for (const [, tip] of view.ttmodels) tip.clear()
}
"""
"""What a tooltip says is of the layer that was there: it comes anew with the pointer's next move."""
SCALE_JS = """
if (fig.properties.inner_width.is_unset) return  // a linked map that is not on the page
const {start, end} = fig.x_range
const middle = (fig.y_range.start + fig.y_range.end) / 2
// web mercator's metres are shorter on the ground, by latitude
const metres = (end - start) / fig.inner_width / Math.cosh(middle / 6378137)
const shown = fig.inner_width > 50 && metres > 0 && fig.y_range.end - fig.y_range.start < 2e6
if (shown) {
  const most = 0.22 * Math.min(fig.inner_width, 700) * metres
  const power = 10 ** Math.floor(Math.log10(most))
  const length = power * [5, 2, 1].find(n => n * power <= most)
  const text = (length >= 1000 ? `${length / 1000} km` : `${+length.toPrecision(1)} m`) + '  N ↑'
  bar.setv({right: bar.left + length / metres}, {sync: false})  // the server need not know
  told.setv({text}, {sync: false})
}
for (const part of [bar, told]) part.setv({visible: shown}, {sync: false})
"""
"""Where one length holds for the whole view, within about a tenth."""
