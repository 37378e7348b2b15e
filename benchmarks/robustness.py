"""What the recogniser does with images that are none, or not quite: readings and `ValueError`s, and nothing else.

    python benchmarks/robustness.py [FOLDER OF A RECOGNISER]

20,000 mutations of real PNG and JPEG bytes (bits flipped, parts cut out, doubled, moved, overwritten), one image of each awkward kind,
and folders that somebody tampered with.
Each is read by `Recogniser.read`; the recogniser is that of `make demo`, which knows the image that the awkward ones are made of. Peak memory is that of the process, which makes these images, too. Writes results/robustness.json. About 2 minutes.
"""
import io, json, math, os, pickle, random, shutil, sys, tempfile, time, zlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from captcha_fastai.inference import Recogniser
from captcha_fastai.synth import captcha_image

TEXT = '2468'

def as_bytes(img, format='PNG', **kwargs):
    img.save(buf := io.BytesIO(), format, **kwargs)
    return buf.getvalue()

def mutated(data, rng):
    "`data` with one to eight changes"
    a = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        i,j = sorted(rng.sample(range(len(a)+1), 2)) if len(a)>1 else (0, len(a))
        kind = rng.randrange(6)
        if kind==0 and a: a[rng.randrange(len(a))] ^= 1<<rng.randrange(8)
        elif kind==1: a[i:i] = rng.randbytes(rng.randint(1, 16))
        elif kind==2: del a[i:min(j, i+rng.randint(1, 64))]
        elif kind==3: a[i:j] = a[i:j][:256]*2
        elif kind==4: a[i:i+4] = rng.choice([b'\xff\xff\xff\xff', b'\0\0\0\0', b'\x7f\xff\xff\xff', b'IEND', b'\xff\xd8\xff\xd9'])
        elif kind==5: a = a[:rng.randint(0, len(a))]
    return bytes(a)

def png_that_says(width, height, data=b'\0'*1000):
    "A black and white PNG whose header promises `width`×`height` pixels, and which holds `data`"
    chunk = lambda name, data: len(data).to_bytes(4, 'big')+name+data+zlib.crc32(name+data).to_bytes(4, 'big')
    return b'\x89PNG\r\n\x1a\n'+chunk(b'IHDR', width.to_bytes(4, 'big')+height.to_bytes(4, 'big')+b'\x01\0\0\0\0')+chunk(b'IDAT', zlib.compress(data))+chunk(b'IEND', b'')

def awkward(text):
    "Name → what is read: a captcha that says `text`, in all kinds of files, and what is none"
    rgb = captcha_image(text, seed=1)
    grey,small = rgb.convert('L'),rgb.convert('P', palette=Image.Palette.ADAPTIVE)
    faint = np.asarray(grey).astype(np.uint16)*257
    exif,alpha = rgb.getexif(),grey.convert('LA')
    exif[0x0112] = 6 # to be turned by 90° clockwise
    turned = as_bytes(rgb.rotate(90, expand=True), 'JPEG', exif=exif, quality=95)
    frames = [rgb.convert('P', palette=Image.Palette.ADAPTIVE)]+[Image.new('P', rgb.size, i) for i in range(3)]
    return {'whole, in colour': as_bytes(rgb), 'whole, grey': as_bytes(grey), 'truncated': as_bytes(grey)[:-200], 'zero bytes': b'', 'animated GIF, the first frame': as_bytes(frames[0], 'GIF', save_all=True, append_images=frames[1:]),
        '16-bit': as_bytes(Image.fromarray(faint)), 'CMYK': as_bytes(rgb.convert('CMYK'), 'JPEG', quality=95), 'palette with transparency': as_bytes(small, transparency=0),
        'grey with an alpha channel': as_bytes(alpha), 'turned by EXIF': turned, '1×1': as_bytes(Image.new('L', (1,1))), '1×5000': as_bytes(Image.new('L', (5000,1))),
        '20,000×20,000, all there': png_that_says(20000, 20000, bytes(2501*20000)), '20,000×20,000 promised': png_that_says(20000, 20000), '2,000,000,000 wide': png_that_says(2_000_000_000, 1),
        'text': b'milk, eggs\n', 'HTML': b'<!doctype html><img src=x>', 'SVG': b'<svg xmlns="http://www.w3.org/2000/svg"/>', 'PNG, then text': as_bytes(rgb)+b'more', 'WebP': as_bytes(rgb, 'WEBP', lossless=True), 'TIFF': as_bytes(rgb, 'TIFF'), 'BMP': as_bytes(rgb, 'BMP')}

class Evil:
    "Would touch a file when it is unpickled"
    def __init__(self, path): self.path = str(path)
    def __reduce__(self): return Path.touch,(Path(self.path),)

def tampered(folder, tmp):
    "Name → what comes of loading a copy of `folder` that somebody changed; and whether anything was run"
    config = json.loads((Path(folder)/'config.json').read_text())
    def write(name, data): return lambda d: (d/name).write_bytes(data)
    def edit(**kwargs): return write('config.json', json.dumps({**config, **kwargs}).encode())
    def flip(d):
        data = bytearray((d/'model.onnx').read_bytes())
        data[len(data)//2] ^= 1
        (d/'model.onnx').write_bytes(data)
    def link(d):
        (d/'model.onnx').unlink()
        (d/'model.onnx').symlink_to(Path(folder).resolve()/'model.onnx')
    evil,h,w = pickle.dumps(Evil(tmp/'touched')),*config['size']
    changes = {'one bit of a weight': flip, 'half a model': lambda d: os.truncate(d/'model.onnx', 1000), 'a pickle as model': write('model.onnx', evil), 'a pickle as configuration': write('config.json', evil),
        'a path with ..': edit(files={'../model.onnx': config['files']['model.onnx']}), 'a link out of the folder': link, 'a JSON bomb, brackets': write('config.json', b'['*500_000), 'a JSON bomb, backslashes': write('config.json', b'"'+b'\\"'*500_000),
        '50 MB of JSON': write('config.json', b' '*50_000_000), '10^9 classes': edit(chars='a'*10**5, n_pos=10**9), '10^9 characters a text': edit(n_pos=10**9), 'images of 10^6×10^6': edit(size=[10**6,10**6]),
        'images of another size': edit(size=[h+1,w]), 'a temperature of NaN': edit(temperature=math.nan), 'thresholds that are none': edit(thresholds=None), 'a newer format': edit(format=99)}
    res = {}
    for i,(name,change) in enumerate(changes.items()):
        change(d := Path(shutil.copytree(folder, tmp/str(i))))
        try: Recogniser.load(d); res[name] = 'loaded'
        except ValueError as e: res[name] = f'refused: {e}'.replace(str(tmp/str(i)), 'FOLDER')
    return res,(tmp/'touched').exists()

def outcome(rec, source):
    try: return f'read as {rec.read(source).alternatives[0][0]!r}'
    except ValueError as e: return f'refused: {e}'

def main(folder):
    sys.path.insert(0, str(Path(__file__).parent))
    from common import machine, peak_mb, save
    rec,rng,counts,reasons = Recogniser.load(folder),random.Random(0),Counter(),Counter()
    base = peak_mb()
    kinds = {name: outcome(rec, o) for name,o in awkward(TEXT).items()}
    with tempfile.TemporaryDirectory() as tmp:
        (wrong := Path(tmp)/'wrong.jpg').write_bytes(as_bytes(captcha_image(TEXT, seed=1)))
        kinds['PNG named .jpg'] = outcome(rec, wrong)
        folders,run = tampered(folder, Path(tmp))
    texture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50,200,3), np.uint8))
    seeds,start,n = [as_bytes(texture), as_bytes(texture.convert('L')), as_bytes(texture, 'JPEG'), as_bytes(texture.convert('P')), as_bytes(texture, 'JPEG', progressive=True)],time.perf_counter(),20000
    for _ in range(n//100):
        for o in rec.read([mutated(rng.choice(seeds), rng) for _ in range(100)], errors='return'):
            counts['refused' if isinstance(o, ValueError) else 'read'] += 1
            if isinstance(o, ValueError): reasons[str(o).split(': ', 1)[-1][:60]] += 1
    peak = peak_mb()
    save('robustness', dict(benchmark='robustness', seed=0, machine=machine(), n=n, outcomes=counts, crashes=n-sum(counts.values()), reasons=dict(reasons.most_common(12)), text=TEXT, kinds=kinds, folders=folders, something_was_run=run,
                            seconds=time.perf_counter()-start, memory_before_mb=base, memory_peak_mb=peak))
    print(json.dumps(dict(counts, peak=peak, before=base, run=run, **kinds, **folders), indent=1, ensure_ascii=False))

if __name__=='__main__': main(sys.argv[1] if len(sys.argv)>1 else Path(__file__).parent.parent/'demo/recogniser')
