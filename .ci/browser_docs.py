"""Look at the site in `_docs/` in Chromium, opened from the disk: does a page ask for something elsewhere, is one wider
than a phone, is a picture missing, does the search find something?

    python .ci/browser_docs.py [--shots FOLDER] [PAGE…]    all pages without names; pictures of each, if asked for

Without Chromium or playwright it is skipped with a message."""
import sys
from importlib.util import find_spec
from pathlib import Path

from browser import FLAGS, chromium

site = Path(__file__).resolve().parent.parent/'_docs'
sizes = dict(desk=dict(width=1280, height=900), phone=dict(width=390, height=844))
OVERFLOW = '[document.documentElement, document.body].reduce((n,o) => Math.max(n, o.scrollWidth-innerWidth), 0)'
BROKEN = "[...document.images].filter(o => o.complete && !o.naturalWidth).map(o => o.src)"
INSIDE = ('file:','data:','blob:','about:')

def watched(browser, name, faults):
    "A page of one size; what goes wrong on it is appended to `faults`"
    page = browser.new_page(viewport=sizes[name])
    page.on('request', lambda o: faults.extend([] if o.url.startswith(INSIDE) else [f'request to {o.url}']))
    page.on('pageerror', lambda o: faults.append(f'{page.url}: {o}'))
    def failed(o):
        if o.failure!='net::ERR_ABORTED': faults.append(f'{page.url}: {o.url} cannot be loaded') # not by the next page
    page.on('requestfailed', failed)
    return page

def look(page, name, file, faults):
    "Open a file; faults are appended"
    page.goto(file.as_uri())
    if (n := page.evaluate(OVERFLOW))>0: faults.append(f'{file.name}: {n} pixels wider than a {name}')
    faults += [f'{file.name}: no picture {o}' for o in page.evaluate(BROKEN)]

def shoot(browser, file, shots):
    "Pictures of a page: both sizes, light and dark"
    for name,size in sizes.items():
        for scheme in ('light','dark'):
            page = browser.new_page(viewport=size, color_scheme=scheme)
            page.goto(file.as_uri())
            page.wait_for_timeout(300)
            page.screenshot(path=shots/f'{file.stem}_{name}_{scheme}.png')
            page.close()

def search(page, word, expected):
    "The addresses that a search finds"
    page.goto((site/'index.html').as_uri())
    page.click('.md-search__input')
    page.keyboard.type(word)
    page.wait_for_selector('.md-search-result__link', timeout=20_000)
    found = page.eval_on_selector_all('.md-search-result__link', 'all => all.map(o => o.href)')
    return [] if any(expected in o for o in found) else [f'a search for {word} does not find {expected}']

def main(files, shots):
    "Visit all files; return the faults"
    from playwright.sync_api import sync_playwright
    faults = []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        visits = {o: watched(browser, o, faults) for o in sizes}
        for name,page in visits.items():
            for o in files: look(page, name, o, faults)
        faults += search(visits['desk'], 'estimate_threshold', 'thresholds.html')
        for o in files if shots else (): shoot(browser, o, shots)
        browser.close()
    return faults

if __name__=='__main__':
    args = sys.argv[1:]
    shots = Path(args.pop(args.index('--shots')+1)) if '--shots' in args else None
    names = [o for o in args if not o.startswith('--')]
    if not (chromium() and find_spec('playwright')): sys.exit(print('skipped: there is no Chromium, or no playwright'))
    if shots: shots.mkdir(parents=True, exist_ok=True)
    files = [site/f'{o}.html' for o in names] or sorted(o for o in site.glob('*.html') if o.name!='404.html')
    faults = main(files, shots)
    if faults: sys.exit('\n'.join(faults))
    print(f'{len(files)} pages: nothing asked for elsewhere, readable on a phone, search works')
