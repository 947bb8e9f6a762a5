// The two buttons of the header: the theme, and the settings beside (on a phone: below) the map.
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
})()
