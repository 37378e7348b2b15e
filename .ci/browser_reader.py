"""Test `demo/reader.html` in a real browser, opened from its file: the unseen images of the demo against Recogniser, a
paste, a batch to CSV, files that are no images, the camera fed from a film or refused, a frame, a browser without
WebAssembly or JavaScript, desk and phone; and that nothing is requested.

    python .ci/browser_reader.py [--demo FOLDER] [--shots FOLDER]

Without the folder of a demo it makes a small one. Without a browser, the test is skipped with a message."""
import argparse, base64, io, shutil, statistics, subprocess, sys, tempfile, time
from importlib.util import find_spec
from pathlib import Path

from browser import FLAGS, PASTE, chromium, film

DESK,PHONE = dict(width=1100, height=800),dict(width=390, height=844)
READ = """async data => {
  const bytes = Uint8Array.from(atob(data), o => o.charCodeAt(0)), start = performance.now()
  const {best, probability} = await window.reader.read(new Blob([bytes]))
  return [best, probability, performance.now()-start]
}"""
SMALL = """[...document.querySelectorAll('button, select')]
  .filter(o => o.offsetHeight && o.offsetHeight < 44).map(o => o.id)"""
FPS = r"Number(/(\d+) readings/.exec(document.querySelector('#speed').textContent)?.[1] ?? 0)"

def demo(folder):
    "A small demo, as `make demo` writes it"
    run = f"from captcha_fastai.cli import captcha_demo; captcha_demo({str(folder)!r}, n=600, n_unseen=60, epochs=4)"
    subprocess.run([sys.executable, '-c', run], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder

def encoded(img, format='PNG', **kwargs):
    f = io.BytesIO()
    img.save(f, format, **kwargs)
    return f.getvalue()

def quick_film(path, image):
    "A film of an image file, of 30 frames a second"
    from PIL import Image
    film(path, Image.open(image), n=30)
    path.write_bytes(path.read_bytes().replace(b' F10:1 ', b' F30:1 ', 1))

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

def compare(o, rec, unseen):
    "What `window.reader.read` says of each image is what `Recogniser` says"
    times = []
    for file in unseen:
        mine = rec.read(file)
        text,p,ms = o.page.evaluate(READ, base64.b64encode(file.read_bytes()).decode())
        assert text==mine.alternatives[0][0] and abs(p-mine.probability)<1e-2, (file.name, text, p, mine)
        times.append(ms)
    print(f'{len(unseen)} unseen images of the demo: texts equal to Recogniser, {statistics.median(times):.1f} ms '
          f'an image at the median, with decoding the file; opened in {o.opened:.2f} s')

def paste(o, file, rec):
    o.page.evaluate(PASTE, ['pasted.png', base64.b64encode(file.read_bytes()).decode()])
    text = rec.read(file).alternatives[0][0]
    o.page.wait_for_function('t => document.querySelector("#last-text").textContent == t', arg=text)
    o.page.click('#clear')

def odd_files(folder, file):
    "What a folder may hold besides plain images; the file names of those that are images"
    import numpy as np
    from PIL import Image
    img = Image.open(file).convert('RGB')
    turned = Image.Exif()
    turned[0x112] = 6
    deep = Image.fromarray(np.asarray(img.convert('L')).astype(np.uint16)*257)
    clear = img.convert('RGBA')
    clear.putalpha(img.convert('L').point(lambda o: 255-o//2))
    grey = img.convert('P')
    good = {'<img src=x onerror=alert(1)>, "a".png': encoded(img),
            'turned.png': encoded(img.rotate(90, expand=True), exif=turned), 'deep.png': encoded(deep), 'clear.png': encoded(clear), 'photo.jpg': encoded(img, 'JPEG', quality=60),
            'film.gif': encoded(grey, 'GIF', save_all=True, append_images=[grey.rotate(180)])}
    header = bytearray(encoded(img))
    header[16:24] = (10_000).to_bytes(4, 'big')*2
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><rect width="9" height="9"/></svg>'
    bad = {'note.png': b'not an image', 'empty.png': b'', 'half.png': encoded(img)[:300], 'drawing.svg': svg,
           'huge.png': bytes(header)}
    for name,data in {**good, **bad}.items(): (folder/name).write_bytes(data)
    return list(good)

def batch(o, folder, unseen, rec):
    "Files with odd names, odd images, and files that are no images; then the CSV"
    for file in unseen[:20]: shutil.copy(file, folder)
    good = [o.name for o in unseen[:20]]+odd_files(folder, unseen[0])
    files = sorted(folder.iterdir())
    o.choose([str(f) for f in files])
    o.page.wait_for_function('n => document.querySelectorAll("#rows tr").length == n', arg=len(files))
    with o.page.expect_download() as waiting: o.page.click('#download')
    text = Path(waiting.value.path()).read_text(encoding='utf-8-sig')
    check_csv(text, files, [folder/o for o in good], rec)
    assert not o.page.locator('#rows td img[src=x]').count(), 'a name became HTML'

def check_csv(text, files, good, rec):
    "The CSV has a line per file; damaged ones say why"
    import csv
    lines = {row['file']: row for row in csv.DictReader(io.StringIO(text))}
    assert set(lines)=={o.name for o in files}, set(lines)^{o.name for o in files}
    for file in good:
        row,mine = lines[file.name],rec.read(file)
        assert row['text']==(mine.text or '') and row['sure']==str(int(mine.sure)), (row, mine)
    said = {'empty.png':'0 bytes', 'note.png':'not an image', 'half.png':'damaged', 'drawing.svg':'SVG',
            'huge.png':'10000×10000'}
    for name,why in said.items():
        assert why in lines[name]['error'], lines[name]
    print(f'{len(lines)} files in the CSV; odd ones are read as Recogniser reads them; damaged ones say why')

def by_camera(o, text, shots):
    "The film's text is read, and stays in the table"
    o.page.click('#open-camera')
    o.page.wait_for_function('t => document.querySelector("#seen").textContent == t', arg=text, timeout=20_000)
    o.page.wait_for_timeout(3000)
    fps = o.page.evaluate(FPS)
    if shots: o.page.screenshot(path=shots/'reader_camera.png')
    o.page.click('#keep')
    o.page.wait_for_function('t => document.querySelector("#last-text").textContent == t', arg=text)
    o.page.keyboard.press('Escape')
    o.page.locator('#camera').wait_for(state='hidden')
    o.page.click('#clear')
    print(f'camera: {text!r} read, {fps} readings a second from a film of 30 frames a second')

def no_camera(p, file, folder):
    "None, refused, and a frame without permission: each says so"
    frame = f'<iframe sandbox="allow-scripts" src="{file.as_uri()}" width="900" height="700"></iframe>'
    (folder/'frame.html').write_text(frame)
    real = [o for o in FLAGS if not o.startswith('--use-fake')]
    denied = [*real, '--use-fake-device-for-media-stream', '--deny-permission-prompts']
    for args,page,why in ((real, file, 'No camera was found'), (denied, file, 'The camera was refused'),
                          (FLAGS, folder/'frame.html', 'not allowed in this frame')):
        browser = p.chromium.launch(executable_path=chromium(), args=args)
        o = browser.new_page()
        o.goto(page.as_uri())
        inside = o.frames[-1] # of a page without frames, the page
        inside.locator('#open-camera').click()
        inside.locator('#messages').filter(has_text=why).wait_for(timeout=10_000)
        browser.close()
    print('no camera, a refused one and a frame without permission say so')

def without_wasm(p, file, unseen, rec):
    "Slower, with the same texts, and the page says so; without its compiler, Chromium has no WebAssembly"
    browser = p.chromium.launch(executable_path=chromium(), args=[*FLAGS, '--js-flags=--jitless'])
    o = Visit(browser, file)
    assert 'reading is slow' in o.page.locator('#state').text_content()
    compare(o, rec, unseen[:2])
    finish(o)
    browser.close()

def phone(browser, file, unseen, shots, scheme):
    o = Visit(browser, file, PHONE, color_scheme=scheme, has_touch=True, is_mobile=True)
    o.choose([str(f) for f in unseen[:6]])
    o.page.wait_for_function('() => document.querySelectorAll("#rows tr").length == 6')
    o.page.wait_for_timeout(300)
    o.fits()
    if shots: o.page.screenshot(path=shots/f'reader_phone_{scheme}.png', full_page=True)
    finish(o)

def without_script(browser, file, shots):
    "A sentence says what is missing"
    o = browser.new_context(java_script_enabled=False, viewport=PHONE).new_page()
    o.goto(file.as_uri())
    o.locator('noscript .notice').wait_for()
    if shots: o.screenshot(path=shots/'reader_no_script.png')

def finish(o):
    assert not o.foreign(), f'requests: {o.foreign()}'
    assert not o.errors, o.errors
    o.context.close()

def run(browser, file, rec, unseen, folder, shots):
    o = Visit(browser, file, permissions=['camera'], accept_downloads=True)
    if shots: o.page.screenshot(path=shots/'reader_start.png')
    o.fits()
    compare(o, rec, unseen)
    paste(o, unseen[1], rec)
    by_camera(o, rec.read(unseen[0]).alternatives[0][0], shots)
    batch(o, folder, unseen, rec)
    o.page.wait_for_timeout(300)
    o.fits()
    if shots: o.page.screenshot(path=shots/'reader_desk.png', full_page=True)
    finish(o)
    for scheme in ('light','dark'): phone(browser, file, unseen, shots, scheme)
    without_script(browser, file, shots)
    print('0 requests, no errors; a sentence without JavaScript')

def test(folder, tmp, shots):
    "All of it, with the page and the images of a demo"
    from playwright.sync_api import sync_playwright
    from captcha_fastai.recogniser import Recogniser
    unseen = sorted((folder/'unseen').iterdir())[:60]
    rec,file = Recogniser.load(folder/'recogniser', threads=1),(folder/'reader.html').resolve()
    (tmp/'batch').mkdir()
    quick_film(tmp/'film.y4m', unseen[0])
    with sync_playwright() as p:
        flag = f'--use-file-for-fake-video-capture={tmp}/film.y4m'
        browser = p.chromium.launch(executable_path=chromium(), args=[*FLAGS, flag])
        run(browser, file, rec, unseen, tmp/'batch', shots)
        browser.close()
        no_camera(p, file, tmp)
        without_wasm(p, file, unseen, rec)

def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--demo', type=Path)
    parser.add_argument('--shots', type=Path)
    args = parser.parse_args()
    if not (chromium() and find_spec('playwright')):
        sys.exit(print('skipped: no Chromium, or no playwright; python .ci/browser.py --setup installs them'))
    if args.shots: args.shots.mkdir(parents=True, exist_ok=True)
    tmp = Path(tempfile.mkdtemp())
    try: test(args.demo or demo(tmp/'demo'), tmp, args.shots)
    finally: shutil.rmtree(tmp, ignore_errors=True)

if __name__ == '__main__': main()
