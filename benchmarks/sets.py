"""Images that no part of `fast` was fitted to by hand: four kinds of generated strings, and a fifth that is tuned for afterwards.

    python benchmarks/sets.py kinds untouched [--kinds noisy colour]

`kinds`: 2,000 images each of noisy grey JPEGs, of colour with lines, of case-sensitive letters, and of widths and lengths that vary from
image to image; 1,800 to train on, 200 to test on, and 1,000 further ones drawn for the test alone. Defaults throughout.

`untouched`: number plates, hung askew, in fonts, colours and lengths of their own, 2,000 images, first drawn when the defaults were fixed.
First `fast` as it comes, then attempts to do better by settings; the attempt with the best validation accuracy is compared with the
default on 1,000 images that chose nothing. (The same was done four times before: with light text on dark gradients, `own` below, when the
default was 17 epochs for so many images, and it became 30; with coloured italics on stripes, `Extend` came of it; with faint print on stained
paper, `coloured`; with characters on blotchy badges, `fast` began to look at small images in their full size. results/sets_before.json keeps
the figures.)

Writes results/sets_NAME.json. About 15 and 20 minutes on 2 cores.
"""
import argparse, json, random, tempfile
from pathlib import Path

import matplotlib, numpy as np
from fastai.torch_core import set_seed
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from captcha_fastai.augment import FusedAugment
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import Extend, captcha_learner, get_recipe
from common import fit, machine, results, save, strong

fonts = [str(Path(matplotlib.get_data_path())/'fonts/ttf'/f'{o}.ttf') for o in ('DejaVuSans','DejaVuSerif','DejaVuSans-Bold','DejaVuSansMono','STIXGeneral','cmr10')]

italics = [str(Path(fonts[0]).with_name(f'{o}.ttf')) for o in ('DejaVuSans-BoldOblique','DejaVuSerif-Italic','DejaVuSerif-BoldItalic','STIXGeneralItalic')]

typed = [str(Path(fonts[0]).with_name(f'{o}.ttf')) for o in ('DejaVuSansMono-Bold','DejaVuSansMono-Oblique','cmtt10','cmss10','STIXGeneralBol')]

def string(rng, chars, low, high): return ''.join(rng.choices(chars, k=rng.randint(low, high)))

def written(rng, text, size, ground, colour, fonts=fonts, turn=15, lines=0, jitter=3):
    "`text` on `ground`, an image or a colour; every character turned and moved a little"
    h,w = size
    img = ground if isinstance(ground, Image.Image) else Image.new('RGB', (w,h), ground)
    points = int(h*rng.uniform(.5, .7))
    font = ImageFont.truetype(rng.choice(fonts), points)
    x = max(4, (w-sum(font.getlength(c) for c in text)-len(text))/2)
    for c in text:
        tile = Image.new('RGBA', (int(font.getlength(c))+20, h+10))
        ImageDraw.Draw(tile).text((10, (h-points)//2-2), c, font=font, fill=colour())
        tile = tile.rotate(rng.uniform(-turn, turn), resample=Image.Resampling.BICUBIC)
        img.paste(tile, (int(x)-10, rng.randint(-jitter, jitter)), tile)
        x += font.getlength(c)+rng.uniform(-1, 3)
    pen = ImageDraw.Draw(img)
    for _ in range(lines): pen.line([(rng.randint(0, w), rng.randint(0, h)) for _ in range(3)], fill=colour(), width=rng.randint(1, 2))
    return img

def dark(rng): return lambda: tuple(rng.randint(0, 110) for _ in range(3))

def noisy(rng):
    text = string(rng, '0123456789abcdefghjkmnpqrstuvwxyz', 5, 5)
    grey = written(rng, text, (48,160), (200,)*3, lambda: (rng.randint(20, 90),)*3).convert('L')
    noise = np.random.default_rng(rng.randrange(1<<32)).normal(0, 28, (48,160))
    return Image.fromarray(np.clip(np.asarray(grey)+noise, 0, 255).astype('uint8')),text,dict(format='JPEG', quality=35)
def colour(rng):
    text = string(rng, 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789', 4, 6)
    return written(rng, text, (60,180), tuple(rng.randint(160, 255) for _ in range(3)), dark(rng), lines=5),text,dict(format='PNG')
def case(rng):
    text = string(rng, 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ', 4, 4)
    return written(rng, text, (50,130), (255,)*3, dark(rng), lines=1),text,dict(format='PNG')
def widths(rng):
    text,h = string(rng, '0123456789ABCDEF', 3, 9),rng.randint(36, 64)
    return written(rng, text, (h, int(h*.62*len(text)+rng.randint(10, 40))), (235,)*3, dark(rng), lines=1),text,dict(format='PNG')
def own(rng):
    text = string(rng, 'ACDEFHJKLMNPRTUVWXY3479', 6, 8)
    a,b = (np.array([rng.randint(0, 90) for _ in range(3)]) for _ in range(2))
    share = np.linspace(0, 1, 220)[None,:,None]*rng.uniform(.4, 1)+np.linspace(0, 1, 44)[:,None,None]*rng.uniform(0, .5)
    img = written(rng, text, (44,220), Image.fromarray((a*(1-share)+b*share).clip(0, 255).astype('uint8')), lambda: tuple(rng.randint(150, 255) for _ in range(3)), fonts[1:5], turn=8)
    pen = ImageDraw.Draw(img)
    for _ in range(60): pen.point((rng.randrange(220), rng.randrange(44)), fill=tuple(rng.randint(100, 255) for _ in range(3)))
    return img,text,dict(format='JPEG', quality=70)

def stripes(rng):
    text,(h,w) = string(rng, 'bcdfghkmnprstvwxyz2456789', 4, 7),(54,190)
    a,b = (tuple(rng.randint(170, 255) for _ in range(3)) for _ in range(2))
    img,pen_width = Image.new('RGB', (w,h), a),rng.randint(3, 9)
    pen = ImageDraw.Draw(img)
    for x in range(-h, w, 2*pen_width): pen.line([(x,0), (x+rng.choice([0,h]),h)], fill=b, width=pen_width)
    ink = lambda: tuple(rng.sample([rng.randint(0, 60), rng.randint(0, 140), rng.randint(60, 190)], 3))
    img = written(rng, text, (h,w), img, ink, fonts=italics, turn=12, jitter=6)
    pen = ImageDraw.Draw(img)
    for _ in range(4):
        x,y,r = rng.randrange(w),rng.randrange(h),rng.randint(4, 16)
        pen.ellipse([x-r, y-r, x+r, y+r], outline=ink())
    return img,text,dict(format='JPEG', quality=80)

def prints(rng):
    text,(h,w) = string(rng, '0123456789+-/=', 5, 9),(34,156)
    np_rng = np.random.default_rng(rng.randrange(1<<32))
    paper = np.full((h,w,3), [rng.randint(200, 240), rng.randint(190, 225), rng.randint(160, 200)], float)
    for _ in range(3): # stains
        y,x,r = rng.randrange(h),rng.randrange(w),rng.randint(6, 24)
        away = np.hypot(np.arange(h)[:,None]-y, np.arange(w)-x)
        paper -= (rng.uniform(15, 60)*np.exp(-(away/r)**4))[...,None]*np.array([.6,.8,1.])
    shade = rng.randint(70, 140)
    img = written(rng, text, (h,w), Image.fromarray(paper.clip(0, 255).astype('uint8')), lambda: (shade, shade, min(255, shade+rng.randint(0, 40))), fonts=typed, turn=4, jitter=2)
    grey = np.asarray(img.filter(ImageFilter.GaussianBlur(rng.uniform(.2, .9))))+np_rng.normal(0, 9, (h,w,1))
    return Image.fromarray(grey.clip(0, 255).astype('uint8')),text,dict(format='PNG')

def badges(rng):
    text,(h,w) = string(rng, 'ABCDEFGHKLMNPRSTUVWXZ23456789', 3, 6),(40,118)
    np_rng = np.random.default_rng(rng.randrange(1<<32))
    blotches = Image.fromarray(np_rng.integers(90, 200, (4,10,3), np.uint8)).resize((w,h), Image.Resampling.BICUBIC)
    light = rng.random()<.5
    ink = lambda: tuple(rng.randint(215, 255) if light else rng.randint(0, 55) for _ in range(3))
    return written(rng, text, (h,w), blotches, ink, fonts=[fonts[0], fonts[2], *typed[3:]], turn=20, lines=2, jitter=3),text,dict(format='JPEG', quality=75)

def plates(rng):
    text,(h,w) = string(rng, 'ABCDEFGHJKLMNPRSTUVWXYZ0123456789', 5, 8),(46,160)
    np_rng = np.random.default_rng(rng.randrange(1<<32))
    street = Image.fromarray(np_rng.integers(20, 150, (6,14,3), np.uint8)).resize((w,h), Image.Resampling.BICUBIC)
    plate = rng.choice([(245,245,240), (250,205,40), (30,60,140)])
    shade = rng.uniform(.55, 1)
    ink = tuple(rng.randint(225, 255) for _ in range(3)) if plate[0]<100 else tuple(rng.randint(0, 50) for _ in range(3))
    sign = written(rng, text, (34,148), tuple(int(shade*o) for o in plate), lambda: tuple(int(shade*o) for o in ink), fonts=[fonts[2], fonts[3], *typed[:1], typed[3]], turn=2, jitter=1)
    street.paste(sign, (rng.randint(2, 10), rng.randint(3, 9)))
    street = street.rotate(rng.uniform(-6, 6), resample=Image.Resampling.BICUBIC, fillcolor=(70,70,70)).filter(ImageFilter.GaussianBlur(rng.uniform(.3, 1.3)))
    return Image.fromarray((np.asarray(street)+np_rng.normal(0, rng.uniform(2, 16), (h,w,1))).clip(0, 255).astype('uint8')),text,dict(format='JPEG', quality=60)

def drawn(kind, folder, n, seed):
    "`n` images in `folder`; pairs (path, label)"
    folder.mkdir(parents=True)
    items = []
    for i in range(n):
        img,text,how = kind(random.Random(f'{kind.__name__} {seed} {i}'))
        path = folder/f'{i}.{how["format"].lower()}'
        img.save(path, **how)
        items.append((path, text))
    return items

def tried(items, test, epochs=1., factor=1., seed=42, **data):
    "`fast`, with its epochs and its learning rate multiplied; accuracy on the validation images, on `test`, and seconds"
    r = get_recipe('fast')
    set_seed(seed, reproducible=True)
    dls = CaptchaDataLoaders.from_items(items, valid_idx=range(200), **{**r.for_data(), **data})
    learn = captcha_learner(dls, metrics=[], cbs=[Extend()]) # as captcha_train does
    n = round(epochs*r.epochs_for(len(dls.train_ds)))
    fit(learn, n, factor)
    valid,other = learn.evaluate()['captcha_accuracy'],learn.evaluate(dls.test_dl(*zip(*test)))['captcha_accuracy']
    low,high = other.interval
    res = dict(n_train=len(dls.train_ds), n_epochs=learn.n_epoch, size=dls.prep.size, grey=dls.prep.grey, valid_accuracy=valid.value, n_valid=len(test), captcha_accuracy=other.value, captcha_accuracy_low=low, captcha_accuracy_high=high, fit_seconds=learn.fit_history.total)
    print(data, epochs, factor, res, flush=True)
    return res

four = ['noisy','colour','case','widths']

def kinds(tmp, names):
    "Those of `names` anew; the others as the result file has them"
    had = json.loads((results/'sets_kinds.json').read_text())['kinds'] if len(names)<len(four) else {}
    return dict(kinds={**had, **{k: tried(drawn(globals()[k], tmp/k, 2000, 0), drawn(globals()[k], tmp/f'{k}_test', 1000, 1)) for k in names}})

def untouched(tmp):
    items,test = drawn(plates, tmp/'new', 2000, 0),drawn(plates, tmp/'new_test', 1000, 1)
    tries = {'as it comes': {}, 'twice the epochs': dict(epochs=2.), 'stronger augmentation': dict(batch_tfms=[FusedAugment(**strong)])}
    runs = {name: tried(items, test, **kw) for name,kw in tries.items()}
    best = max(list(runs)[1:], key=lambda o: (runs[o]['valid_accuracy'], -runs[o]['fit_seconds']))
    return dict(runs=runs, best=best, difference=runs[best]['captcha_accuracy']-runs['as it comes']['captcha_accuracy'])

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('what', nargs='+', choices=['kinds','untouched'])
    parser.add_argument('--kinds', nargs='+', choices=four, default=four)
    args = parser.parse_args()
    for name in args.what:
        where = machine()
        with tempfile.TemporaryDirectory() as tmp: result = kinds(Path(tmp), args.kinds) if name=='kinds' else untouched(Path(tmp))
        save(f'sets_{name}', dict(benchmark='sets', seed=42, machine=where, **result))
