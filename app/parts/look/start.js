// Before anything is drawn: the theme that the visitor's system asks for, and one style sheet for all
// shadow roots, each of which would else need it sent along.
(() => {
  const here = new URL(window.location.href)
  if (!here.searchParams.has('theme') && matchMedia('(prefers-color-scheme: dark)').matches) {
    here.searchParams.set('theme', 'dark')
    window.location.replace(here)
  }
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(WIDGETS)
  const attach = Element.prototype.attachShadow
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options)
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]
    return root
  }
})()
