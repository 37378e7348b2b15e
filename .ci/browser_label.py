"""Test the page of `captcha_label` in a real browser: label 40 captchas by keyboard, correct, undo, kill the server in
the middle, go on, accept the sure readings in the grid, and write the recogniser.

    python .ci/browser_label.py [--shots FOLDER] [--quick]

`--quick` ends before the recogniser is written. Without a browser, the test is skipped with a message."""
import argparse, csv, os, random, shutil, signal, socket, subprocess, sys, tempfile, time
from importlib.util import find_spec
from pathlib import Path

from browser import FLAGS, chromium

COMMAND = 'from captcha_fastai.label_app import captcha_label; captcha_label.main()'
TIMES = "performance.getEntriesByName('next image').map(o => [o.duration, o.detail.ready])"
TRAINED = '() => state.round > 0 && state.training == "no" || state.training.startsWith("failed")'
SMALL = "o => o.filter(b => b.offsetHeight && !b.closest('#marks') && b.offsetHeight < 44).map(b => b.id)"
DESK,PHONE = dict(width=1200, height=800),dict(width=390, height=844)

def drawn(folder, n, seed=7):
    "Captchas whose names say nothing; file → text"
    from captcha_fastai.synth import synth_folder
    folder.mkdir()
    files = sorted(synth_folder(folder.parent/'drawn', n, seed, lengths=[4]).iterdir())
    random.Random(seed).shuffle(files)
    return {shutil.copy(f, folder/f'{i:03}.png').name: f.stem for i,f in enumerate(files)}

def decisions(folder):
    "What `labels.csv` says now: file → (decision, label)"
    res = {}
    with open(folder/'labels.csv', newline='') as f:
        for o in csv.DictReader(f):
            if o['decision']=='undo': res.pop(o['file'], None)
            else: res[o['file']] = o['decision'],o['label']
    return res

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

class Served:
    "`captcha_label` on a folder, in a process that can be killed"
    def __init__(self, folder): self.folder,self.port = folder,free_port()
    def start(self):
        command = [sys.executable, '-c', COMMAND, str(self.folder), '--port', str(self.port), '--no_browser']
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url, 'the server did not start'
    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
    def end(self):
        "As Ctrl-C does"
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20)==0, self.process.returncode

class Visit:
    "One page, at one width"
    def __init__(self, browser, url, truth, shots, size=DESK, **how):
        self.truth,self.shots,self.foreign,self.errors,self.n_corrected = truth,shots,[],[],0
        self.page = browser.new_context(viewport=size, **how).new_page()
        self.page.on('request', lambda o: self.foreign.append(o.url) if not o.url.startswith((url,'data:')) else None)
        self.page.on('pageerror', lambda o: self.errors.append(str(o)))
        self.page.goto(url)
        self.page.wait_for_selector('#picture img')
    def press(self, *keys):
        for o in keys: self.page.keyboard.press(o)
    def file(self): return self.page.locator('#picture img').get_attribute('alt').removeprefix('Image ')
    def value(self): return self.page.locator('#text').input_value()
    def saved(self): self.page.locator('#saved[data-waiting="0"]').wait_for(timeout=20_000)
    def shot(self, name):
        self.page.wait_for_timeout(300)
        if self.shots: self.page.screenshot(path=self.shots/f'{name}.png')
    def fits(self):
        wide = self.page.evaluate('document.documentElement.scrollWidth > innerWidth')
        assert not wide, 'wider than the window'

    def label(self, text=None):
        "Label the image on the page, as a person would; returns its file"
        file = self.file()
        text = text or self.truth[file]
        self.n_corrected += self.value() not in ('', text)
        if self.value()!=text and not self.corrected(text): self.page.keyboard.type(text)
        assert self.value()==text, (self.value(), text)
        self.press('Enter')
        self.page.wait_for_function('f => document.querySelector("#picture img")?.alt != "Image " + f', arg=file)
        return file
    def corrected(self, text):
        "Replace wrong characters with the arrows, if the length is right and the reading has characters"
        seen = self.value()
        if len(seen)!=len(text) or self.page.locator('#marks button').count()!=len(text): return False
        for _ in text:
            self.press('ArrowRight')
            i = self.page.evaluate('document.querySelector("#text").selectionStart')
            if seen[i]!=text[i]: self.press(text[i])
            if self.value()==text: return True

def first_part(o, folder):
    "20 images by keyboard, one of them taken back and corrected; what a person sees is what the file holds"
    o.page.wait_for_function('() => state.training != "reading" && now.text', timeout=120_000) # what the start reads
    for _ in range(16): o.label()
    before = o.n_corrected
    for _ in range(2): # the least certain character is replaced, and put right again
        o.press('ArrowRight', 'z')
        o.label()
    assert o.n_corrected==before+2
    wrong = o.label('zzzz')
    o.press('F2')
    o.page.wait_for_function('f => document.querySelector("#picture img").alt == "Image " + f', arg=wrong)
    assert o.value()=='zzzz', 'what was typed is shown again'
    o.page.keyboard.type(o.truth[wrong])
    o.press('Enter')
    o.label()
    o.saved()
    check_labels(o, folder, 20)

def check_labels(o, folder, n):
    got = decisions(folder)
    assert got=={k: ('label', o.truth[k]) for k in got}, {k: v for k,v in got.items() if v[1]!=o.truth[k]}
    assert len(got)==n, f'{len(got)} labels instead of {n}'

def killed(o, server, folder):
    "The server dies, three decisions wait on the page, and are sent when it is back"
    server.kill()
    for _ in range(3): o.label()
    o.page.get_by_text('does not answer').wait_for(timeout=20_000)
    o.shot('away')
    server.start()
    o.saved()
    check_labels(o, folder, 23)

def the_rest(o, folder, n=40):
    "On to `n`; then the readings of a recogniser that has learned are in the grid"
    for _ in range(n-23): o.label()
    o.saved()
    check_labels(o, folder, n)
    o.page.wait_for_function(TRAINED, timeout=400_000)
    assert o.page.evaluate('state.round')>0, o.page.evaluate('state.training')
    o.shot('single')

def grid(o, folder):
    "Accept the sure readings, but for those that are wrong, which are labelled one by one"
    o.page.wait_for_function('() => state.n_sure > 0', timeout=20_000)
    before = len(decisions(folder))
    keys = o.page.evaluate('state.keys')
    n_sure = int(o.page.locator('#open-grid').inner_text().split()[0])
    o.press('PageDown')
    o.page.locator('#cells button').first.wait_for()
    shown = o.page.eval_on_selector_all('#cells button', 'o => o.map(b => [b.item.file, b.item.text])')
    assert [t for _,t in shown]==sorted(t for _,t in shown), 'sorted by reading'
    assert len(shown)==min(n_sure, 60), f'the button counts {n_sure}, the grid shows {len(shown)}'
    odd = [i for i,(f,t) in enumerate(shown) if o.truth[f]!=t] or [0] # the first one, so that one comes next at least
    for i in odd:
        o.page.locator('#cells button').nth(i).focus()
        o.press('Space')
    o.shot('grid')
    o.press('Enter')
    o.saved()
    check_labels(o, folder, before+len(shown)-len(odd))
    assert o.page.evaluate('state.keys')-keys>=2, 'Page Down and Enter count as keys'
    for i in odd:
        assert 'picked out' in o.page.locator('#why').inner_text()
        assert o.label() in [f for f,_ in shown], 'the odd ones come next'
    o.saved()
    return len(shown),len(odd)

def finish(o, folder, truth):
    "Write the recogniser, and read with it what was not labelled"
    o.page.locator('#finish').click()
    o.label() # the keys are for the text again
    o.page.get_by_text('captcha_predict').wait_for(timeout=500_000)
    o.label()
    assert 'that it was not trained on' in o.page.locator('#finished').inner_text()
    o.shot('finished')
    from captcha_fastai.recogniser import Recogniser
    left = [k for k in truth if k not in decisions(folder)]
    read = Recogniser.load(folder/'recogniser').read([folder/k for k in left], min_probability=0)
    return sum(r.text==truth[k] for k,r in zip(left, read)),len(left)

def phone(browser, url, truth, shots):
    "By touch, in the dark, as a second labeller: no image is shown to both"
    o = Visit(browser, url, truth, shots, PHONE, has_touch=True, is_mobile=True, color_scheme='dark')
    o.fits()
    small = o.page.eval_on_selector_all('main button', SMALL)
    assert not small, f'too small to touch: {small}'
    o.shot('phone')
    assert not o.foreign and not o.errors, (o.foreign, o.errors)
    return o

def report(times):
    "How long the next image took from the key to the screen"
    times = sorted(ms for ms,ready in times if ready)
    p95 = times[int(.95*len(times))]
    middle = times[len(times)//2]
    print(f'{len(times)} decisions: the next image shows after {middle:.0f} ms (median), {p95:.0f} ms (95 %)')

def check(server, truth, folder, shots, quick):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        o = Visit(browser, server.url, truth, shots)
        first_part(o, folder)
        killed(o, server, folder)
        the_rest(o, folder)
        times = o.page.evaluate(TIMES)
        waited = [ms for ms,ready in times if not ready]
        assert len(waited)<=.1*len(times), f'{len(waited)} of {len(times)} images were not loaded ahead'
        report(times)
        n,odd = grid(o, folder)
        print(f'{o.n_corrected} readings corrected; grid: {n} sure readings, {odd} of them wrong')
        other = phone(browser, server.url, truth, shots)
        mine,theirs = (x.page.evaluate('[now, ...ahead].map(o => o.file)') for x in (o, other))
        assert not set(mine) & set(theirs), 'an image is shown to two labellers'
        other.page.locator('#skip').tap()
        if not quick: print('recogniser: {} of {} further captchas read'.format(*finish(o, folder, truth)))
        o.fits()
        assert not o.foreign, f'fetched from elsewhere: {o.foreign}'
        assert not o.errors, o.errors
        browser.close()

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--shots', type=Path)
    p.add_argument('--quick', action='store_true')
    a = p.parse_args()
    needed = dict(Chromium=chromium(), playwright=find_spec('playwright'), uvicorn=find_spec('uvicorn'))
    missing = [name for name,found in needed.items() if not found]
    if missing: sys.exit(print(f"browser test of the labelling page skipped: {' and '.join(missing)} not installed"))
    tmp = Path(tempfile.mkdtemp())
    folder = tmp/'captchas'
    truth = drawn(folder, 120)
    if a.shots: a.shots.mkdir(parents=True, exist_ok=True)
    server = Served(folder)
    server.start()
    try:
        check(server, truth, folder, a.shots, a.quick)
        server.end()
        before = decisions(folder)
        assert all(v==('label', truth[k]) for k,v in before.items()), before
        print(f'{len(before)} labels, nothing lost; nothing fetched from elsewhere')
    finally: server.process.kill(); server.process.wait(); shutil.rmtree(tmp, ignore_errors=True)

if __name__ == '__main__': main()
