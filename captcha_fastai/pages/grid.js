// The grid of sure readings, sorted by text: the odd ones out are marked, and all others are accepted at once. Loaded before label.js,
// whose functions it uses.
'use strict'
let accepting = false
let notBefore = 0 // a second press of the key that accepted one grid does not accept the next
async function openGrid(keys = 1) { // the key that opens it counts
  try {
    const {items} = await ask('grid', {n: 60})
    if (!items.length)
      return closeGrid(), say(state.only_random ? $('grid-none').textContent : 'There are no sure readings left to accept.')
    $('cells').style.setProperty('--wide', '0px')
    $('cells').replaceChildren(...items.map(cell))
    keysHere = keys
    notBefore = keys ? 0 : performance.now() + 700
    scrollTo(0, 0)
    $('single').hidden = !($('grid').hidden = false)
    document.body.classList.add('gridding')
    $('cells').querySelector('button').focus()
    countGrid()
  } catch (e) { closeGrid(); say(why(e)) }
}
function closeGrid(keys = 0) {
  if ($('grid').hidden) return refocus()
  $('single').hidden = !($('grid').hidden = true)
  document.body.classList.remove('gridding')
  fill(true)
  paint(null, keys)
}
function cell(o, i) {
  const img = new Image()
  Object.assign(img, {alt: '', onload: () => widen(img), src: 'image?file=' + encodeURIComponent(o.file)})
  const b = element('button', '', img, element('span', '', o.text), element('small', '', percent(o.probability)))
  Object.assign(b, {type: 'button', item: o, tabIndex: i ? -1 : 0, onclick: () => { mark(b) }})
  b.setAttribute('aria-pressed', 'false')
  b.setAttribute('aria-label', `${o.text}, image ${o.file}; wrong?`)
  return element('li', '', b)
}
function widen(img) { // the columns are as wide as the widest image, within limits that the style sets
  const wide = Math.max(img.naturalWidth, parseFloat($('cells').style.getPropertyValue('--wide')))
  $('cells').style.setProperty('--wide', wide + 'px')
}
const cells = () => [...$('cells').querySelectorAll('button')]
const marked = b => b.getAttribute('aria-pressed') == 'true'
function mark(b) { b.setAttribute('aria-pressed', String(!marked(b))); countGrid() }
function countGrid() {
  const wrong = cells().filter(marked).length, more = state.n_sure - cells().length
  $('grid-accept').replaceChildren(`Accept ${cells().length - wrong}` + (wrong ? `, label ${wrong} one by one ` : ' '), kbd('Enter'))
  $('grid-hint').textContent = (touch ? 'Tap each image whose text is wrong.'
    : 'Click each image whose text is wrong (arrow keys move, Space marks).') + ' Marked images are labelled one by one.' + (more > 0 ? ` Then ${more} more readings follow here.` : '')
}
async function acceptGrid() {
  if (accepting || performance.now() < notBefore) return
  const more = state.n_sure > cells().length, keys = Math.min(keysHere, 999)
  const good = cells().filter(b => !marked(b)).map(b => ({file: b.item.file, text: b.item.text}))
  const odd = cells().filter(marked).map(b => load({...b.item, why: 'odd', again: true}))
  const files = new Set([...good, ...odd].map(o => o.file))
  ahead = [...odd, now, ...ahead].filter((o, i) => o && (i < odd.length || !files.has(o.file)))
  now = ahead.shift() ?? null
  push({name: 'accept', body: {items: good, odd: odd.map(o => o.file), keys}})
  if (!more) return closeGrid()
  accepting = true
  if (await settled()) await openGrid(0); else closeGrid() // the next ones at once, if the server answers
  accepting = false
}
async function settled() {
  for (let i = 0; i < 60 && (queue.length || sending); i++) await new Promise(done => setTimeout(done, 50))
  return !queue.length
}
function gridKey(k, repeated) {
  if (accepting) return true
  if (k == 'Escape') return closeGrid(keysHere), true
  if (k == 'Enter' && repeated) return true
  if (k == 'Enter' && cells().includes(document.activeElement)) return acceptGrid(), true
  return k.startsWith('Arrow') && moveGrid(k)
}
function moveGrid(k) {
  const all = cells(), i = all.indexOf(document.activeElement)
  if (i < 0) return false
  const columns = all.filter(b => b.parentNode.offsetTop == all[0].parentNode.offsetTop).length
  const to = all[i + {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[k]]
  if (to) { all[i].tabIndex = -1; to.tabIndex = 0; to.focus() }
  return true
}
