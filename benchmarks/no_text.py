"""Images without text, and texts of another kind: how many of them does a recogniser answer?

    python benchmarks/no_text.py [--sets SET ...] [--without]

Recognisers of captcha_images_v2, five_digits and cn_plates are trained by the default recipe, with the negatives that
it makes (`Negatives`) and without; with --without only the latter. 15 % of the training images are held out for the
temperature and the thresholds. Each recogniser answers at its 98 % threshold:

- its own test images: accuracy, and the share that is answered;
- 1,000 images without text, 200 of each kind: one colour; noise; lines and shapes; clouds, gradients and stripes;
  parts of three photographs that scikit-learn and Matplotlib bring. Half have the proportions of the set's images,
  the others are up to 1.4 times as wide or as narrow. Nothing of this is what `Negatives` trains on but plain colours,
  gradients and noise;
- 1,000 images of the seven other development sets. Some of them are read rightly (a reader of digits reads a water
  meter), which is counted apart.

About 12 minutes on one thread.
"""
from collections import Counter
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import common
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.negatives import Negatives
from captcha_fastai.reading import usual_threshold
from common import parser, provenance, share, start, train, write_result
from sources import parts, source

sets = ['captcha_images_v2','five_digits','cn_plates']
n_images = 1000

# Images without text

def picture(values): return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))

def colour(r):
    "A grey or any colour"
    return np.repeat(r.uniform(0, 255), 3) if r.random()<.5 else r.uniform(0, 255, 3)

def channels(r, draw):
    "A grey picture, or one whose colours differ"
    return np.repeat(draw()[...,None], 3, 2) if r.random()<.5 else np.stack([draw() for _ in range(3)], 2)

def blank(r, h, w): return picture(np.broadcast_to(colour(r), (h,w,3)))

def noise(r, h, w):
    "Uniform, around a brightness, specks, or blurred"
    kind = r.integers(4)
    if kind==0: return picture(channels(r, lambda: r.uniform(0, 255, (h,w))))
    if kind==1: return picture(r.uniform(60, 255)+channels(r, lambda: r.normal(0, r.uniform(5, 80), (h,w))))
    if kind==2: return picture(np.where(r.random((h,w,1))<r.uniform(.01, .3), colour(r), colour(r)))
    return picture(channels(r, lambda: r.uniform(0, 255, (h,w)))).filter(ImageFilter.GaussianBlur(r.uniform(.5, 3)))

def shapes(r, h, w):
    "One to eleven lines, ellipses, rectangles and arcs"
    img = blank(r, h, w)
    d = ImageDraw.Draw(img)
    for _ in range(r.integers(1, 12)):
        ink,width = tuple(r.integers(0, 256, 3).tolist()),int(r.integers(1, 5))
        left,right = sorted(r.uniform(0, w, 2))
        top,bottom = sorted(r.uniform(0, h, 2))
        fill = ink if r.random()<.5 else None
        kind = r.integers(4)
        if kind==0: d.line([r.uniform(0, w), r.uniform(0, h), r.uniform(0, w), r.uniform(0, h)], ink, width)
        if kind==1: d.ellipse([left, top, right, bottom], fill, ink, width)
        if kind==2: d.rectangle([left, top, right, bottom], fill, ink, width)
        if kind==3: d.arc([left, top, right, bottom], r.uniform(0, 360), r.uniform(0, 360), ink, width)
    return img

def clouds(r, h, w):
    "Noise whose amplitude falls with its frequency"
    frequency = np.hypot(np.fft.fftfreq(h)[:,None], np.fft.rfftfreq(w))
    frequency[0,0] = 1
    waves = (r.normal(size=frequency.shape)+1j*r.normal(size=frequency.shape))/frequency**r.uniform(.8, 2)
    res = np.fft.irfft2(waves, s=(h,w))
    low,high = sorted(r.uniform(0, 255, 2))
    return low+(high-low)*(res-res.min())/np.ptp(res)

def textures(r, h, w):
    "Clouds, a gradient, or stripes"
    kind = r.integers(3)
    if kind==0: return picture(channels(r, lambda: clouds(r, h, w)))
    y,x = np.mgrid[:h,:w]
    angle = r.uniform(0, 2*np.pi)
    along = x*np.cos(angle)+y*np.sin(angle)
    values = (along-along.min())/np.ptp(along) if kind==1 else np.sin(2*np.pi*along/r.uniform(4, 40))>0
    return picture(colour(r)+values[...,None]*r.uniform(-200, 200, 3))

@lru_cache
def photographs():
    "Three photographs: a temple, a flower, a portrait"
    import matplotlib.cbook
    from sklearn.datasets import load_sample_images
    portrait = Image.open(matplotlib.cbook.get_sample_data('grace_hopper.jpg')).convert('RGB')
    return [*map(Image.fromarray, load_sample_images().images), portrait]

def photograph(r, h, w):
    "A part of a photograph, in colour or in grey"
    img = photographs()[r.integers(3)]
    width = max(8, int(min(img.width, img.height*w/h)*r.uniform(.15, 1)))
    height = max(8, int(width*h/w))
    x,y = r.integers(img.width-width+1),r.integers(img.height-height+1)
    res = img.crop((x, y, x+width, y+height)).resize((w,h))
    return res.convert('L').convert('RGB') if r.random()<.3 else res

kinds = dict(blank=blank, noise=noise, shapes=shapes, textures=textures, photograph=photograph)

def without_text(size, n, seed=0):
    "`n` pairs of kind and image, half of them of this `(width, height)`"
    r = np.random.default_rng(seed)
    w,h = size
    names = [list(kinds)[i%len(kinds)] for i in range(n)]
    return [(o, kinds[o](r, h, round(w*r.uniform(.7, 1.4)) if i%2 else w)) for i,o in enumerate(names)]

def of_other_sets(name, n, seed=0):
    "`n` triples of set, file and label, as many of each other set"
    r = np.random.default_rng(seed)
    others = [o for o in parts if o!=name]
    res = []
    for k,o in enumerate(others):
        items = source(o).test+source(o).train
        some = r.permutation(len(items))[:n//len(others)+(k<n%len(others))]
        res += [(o, *items[i]) for i in some]
    return res

# Answers

def learner(name, negatives):
    "A learner after the default fit on the training part of a set"
    data = source(name)
    dls = CaptchaDataLoaders.from_items(data.train, valid_pct=.15, seed=0, chars=data.chars)
    change = None if negatives else lambda o: o.remove_cb(Negatives)
    return train(dls, seed=0, metrics=[], change=change)[0]

def answers(learn, images, least):
    "The texts of the readings, `None` where there is no answer"
    with learn.no_bar(): return [o.text for o in learn.predict(list(images), min_probability=least)]

def judged(learn, name):
    "What a recogniser answers: its own test images, images without text, and those of the other sets"
    data = source(name)
    least = usual_threshold(learn.thresholds)
    own,labels = zip(*data.test)
    none,images = zip(*without_text(Image.open(own[0]).size, common.some(n_images)))
    others,files,texts = zip(*of_other_sets(name, common.some(n_images)))
    answered = [a is not None for a in answers(learn, own, least)]
    read = answers(learn, own, 0)
    from_none = [k for k,a in zip(none, answers(learn, images, least)) if a is not None]
    found = [(k, a==b) for k,a,b in zip(others, answers(learn, files, least), texts) if a is not None]
    return dict(threshold=least, known='0.98' in learn.thresholds, temperature=learn.temperature,
                **share(sum(a==b for a,b in zip(read, labels)), len(labels)), answered=sum(answered)/len(labels),
                n_none=len(images), none_answered=len(from_none), none_kinds=Counter(from_none),
                n_others=len(files), others_answered=len(found), others_right=sum(right for _,right in found),
                others_kinds=Counter(k for k,_ in found),
                fit_seconds=learn.fit_history.total, epochs=len(learn.fit_history.rows))

def main(names, ways):
    "A row for each set and way"
    rows = []
    for name in names:
        for negatives in ways:
            rows.append(dict(data=name, negatives=negatives, **judged(learner(name, negatives), name)))
            print(rows[-1], flush=True)
    return rows

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('--sets', nargs='+', choices=list(parts), default=sets)
    p.add_argument('--without', action='store_true', help='train without negatives only')
    args = start(p.parse_args())
    note = provenance('no_text.py', 'training', list(parts))
    write_result('no_text', note, rows=main(args.sets, [False] if args.without else [False,True]))
