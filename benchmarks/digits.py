"""The four other experiments: per letter, four heads, house numbers, rows of digits. Each with what its source reports.

    python benchmarks/digits.py letters heads simplecaptcha street strips5 strips compare stages5 stages

`letters`: five typed letters of 36, a fully connected net; one change at a time from a set-up that stays at chance.
`heads`: 1,000 typed strings of four characters, 40×80 in colour. `simplecaptcha`: the same recipe on that set.
`street`: generated house numbers, `length` beside `fast`. `strips5`, `strips`: rows of five, and of one to five, MNIST digits.
`compare`: heads, boxes and weightings for those rows, on fewer images. `stages5`, `stages`: find at low resolution, then read.

Images to train on, to choose by and to test on come from different positions (simplecaptcha is tested on its validation images, by which nothing was chosen); rows of digits are tested on MNIST's own test digits.
Writes results/digits_NAME.json. From 3 to 25 minutes each on one thread; `--share 0.01` tries them on a hundredth.
"""
import argparse, json, time
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial

import torch
from fastai.data.external import untar_data
from fastai.torch_core import set_seed

from captcha_fastai.augment import FusedAugment
from captcha_fastai.data import CaptchaDataLoaders, folder_items
from captcha_fastai.image import crop_box
from captcha_fastai.learner import captcha_learner, find_and_read, get_recipe
from captcha_fastai.losses import LengthLoss, LocatedLoss, PerPositionLoss, squared_pixels
from captcha_fastai.metrics import Share
from captcha_fastai.models import located_model, mlp_model
from captcha_fastai.synth import DigitStrips, captcha_texts, mnist_digits, street_number, typed
from captcha_fastai.vocab import Vocab
from common import machine, results, save

digits,letters36,seed,share,only = '0123456789','0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',42,1.,[]

def some(n): return max(64, int(n*share))

def figures(results):
    "An `Evaluation` as plain numbers, with the interval of the whole text"
    low,high = results['captcha_accuracy'].interval
    return {**{k: v.value if isinstance(v, Share) else v for k,v in results.items()}, 'captcha_accuracy_low':low, 'captcha_accuracy_high':high}

def trained(dls, recipe, epochs, lr=None, metrics=None, **kwargs):
    "A learner after its fit"
    r = get_recipe(recipe)
    learn = captcha_learner(dls, recipe, metrics=metrics, **kwargs)
    learn.logger = lambda row: print(*[f'{o:.4f}' if isinstance(o, float) else o for o in row], flush=True)
    with learn.no_bar(): learn.fit_one_cycle(epochs, lr or r.lr, **r.schedule)
    return learn

def result(learn, test, **more):
    "What a fit came to, on images that had no part in it"
    start = time.perf_counter()
    res = dict(more, n_train=len(learn.dls.train_ds), epochs=len(learn.fit_history.rows), fit_seconds=learn.fit_history.total, parameters=sum(p.numel() for p in learn.model.parameters()),
               history=learn.fit_history.rows, test=figures(learn.evaluate(test)))
    print({k: v for k,v in res.items() if k!='history'}, f'{time.perf_counter()-start:.0f} s', flush=True)
    return res

def runs_of(name, setups, run):
    "What `run` makes of each set-up; with `--only`, of those whose name holds it, and the others as they stand in the result file"
    old = json.loads((results/f'digits_{name}.json').read_text())['runs'] if only else {}
    res = {}
    for k,o in setups.items():
        if not only or any(part in k for part in only):
            print(k, flush=True)
            res[k] = dict(run(o), date=datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'))
        elif k in old: res[k] = old[k]
    return res

# rows of digits

def rows_of_digits(lengths, n_train, n_valid, size=(128,256), bs=32):
    "Dataloaders over rows of MNIST's training digits; what draws rows of its test digits"
    dls = CaptchaDataLoaders.from_draw(DigitStrips(*mnist_digits(True), lengths=lengths), n_train, n_valid, size, Vocab(digits), max(lengths), box=True, bs=bs)
    return dls,DigitStrips(*mnist_digits(False), lengths=lengths, seed=1)

def strip_run(lengths):
    dls,draw = rows_of_digits(lengths, some(165000), some(15000))
    learn = trained(dls, 'located', 1)
    held = sum(o.nbytes for o in (dls.train_ds.draw.images, draw.images))
    return dict(run=result(learn, dls.drawn_dl(draw, range(some(30000)))), bytes_held=held)
def strips5(): return strip_run([5])
def strips(): return strip_run([1,2,3,4,5])

def variant(text='ctc', box='place', pool=False, weights=None, pixels=False):
    "A recipe like `located`, with other heads or another loss"
    loss = dict(weights=weights, box=squared_pixels((128,256))) if pixels else dict(weights=weights)
    if text!='ctc': loss['text'] = PerPositionLoss
    return replace(get_recipe('located'), model=partial(located_model, text=text, box=box, pool=pool), loss=partial(LocatedLoss, **loss))

variants = {"ours: CTC, box by place, logarithms added": {}, "its loss: plain sum with squared pixels": dict(weights=(1,1), pixels=True), "its loss: 1000 : 1": dict(weights=(1000,1), pixels=True),
    "its box: regression": dict(box='regression'), "its box: regression, a tenth of the step": dict(box='regression', lr=4e-4), "its box: regression after pooling": dict(box='regression', pool=True),
    "its text: linear heads": dict(text='linear'), "its text: GRU, unrolled": dict(text='gru'),
    "the blog's: GRU, regression, 1000 : 1": dict(text='gru', box='regression', weights=(1000,1), pixels=True), "the blog's with a plain sum": dict(text='gru', box='regression', weights=(1,1), pixels=True)}

def compare():
    dls,draw = rows_of_digits([1,2,3,4,5], some(8000), some(500))
    def run(kw):
        set_seed(seed, reproducible=True)
        return result(trained(dls, variant(**{k: v for k,v in kw.items() if k!='lr'}), 1, kw.get('lr')), dls.drawn_dl(draw, range(some(3000))))
    return dict(runs=runs_of('compare', variants, run))

def two_stages(lengths, n_find, epochs, elastic):
    "A finder that sees 64×128 pixels, a reader that sees crops of the whole canvas"
    dls,draw = rows_of_digits(lengths, some(n_find), some(2000), size=(64,128))
    finder = trained(dls, 'located', 1)
    part = lambda draw: lambda i: (crop_box((o := draw(i)).image, o.box), o.text)
    set_seed(seed, reproducible=True)
    rdls = CaptchaDataLoaders.from_draw(part(dls.train_ds.draw), some(165000), some(2000), (28,144), Vocab(digits), max(lengths), bs=32, resize='pad',
                                        batch_tfms=[FusedAugment(max_rotate=10, max_lighting=0, max_shift=(.1,.05), max_stretch=1.25, max_shear=.3, max_elastic=elastic)])
    reader = trained(rdls, 'fast', epochs)
    if len(lengths)==1: reader.lengths = lengths # as `captcha_train` does where all labels are equally long
    right,seconds,n = 0,0.,some(30000)
    for part_of in torch.arange(n).split(2000):
        tests = list(map(draw, part_of.tolist()))
        start = time.perf_counter()
        read = find_and_read(finder, reader, [o.image for o in tests])
        seconds += time.perf_counter()-start
        right += torch.tensor([[a.text==b.text, sum(c==d for c,d in zip(a.text, b.text)), len(b.text)] for a,b in zip(read, tests)]).sum(0)
    low,high = Share(int(right[0]), n).interval
    return dict(finder=result(finder, dls.drawn_dl(draw, range(n))), reader=result(reader, rdls.drawn_dl(part(draw), range(n))),
                both=dict(n=n, captcha_accuracy=int(right[0])/n, captcha_accuracy_low=low, captcha_accuracy_high=high, char_accuracy=int(right[1])/int(right[2]), seconds_an_image=seconds/n))
def stages5(): return two_stages([5], n_find=40000, epochs=5, elastic=1.2)
def stages(): return two_stages([1,2,3,4,5], n_find=80000, epochs=4, elastic=2)

# house numbers

def street():
    def draw(i):
        o = street_number((seed,i))
        return crop_box(o.image, o.box),o.text
    n,n_valid,n_test,runs = some(24000),some(1000),some(5000),{}
    for recipe,epochs,more in [('length',6,{}), ('fast',6,{})]:
        set_seed(seed, reproducible=True)
        r = get_recipe(recipe)
        dls = CaptchaDataLoaders.from_draw(draw, n, n_valid, (64,64), Vocab(digits), 5, keep=True, crop=(54,54), **{**r.for_data(), 'least':0, 'bs':32, 'grey':False})
        dls.train.fill()
        runs[recipe] = result(trained(dls, recipe, epochs), dls.drawn_dl(draw, range(n+n_valid, n+n_valid+n_test)))
    return dict(runs=runs)

# four heads

def heads():
    texts = captcha_texts(some(1000)+some(500)+some(5000), seed, letters36)
    draw = lambda i: (typed(texts[i], (seed,i), (40,80), font='DejaVuSansMono-Bold', points=27, colour=True, move=.5).image, texts[i])
    set_seed(seed, reproducible=True)
    a,b = some(1000),some(1000)+some(500)
    dls = CaptchaDataLoaders.from_draw(draw, a, b-a, (40,80), Vocab(letters36), 4, keep=True, **get_recipe('heads').for_data())
    return dict(run=result(trained(dls, 'heads', 40), dls.drawn_dl(draw, range(b, len(texts)))))

def simplecaptcha():
    items = folder_items(untar_data('https://placed.invalid/simplecaptcha.zip')) # placed in fastai's archive folder, not downloaded
    set_seed(seed, reproducible=True)
    dls = CaptchaDataLoaders.from_items(items, valid_pct=.2, seed=seed, **get_recipe('heads').for_data())
    return dict(run=result(trained(dls, 'heads', max(1, round(12*share))), None))

# one softmax per letter

plain = dict(widths=(1024,1024), norm=False, scale=False)
def summed(vocab): return SummedLoss(vocab, eps=0)
class SummedLoss(PerPositionLoss):
    "The sum over positions, where the library takes the mean"
    def __call__(self, scores, target): return super().__call__(scores, target)*target.shape[1]

def letters():
    "From a set-up that does not learn, one change at a time; then all of them, on more images"
    draw = lambda i: typed(''.join(letters36[j] for j in torch.randint(36, (5,), generator=torch.Generator().manual_seed(i)).tolist()), i, move=.3)
    test = range(1000000, 1000000+some(4000))
    setups = {"their set-up, the first letter alone": dict(first=True), "their set-up": dict(), "mean instead of sum": dict(loss=PerPositionLoss), "a tenth of the step": dict(lr=1e-3), "first weights divided by 255": dict(small=True), "pixels scaled": dict(scale=True),
              "batch normalisation": dict(norm=True), "twenty-five times the images": dict(n=50000), "letters that stay in place": dict(still=True), "letters that stay in place, pixels scaled": dict(still=True, scale=True), "all but the images": dict(loss=PerPositionLoss, lr=3e-3, scale=True, norm=True),
              "all of it": dict(loss=PerPositionLoss, lr=3e-3, scale=True, norm=True, n=50000), "all of it, 6,000 images": dict(loss=PerPositionLoss, lr=3e-3, scale=True, norm=True, n=6000, epochs=6, bs=64),
              "`fast`, with convolutions": dict(recipe=get_recipe('fast'), lr=6e-3, n=6000, epochs=6, bs=32), "`spatial`, with convolutions": dict(recipe=get_recipe('spatial'), lr=3e-3, n=6000, epochs=3, bs=32)}
    def run(o):
        now = draw
        if o.get('still'): now = lambda i: typed(draw(i).text, i, move=0., font='DejaVuSansMono')
        if o.get('first'): now = lambda i: ((whole := draw(i)).image, whole.text[0])
        model = partial(small_start if o.get('small') else mlp_model, **{**plain, **{k: o[k] for k in ('scale','norm') if k in o}})
        recipe = o.get('recipe') or replace(get_recipe('mlp'), model=model, loss=o.get('loss', summed))
        return letter_run(recipe, now, some(o.get('n', 2000)), o.get('lr', 1e-2), test, o.get('epochs'), o.get('bs', 128), n_pos=1 if o.get('first') else 5)
    return dict(runs=runs_of('letters', setups, run))

def small_start(*args, **kwargs):
    "`mlp_model`, whose first weights are as small as if its pixels went from 0 to 1"
    model = mlp_model(*args, **kwargs)
    with torch.no_grad(): next(o for o in model.modules() if isinstance(o, torch.nn.Linear)).weight /= 255
    return model

def letter_run(recipe, draw, n, lr, test, epochs=None, bs=128, n_pos=5):
    set_seed(seed, reproducible=True)
    dls = CaptchaDataLoaders.from_draw(draw, n, 500, (32,112), Vocab(letters36), n_pos, keep=True, bs=bs, batch_tfms=[])
    return result(trained(dls, recipe, epochs or max(4, 30000//n), lr), dls.drawn_dl(draw, test), lr=lr)

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('what', nargs='+', choices=['letters','heads','simplecaptcha','street','strips5','strips','compare','stages5','stages'])
    parser.add_argument('--share', type=float, default=1., help='of all numbers of images; results are not written below 1')
    parser.add_argument('--only', nargs='+', default=[], help='of letters and compare: run what has this in its name, and keep the rest of the result file')
    args = parser.parse_args()
    share,only = args.share,args.only
    for name in args.what:
        where = machine()
        set_seed(seed, reproducible=True)
        res = dict(benchmark='digits', seed=seed, machine=where, **globals()[name]())
        if share==1: save(f'digits_{name}', res)
