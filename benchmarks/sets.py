"""Images that `fast` was not tuned on: four kinds of generated strings, and a fifth that is tuned for afterwards.

    python benchmarks/sets.py kinds untouched

`kinds`: 2,000 images each of noisy grey JPEGs, of colour with lines, of case-sensitive letters, and of widths and lengths that vary from
image to image; 1,800 to train on, 200 to test on, and 1,000 further ones drawn for the test alone. Defaults throughout.

`untouched`: light text on dark gradients, in fonts, colours and lengths of its own, 2,000 images. First `fast` as it comes, then five attempts
to do better by settings; the attempt with the best validation accuracy is compared with the default on 1,000 images that chose nothing.

Writes results/sets_NAME.json. About 4 and 5 minutes on 2 cores.
"""
import argparse, random, tempfile
from pathlib import Path

import matplotlib, numpy as np
from fastai.torch_core import set_seed
from PIL import Image, ImageDraw, ImageFont

from captcha_fastai.augment import FusedAugment
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner, get_recipe
from captcha_fastai.models import fast_model
from common import fit, machine, save, strong

fonts = [str(Path(matplotlib.get_data_path())/'fonts/ttf'/f'{o}.ttf') for o in ('DejaVuSans','DejaVuSerif','DejaVuSans-Bold','DejaVuSansMono','STIXGeneral','cmr10')]

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

def tried(items, test, epochs=1., lr=1., change=None, seed=42, **data):
    "`fast`, with its epochs and learning rate multiplied; accuracy on the validation images, on `test`, and seconds"
    r = get_recipe('fast')
    set_seed(seed, reproducible=True)
    dls = CaptchaDataLoaders.from_items(items, valid_idx=range(200), **{**r.for_data(), **data})
    learn = captcha_learner(dls, metrics=[])
    if change: change(learn)
    n = round(epochs*r.epochs_for(len(dls.train_ds)))
    fit(learn, n, lr)
    valid,other = learn.evaluate()['captcha_accuracy'],learn.evaluate(dls.test_dl(*zip(*test)))['captcha_accuracy']
    low,high = other.interval
    res = dict(n_train=len(dls.train_ds), n_epochs=n, size=dls.prep.size, valid_accuracy=valid.value, n_valid=len(test), captcha_accuracy=other.value, captcha_accuracy_low=low, captcha_accuracy_high=high, fit_seconds=learn.fit_history.total)
    print(data, epochs, lr, res, flush=True)
    return res

def kinds(tmp): return dict(kinds={k.__name__: tried(drawn(k, tmp/k.__name__, 2000, 0), drawn(k, tmp/f'{k.__name__}_test', 1000, 1)) for k in (noisy, colour, case, widths)})

def wider(learn):
    learn.model = fast_model(len(learn.dls.vocab), learn.dls.n_pos, learn.dls.prep.size, 1, widths=(24,48,96,192), hidden=384)

def untouched(tmp):
    items,test = drawn(own, tmp/'own', 2000, 0),drawn(own, tmp/'own_test', 1000, 1)
    tries = {'as it comes': {}, 'twice the epochs': dict(epochs=2.), 'half the learning rate': dict(lr=.5), 'in colour': dict(grey=False), 'stronger augmentation': dict(batch_tfms=[FusedAugment(**strong)]), 'half as wide again': dict(change=wider)}
    runs = {name: tried(items, test, **kw) for name,kw in tries.items()}
    best = max(list(runs)[1:], key=lambda o: (runs[o]['valid_accuracy'], -runs[o]['fit_seconds']))
    return dict(runs=runs, best=best, difference=runs[best]['captcha_accuracy']-runs['as it comes']['captcha_accuracy'])

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('what', nargs='+', choices=['kinds','untouched'])
    for name in parser.parse_args().what:
        where = machine()
        with tempfile.TemporaryDirectory() as tmp: result = dict(benchmark='sets', seed=42, machine=where, **globals()[name](Path(tmp)))
        save(f'sets_{name}', result)
