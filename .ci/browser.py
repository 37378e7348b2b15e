"""Test the page of `captcha_app` in a real browser: an upload, a paste, a batch, and the camera fed from a file; what it reads must be the label.

    python .ci/browser.py [--recogniser FOLDER --images FOLDER] [--shots FOLDER] [--setup]

Without a recogniser it trains one, which takes half a minute. `--setup` installs Chromium and playwright if possible. Without a browser, the test
is skipped with a message."""
import argparse, base64, os, shutil, subprocess, sys, tempfile
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from captcha_fastai.web import browser as chromium

FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
FPS = """() => new Promise(done => {
  const out = document.querySelector('#camera-out'), seen = [], href = () => out.querySelector('image')?.getAttribute('href')
  let last = href()
  const watch = new MutationObserver(() => { if (href() != last) { last = href(); seen.push(performance.now()) } })
  watch.observe(out, {childList: true, subtree: true})
  setTimeout(() => { watch.disconnect(); done(seen) }, 6000)
})"""
PASTE = """([name, data]) => {
  const clip = new DataTransfer()
  clip.items.add(new File([Uint8Array.from(atob(data), o => o.charCodeAt(0))], name, {type: 'image/png'}))
  document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: clip, bubbles: true}))
}"""

def set_up():
    "Install Chromium from Debian, if allowed, and playwright from PyPI; what is missing afterwards is reported later"
    commands = [['apt-get', '-qq', 'update'], ['apt-get', '-qq', 'install', '-y', 'chromium']] if not chromium() and shutil.which('apt-get') and os.getuid()==0 else []
    if not find_spec('playwright'): commands.append([sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'playwright'])
    for o in commands: subprocess.run(o, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    invalidate_caches()

def trained(folder):
    "A recogniser, and images that it has not seen"
    run = 'from captcha_fastai.cli import captcha_demo; captcha_demo({!r}, n=800, n_unseen=60, epochs=8)'.format(str(folder))
    subprocess.run([sys.executable, '-c', run], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder/'recogniser',folder/'unseen'

def film(file, image, size=(640,480), n=10):
    "A film in which `image` is held in front of the camera; the border flickers, so no two frames are the same"
    from PIL import Image
    w,h = size
    card = image.convert('RGB').resize((int(.9*w), round(.9*w*image.height/image.width)), Image.Resampling.BILINEAR)
    with open(file, 'wb') as f:
        f.write(f'YUV4MPEG2 W{w} H{h} F10:1 Ip A1:1 C420jpeg\n'.encode())
        for i in range(n):
            frame = Image.new('RGB', size, (130+4*i,)*3)
            frame.paste(card, ((w-card.width)//2, (h-card.height)//2))
            y,cb,cr = frame.convert('YCbCr').split()
            f.write(b'FRAME\n' + y.tobytes() + b''.join(o.resize((w//2,h//2)).tobytes() for o in (cb,cr)))

def served(recogniser, images):
    "`captcha_app` on a folder with examples: the process and its address"
    folder = Path(tempfile.mkdtemp())/'Demo'
    shutil.copytree(recogniser, folder)
    (folder/'examples').mkdir(exist_ok=True)
    for o in images[:6]: shutil.copy(o, folder/'examples')
    p = subprocess.Popen([sys.executable, '-c', 'from captcha_fastai.app import captcha_app; captcha_app({!r})'.format(str(folder))], stdout=subprocess.PIPE, text=True)
    return p,p.stdout.readline().strip()

class Visit:
    "One visit to the page, at one width"
    def __init__(self, browser, url, shots, tag, **size):
        self.shots,self.tag,self.foreign,self.errors = shots,tag,[],[]
        self.page = browser.new_page(viewport=size)
        self.page.on('request', lambda o: self.foreign.append(o.url) if not o.url.startswith((url,'data:','blob:')) else None)
        self.page.on('pageerror', lambda o: self.errors.append(str(o)))
        self.page.goto(url)
        self.page.wait_for_selector('#read-files input[type=file]', state='attached')
    def says(self, where, text, seconds=15):
        "Wait until the page says `text`"
        self.page.locator(f'{where} output.text').first.filter(has_text=text).wait_for(timeout=seconds*1000)
        got = self.page.locator(f'{where} output.text').first.text_content()
        assert got==text, f'the page says {got!r}, the label is {text!r}'
    def shot(self, name):
        self.page.wait_for_timeout(400)
        if self.shots: self.page.screenshot(path=self.shots/f'{name}_{self.tag}.png')
    def fits(self): assert self.page.evaluate('document.documentElement.scrollWidth <= innerWidth'), f'{self.tag}: wider than the window'
    def tab(self, name): self.page.get_by_role('tab', name=name).click()

    def read(self, file, pasted, broken):
        self.page.set_input_files('#read-files input[type=file]', str(file))
        self.says('#read-out', file.stem)
        self.shot('read')
        self.fits()
        self.page.evaluate(PASTE, [pasted.name, base64.b64encode(pasted.read_bytes()).decode()])
        self.says('#read-out', pasted.stem)
        self.page.set_input_files('#read-files input[type=file]', str(broken))
        self.page.get_by_role('alert').filter(has_text='not an image').wait_for()
    def keyboard(self, file):
        "The first example, with the keyboard alone"
        self.page.locator('body').click(position=dict(x=1, y=1))
        for _ in range(30):
            self.page.keyboard.press('Tab')
            if self.page.evaluate("!!document.activeElement.closest('#examples')"): break
        self.page.keyboard.press('Enter')
        self.says('#read-out', file.stem)
    def batch(self, files, broken):
        self.tab('Batch')
        self.page.set_input_files('#batch-files input[type=file]', [str(o) for o in [*files, broken]])
        self.page.get_by_role('status').filter(has_text=f'{len(files)} read, 1 could not be').wait_for()
        self.page.get_by_role('button', name='probability').click()
        values = [float(o) for o in self.page.eval_on_selector_all('#batch-out td:nth-child(3)', 'o => o.map(x => x.dataset.value)')]
        assert values==sorted(values) and len(values)==len(files)+1, values
        rows = dict(self.page.eval_on_selector_all('#batch-out tr:not(.bad)', "o => o.filter(x => x.cells[0].tagName=='TD').map(x => [x.cells[0].innerText, x.cells[1].innerText])"))
        assert all(rows[o.name]==o.stem for o in files), rows
        with self.page.expect_download() as got: self.page.get_by_role('link', name='CSV').click()
        assert Path(got.value.path()).read_text().startswith('file,text,probability,error\n')
        self.shot('batch')
        self.fits()
    def camera(self, label):
        "Frames a second that the page drew"
        self.tab('Camera')
        self.page.get_by_text('Click to Access Webcam').click()
        self.page.get_by_label('capture photo').click()
        self.says('#camera-out', label)
        seen = self.page.evaluate(FPS)
        assert self.page.evaluate("document.querySelector('#camera video').videoWidth")==320, 'the camera was not asked for 320 pixels'
        self.says('#camera-out', label)
        self.shot('camera')
        self.fits()
        return (len(seen)-1)/(seen[-1]-seen[0])*1000 if len(seen)>1 else 0

def chosen(recogniser, images, n=14):
    "Images that the recogniser reads right, because the page is tested here, and not the recogniser"
    from captcha_fastai.recogniser import Recogniser
    rec = Recogniser.load(recogniser)
    files = [o for o in sorted(Path(images).glob('*.png')) if (r := rec.read(o)).text==o.stem and r.probability>.9][:n]
    assert len(files)==n, f'the recogniser reads only {len(files)} images right'
    return files

def check(url, files, tmp, shots):
    "Both widths; the frames a second at each"
    from playwright.sync_api import sync_playwright
    broken = tmp/'broken.png'
    broken.write_bytes(b'no image')
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS+[f'--use-file-for-fake-video-capture={tmp/"film.y4m"}'])
        for tag,size in dict(desktop=dict(width=1100, height=800), phone=dict(width=390, height=844)).items():
            o = Visit(browser, url, shots, tag, **size)
            o.keyboard(files[0])
            o.read(files[1], files[2], broken)
            o.batch(files[2:], broken)
            fps = o.camera(files[-1].stem)
            assert fps>=5, f'{tag}: {fps:.1f} frames a second'
            assert not o.foreign, f'fetched from elsewhere: {o.foreign}'
            assert not o.errors, o.errors
            print(f'{tag}: upload, paste, keyboard, batch and camera say what the labels say; {fps:.1f} frames/s; nothing fetched from elsewhere')
            o.page.close()
        browser.close()

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for o in ('recogniser','images','shots'): p.add_argument(f'--{o}', type=Path)
    p.add_argument('--setup', action='store_true')
    a = p.parse_args()
    if a.setup: set_up()
    missing = [why for have,why in ((chromium(),'Chromium'), (find_spec('playwright'),'playwright'), (find_spec('gradio'),'gradio')) if not have]
    if missing: sys.exit(print(f"browser test skipped: {' and '.join(missing)} not installed"))
    from PIL import Image
    tmp = Path(tempfile.mkdtemp())
    recogniser,images = (a.recogniser,a.images) if a.recogniser else trained(tmp/'demo')
    files = chosen(recogniser, images)
    film(tmp/'film.y4m', Image.open(files[-1]))
    if a.shots: a.shots.mkdir(parents=True, exist_ok=True)
    server,url = served(recogniser, files)
    try: check(url, files, tmp, a.shots)
    finally: server.terminate(); server.wait(20); shutil.rmtree(tmp, ignore_errors=True)

if __name__ == '__main__': main()
