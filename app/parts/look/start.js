// Before anything is drawn: the theme that the visitor's system asks for, and one style sheet for all
// shadow roots, each of which would else need it sent along. What a visitor has unfolded stays so when
// its figures come anew.
(() => {
  const here = new URL(window.location.href)
  if (!here.searchParams.has('theme') && matchMedia('(prefers-color-scheme: dark)').matches) {
    here.searchParams.set('theme', 'dark')
    window.location.replace(here)
  }
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(WIDGETS)
  const unfolded = new Set()
  const attach = Element.prototype.attachShadow
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options)
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]
    root.addEventListener('toggle', ({target}) => {
      if (target.matches('.lcz-fold')) unfolded[target.open ? 'add' : 'delete'](target.firstChild.textContent)
    }, true)
    new MutationObserver(() => {
      for (const fold of root.querySelectorAll('.lcz-fold:not([open])'))
        if (unfolded.has(fold.firstChild.textContent)) fold.open = true
    }).observe(root, {childList: true, subtree: true})
    return root
  }
})()
