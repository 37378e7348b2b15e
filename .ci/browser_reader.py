"""Test `reader.html` in a real browser, opened from its file: 20 images, what it reads against Recogniser, a batch to
CSV, files that are no images, the camera fed from a film, desk and phone, and no request.

    python .ci/browser_reader.py [--model FOLDER] [--shots FOLDER]

Without a model, the page is that of the pretrained start. Without a browser, the test is skipped with a message."""
import argparse, base64, io, shutil, statistics, sys, tempfile, time
from importlib.util import find_spec
from pathlib import Path

from browser import FLAGS, chromium, film

DESK,PHONE = dict(width=1100, height=800),dict(width=390, height=844)
READ = """async data => {
  const bytes = Uint8Array.from(atob(data), o => o.charCodeAt(0)), start = performance.now()
  const {best, probability} = await window.reader.read(new Blob([bytes]))
  return [best, probability, performance.now()-start]
}"""
SMALL = """[...document.querySelectorAll('button, select')]
  .filter(o => o.offsetHeight && o.offsetHeight < 44).map(o => o.id)"""
FPS = r"Number(/(\d+) readings/.exec(document.querySelector('#speed').textContent)?.[1] ?? 0)"

def images(n=20, seed=5):
    "Captchas of several sizes, as Pillow images with their texts"
    from captcha_fastai.synth import synth_captchas
    sizes = [(60,160), (48,130), (80,240)]
    parts = [synth_captchas(-(-n//3), seed+i, lengths=[4,5], size=size) for i,size in enumerate(sizes)]
    return sum(parts, [])[:n]

def png(img):
    f = io.BytesIO()
    img.save(f, 'PNG')
    return f.getvalue()

class Visit:
    "The page at one width; counts what it requests"
    def __init__(self, browser, file, size=DESK, **how):
        self.context = browser.new_context(viewport=size, **how)
        self.page = self.context.new_page()
        self.requests,self.errors = [],[]
        self.page.on('request', lambda o: self.requests.append(o.url))
        self.page.on('pageerror', lambda o: self.errors.append(str(o)))
        self.page.on('console', lambda o: self.errors.append(o.text) if o.type=='error' else None)
        start = time.perf_counter()
        self.page.goto(file.as_uri())
        self.page.locator('main').wait_for()
        self.opened = time.perf_counter()-start
    def foreign(self):
        "Requests that leave the page: all but the file itself and objects in memory"
        files = [o for o in self.requests if o.startswith('file:')]
        return [o for o in self.requests if not o.startswith(('file:','blob:','data:'))]+files[1:]
    def fits(self):
        assert not self.page.evaluate('document.documentElement.scrollWidth > innerWidth'), 'wider than the window'
        small = self.page.evaluate(SMALL)
        assert not small, f'too small for a finger: {small}'
    def choose(self, files): self.page.set_input_files('#files', files)
    def rows(self): return [o.split('\t') for o in self.page.locator('#rows tr').all_inner_texts()]

def compare(o, rec, drawn):
    "What `window.reader.read` says of each image is what `Recogniser` says"
    times = []
    for img,_ in drawn:
        mine = rec.read(png(img))
        text,p,ms = o.page.evaluate(READ, base64.b64encode(png(img)).decode())
        assert text==mine.alternatives[0][0] and abs(p-mine.probability)<1e-2, (text, p, mine)
        times.append(ms)
    print(f'{len(drawn)} images: texts equal to Recogniser, {statistics.median(times):.1f} ms an image at the median, '
          f'with decoding the file; opened in {o.opened:.2f} s')

def batch(o, folder, drawn, rec):
    "Files with odd names, and files that are no images; then the CSV"
    for i,(img,_) in enumerate(drawn): (folder/f'{i:02}.png').write_bytes(png(img))
    shutil.copy(folder/'00.png', folder/'<img src=x onerror=alert(1)>, "a".png')
    (folder/'note.png').write_text('not an image')
    (folder/'empty.png').write_text('')
    (folder/'half.png').write_bytes(png(drawn[0][0])[:300])
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><rect width="9" height="9"/></svg>'
    (folder/'drawing.svg').write_text(svg)
    header = bytearray(png(drawn[0][0]))
    header[16:24] = (10_000).to_bytes(4, 'big')*2
    (folder/'huge.png').write_bytes(header)
    files = sorted(folder.iterdir())
    o.choose([str(f) for f in files])
    o.page.wait_for_function('n => document.querySelectorAll("#rows tr").length == n', arg=len(files))
    with o.page.expect_download() as waiting: o.page.click('#download')
    text = Path(waiting.value.path()).read_text(encoding='utf-8-sig')
    check_csv(text, files, drawn, rec)
    assert not o.page.locator('#rows td img[src=x]').count(), 'a name became HTML'

def check_csv(text, files, drawn, rec):
    "The CSV has a line per file; damaged ones say why"
    import csv
    lines = {row['file']: row for row in csv.DictReader(io.StringIO(text))}
    assert set(lines)=={o.name for o in files}, set(lines)^{o.name for o in files}
    for i,(img,_) in enumerate(drawn):
        row,mine = lines[f'{i:02}.png'],rec.read(png(img))
        assert row['text']==(mine.text or '') and row['sure']==str(int(mine.sure)), (row, mine)
    said = {'empty.png':'0 bytes', 'note.png':'not an image', 'half.png':'damaged', 'drawing.svg':'SVG',
            'huge.png':'10000×10000'}
    for name,why in said.items():
        assert why in lines[name]['error'], lines[name]
    print(f'{len(lines)} files in the CSV; damaged ones say why')

def by_camera(o, text, shots):
    "The film's text is read, and stays in the table"
    o.page.click('#open-camera')
    o.page.wait_for_function('t => document.querySelector("#seen").textContent == t', arg=text, timeout=20_000)
    o.page.wait_for_timeout(3000)
    fps = o.page.evaluate(FPS)
    if shots: o.page.screenshot(path=shots/'camera.png')
    o.page.click('#keep')
    o.page.wait_for_function('t => document.querySelector("#last-text").textContent == t', arg=text)
    o.page.keyboard.press('Escape')
    o.page.locator('#camera').wait_for(state='hidden')
    o.page.click('#clear')
    print(f'camera: {text!r} read, {fps} readings a second from a film of 30 frames a second')

def phone(browser, file, drawn, folder, shots, scheme):
    o = Visit(browser, file, PHONE, color_scheme=scheme, has_touch=True, is_mobile=True)
    o.choose([str(folder/f'{i:02}.png') for i in range(6)])
    o.page.wait_for_function('() => document.querySelectorAll("#rows tr").length == 6')
    o.page.wait_for_timeout(300)
    o.fits()
    if shots: o.page.screenshot(path=shots/f'phone-{scheme}.png', full_page=True)
    finish(o)

def without_script(browser, file, shots):
    "A sentence says what is missing"
    o = browser.new_context(java_script_enabled=False, viewport=PHONE).new_page()
    o.goto(file.as_uri())
    o.locator('noscript .notice').wait_for()
    if shots: o.screenshot(path=shots/'no-script.png')

def finish(o):
    assert not o.foreign(), f'requests: {o.foreign()}'
    assert not o.errors, o.errors
    o.context.close()

def run(browser, file, rec, drawn, folder, shots):
    o = Visit(browser, file, permissions=['camera'], accept_downloads=True)
    if shots: o.page.screenshot(path=shots/'start.png')
    o.fits()
    compare(o, rec, drawn)
    by_camera(o, rec.read(drawn[0][0]).alternatives[0][0], shots)
    batch(o, folder, drawn, rec)
    o.page.wait_for_timeout(300)
    o.fits()
    if shots: o.page.screenshot(path=shots/'desk.png', full_page=True)
    finish(o)
    for scheme in ('light','dark'): phone(browser, file, drawn, folder, shots, scheme)
    without_script(browser, file, shots)
    print('0 requests, no errors; a sentence without JavaScript')

def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--model')
    parser.add_argument('--shots', type=Path)
    args = parser.parse_args()
    if not (chromium() and find_spec('playwright')):
        sys.exit(print('skipped: no Chromium, or no playwright; python .ci/browser.py --setup installs them'))
    from playwright.sync_api import sync_playwright
    from captcha_fastai.recogniser import Recogniser
    from captcha_fastai.web import to_web
    if args.shots: args.shots.mkdir(parents=True, exist_ok=True)
    tmp = Path(tempfile.mkdtemp())
    drawn = images()
    try:
        print(to_web(args.model, tmp/'web', [o for o,_ in drawn]))
        (tmp/'batch').mkdir()
        film(tmp/'film.y4m', drawn[0][0], n=30)
        faster = (tmp/'film.y4m').read_bytes().replace(b' F10:1 ', b' F30:1 ', 1)
        (tmp/'film.y4m').write_bytes(faster)
        with sync_playwright() as p:
            flag = f'--use-file-for-fake-video-capture={tmp}/film.y4m'
            browser = p.chromium.launch(executable_path=chromium(), args=[*FLAGS, flag])
            rec = Recogniser.load(args.model, threads=1)
            run(browser, tmp/'web'/'reader.html', rec, drawn, tmp/'batch', args.shots)
            browser.close()
    finally: shutil.rmtree(tmp, ignore_errors=True)

if __name__ == '__main__': main()
