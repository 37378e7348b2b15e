"""What the recogniser does with broken and hostile files: readings and `ValueError`s, and nothing else.

    python benchmarks/robustness.py [FOLDER OF A RECOGNISER]

20,000 mutations of real PNG and JPEG bytes (bits flipped, parts cut out, doubled, moved, overwritten), one
image of each awkward kind, and folders that somebody tampered with. Each is read by `Recogniser.read`; the
default is the recogniser of `make demo`, which knows the captcha that the awkward images are made of. Peak
memory is that of the process, which makes these images, too. Then 20,000 files with another structure, see
fuzz.py. Writes results/robustness.json. About 15 minutes.
"""
import io, json, math, os, pickle, random, shutil, tempfile, time, zlib
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

import common
import fuzz
from captcha_fastai.folder import config_sha256
from captcha_fastai.recogniser import Recogniser
from captcha_fastai.synth import captcha_image
from common import parser, peak_mb, provenance, some, start, write_result
from mutators import mutated

text = '2468'

def as_bytes(img, format='PNG', **kwargs):
    buf = io.BytesIO()
    img.save(buf, format, **kwargs)
    return buf.getvalue()

# mutations

def originals():
    "Files to mutate"
    texture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50,200,3), np.uint8))
    return [as_bytes(texture), as_bytes(texture.convert('L')), as_bytes(texture, 'JPEG'),
            as_bytes(texture.convert('P')),
            as_bytes(texture, 'JPEG', progressive=True)]

def mutations(rec, n):
    "How many of `n` mutations are read and how many refused, and why"
    rng = random.Random(0)
    files = originals()
    counts = Counter()
    reasons = Counter()
    for _ in range(n//100):
        for o in rec.read([mutated(rng.choice(files), rng) for _ in range(100)], errors='return'):
            counts['refused' if isinstance(o, ValueError) else 'read'] += 1
            if isinstance(o, ValueError): reasons[str(o).split(': ', 1)[-1][:60]] += 1
    return dict(n=n, outcomes=counts, crashes=n-sum(counts.values()), reasons=dict(reasons.most_common(12)))

# awkward images

def promising_png(width, height, data=b'\0'*1000):
    "A black and white PNG whose header promises `width`×`height` pixels, and which holds `data`"
    def chunk(name, data): return len(data).to_bytes(4, 'big')+name+data+zlib.crc32(name+data).to_bytes(4, 'big')
    header = width.to_bytes(4, 'big')+height.to_bytes(4, 'big')+b'\x01\0\0\0\0'
    return b'\x89PNG\r\n\x1a\n'+chunk(b'IHDR', header)+chunk(b'IDAT', zlib.compress(data))+chunk(b'IEND', b'')

def palette(img): return img.convert('P', palette=Image.Palette.ADAPTIVE)

def readable_kinds(rgb):
    "The same captcha in all kinds of files"
    grey = rgb.convert('L')
    exif = rgb.getexif()
    exif[0x0112] = 6 # to be turned by 90° clockwise
    frames = [Image.new('P', rgb.size, i) for i in range(3)]
    faint = Image.fromarray(np.asarray(grey).astype(np.uint16)*257)
    return {'whole, in colour': as_bytes(rgb), 'whole, grey': as_bytes(grey), '16-bit': as_bytes(faint),
        'animated GIF, the first frame': as_bytes(palette(rgb), 'GIF', save_all=True, append_images=frames),
        'CMYK': as_bytes(rgb.convert('CMYK'), 'JPEG', quality=95),
        'palette with transparency': as_bytes(palette(rgb), transparency=0),
        'grey with an alpha channel': as_bytes(grey.convert('LA')),
        'turned by EXIF': as_bytes(rgb.rotate(90, expand=True), 'JPEG', exif=exif, quality=95),
        'PNG, then text': as_bytes(rgb)+b'more', 'WebP': as_bytes(rgb, 'WEBP', lossless=True),
        'TIFF': as_bytes(rgb, 'TIFF'),
        'BMP': as_bytes(rgb, 'BMP')}

def awkward_kinds(rgb):
    "Files that are damaged, empty, huge, or not images"
    return {'truncated': as_bytes(rgb.convert('L'))[:-200], 'zero bytes': b'', '1×1': as_bytes(Image.new('L', (1,1))),
        '1×5000': as_bytes(Image.new('L', (5000,1))),
        '20,000×20,000, complete': promising_png(20000, 20000, bytes(2501*20000)),
        '20,000×20,000 promised': promising_png(20000, 20000), '2,000,000,000 wide': promising_png(2_000_000_000, 1),
        'text': b'milk, eggs\n', 'HTML': b'<!doctype html><img src=x>',
        'SVG': b'<svg xmlns="http://www.w3.org/2000/svg"/>'}

def outcome(rec, source):
    "What is read, or why it is refused"
    try: return f'read as {rec.read(source).alternatives[0][0]!r}'
    except ValueError as e: return f'refused: {e}'

def kinds(rec, tmp):
    "Name of an awkward kind → outcome"
    rgb = captcha_image(text, seed=1)
    res = {k: outcome(rec, o) for k,o in {**readable_kinds(rgb), **awkward_kinds(rgb)}.items()}
    wrong = tmp/'wrong.jpg'
    wrong.write_bytes(as_bytes(rgb))
    return {**res, 'PNG named .jpg': outcome(rec, wrong)}

# folders that somebody tampered with

class Evil:
    "Would touch a file when it is unpickled"
    def __init__(self, path): self.path = str(path)
    def __reduce__(self): return Path.touch,(Path(self.path),)

def write(name, data): return lambda d: (d/name).write_bytes(data)

def flip(d):
    data = bytearray((d/'model.onnx').read_bytes())
    data[len(data)//2] ^= 1
    (d/'model.onnx').write_bytes(data)

def changes(folder, tmp):
    "Name → a function that changes a copy of `folder`"
    config = json.loads((folder/'config.json').read_text())
    def edit(**kwargs):
        "Other fields, with a checksum that fits them"
        fields = {**config, **kwargs}
        with suppress(ValueError): fields['sha256'] = config_sha256(fields) # NaN has none
        return write('config.json', json.dumps(fields).encode())
    def link(d):
        (d/'model.onnx').unlink()
        (d/'model.onnx').symlink_to('/dev/zero')
    other = write('config.json', json.dumps({**config, 'chars': config['chars'][::-1]}).encode())
    evil = pickle.dumps(Evil(tmp/'touched'))
    h,w = config['size']
    return {'one bit of a weight': flip, 'half a model': lambda d: os.truncate(d/'model.onnx', 1000),
            'a pickle as model': write('model.onnx', evil),
        'a pickle as configuration': write('config.json', evil),
        'a path with ..': edit(files={'../model.onnx': config['files']['model.onnx']}),
        'a link to a device': link, 'other characters, and the old checksum': other, 'a JSON bomb, brackets': write('config.json', b'['*500_000),
        'a JSON bomb, backslashes': write('config.json', b'"'+b'\\"'*500_000),
        '50 MB of JSON': write('config.json', b' '*50_000_000),
        '10^9 classes': edit(chars='a'*10**5, n_pos=10**9), '10^9 characters in a text': edit(n_pos=10**9),
        'images of 10^6×10^6': edit(size=[10**6,10**6]),
        'images of another size': edit(size=[h+1,w]), 'a temperature of NaN': edit(temperature=math.nan),
        'no thresholds': edit(thresholds=None),
        'a newer format': edit(format=99)}

def tampered(folder, tmp):
    "Name of a change → what loading the copy results in; and whether anything was run"
    res = {}
    for i,(name,change) in enumerate(changes(folder, tmp).items()):
        d = Path(shutil.copytree(folder, tmp/str(i)))
        change(d)
        try:
            Recogniser.load(d)
            res[name] = 'loaded'
        except ValueError as e: res[name] = f'refused: {e}'.replace(str(d), 'FOLDER')
    return res,(tmp/'touched').exists()

def main():
    p = parser(__doc__)
    p.add_argument('folder', nargs='?', type=Path, default=common.root/'demo'/'recogniser')
    args = start(p.parse_args())
    note = provenance('robustness.py', 'reading')
    rec = Recogniser.load(args.folder)
    base = peak_mb()
    with tempfile.TemporaryDirectory() as tmp:
        images = kinds(rec, Path(tmp))
        folders,was_run = tampered(args.folder, Path(tmp))
    begin = time.perf_counter()
    counts = mutations(rec, some(20000))
    measured = dict(seconds=time.perf_counter()-begin, memory_before_mb=base, memory_peak_mb=peak_mb())
    found = fuzz.fuzz(some(20000))
    failures = [o._asdict() for o in found if o.outcome=='failed']
    write_result('robustness', note, seed=0, text=text, kinds=images, folders=folders, something_was_run=was_run,
                 **counts, **measured, structures=fuzz.summary(found), failures=failures)

if __name__=='__main__': main()
