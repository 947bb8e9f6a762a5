// What the header has (the language; the theme; the settings beside the map, on a phone below it), and maps as high
// as the window.
(() => {
  const [main, menu] = [document.getElementById('main'), document.getElementById('menu')]
  const phone = matchMedia('(max-width: 760px)')
  const fold = (folded) => {
    main.classList.toggle('folded', folded)
    menu.setAttribute('aria-expanded', String(!folded))
  }
  fold(phone.matches)
  phone.addEventListener('change', () => fold(phone.matches))
  menu.addEventListener('click', () => fold(!main.classList.contains('folded')))
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && phone.matches && !main.classList.contains('folded')) { fold(true); menu.focus() }
  })
  document.getElementById('theme').addEventListener('click', () => {
    const to = new URL(window.location.href)
    to.searchParams.set('theme', document.documentElement.dataset.theme === 'dark' ? 'default' : 'dark')
    window.location.assign(to)
  })
  const tongues = document.getElementById('language')
  for (const one of tongues.querySelectorAll('button')) one.addEventListener('click', () => {
    const to = new URL(window.location.href)
    to.searchParams.set('lang', one.lang)
    window.location.assign(to)
  })
  document.addEventListener('click', (event) => { if (!tongues.contains(event.target)) tongues.open = false })
  tongues.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && tongues.open) { tongues.open = false; tongues.firstElementChild.focus() }
  })
  window.sizeMaps = () => {
    const [top, notices] = [45, document.getElementById('notices').offsetHeight]
    for (const doc of Bokeh.documents) for (const model of doc._all_models.values()) {
      if (model.tags?.[0] !== 'as high as the window') continue
      const wide = model.properties.outer_width.is_unset ? Infinity : model.outer_width  // not drawn yet
      const high = phone.matches ? Math.min(window.innerWidth, 0.62 * window.innerHeight)
        : Math.max(340, Math.min(window.innerHeight - top - notices - model.tags[1], 1.15 * wide))
      if (Math.abs(model.height - high) > 1) model.setv({height: Math.round(high)}, {sync: false})
    }
  }
  window.showStep = () => {  // where the row of pages is wider than the screen
    const row = document.getElementById('pages')
    const step = row.querySelector('.lcz-nav')?.shadowRoot?.querySelector('.bk-active')
    if (step) row.scrollLeft = step.offsetLeft - (row.clientWidth - step.offsetWidth) / 2
  }
  const later = () => window.requestAnimationFrame(() => {
    if (window.Bokeh) window.sizeMaps()
    window.showStep()
  })
  window.addEventListener('resize', later)
  new ResizeObserver(later).observe(document.getElementById('notices'))
})()
