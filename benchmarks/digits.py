"""The four other experiments: per letter, four heads, house numbers, rows of digits.

    python benchmarks/digits.py letters heads simplecaptcha street strips5 strips compare stages5 stages

`letters`: five typed letters of 36, a fully connected net; one change at a time from a set-up that stays at
chance. `heads`: 1,000 typed strings of four characters, 40×80 in colour. `simplecaptcha`: the same recipe on
that set. `street`: generated house numbers, `length` beside `fast`. `strips5`, `strips`: rows of five, and of
one to five, MNIST digits. `compare`: heads, boxes and weightings for those rows, on fewer images. `stages5`,
`stages`: find at low resolution, then read.

Images to train on, to choose by and to test on come from different positions (simplecaptcha is tested on its
validation images, by which nothing was chosen); rows of digits are tested on MNIST's own test digits. Writes
results/digits_NAME.json. From 3 to 25 minutes each on one thread.
"""
from dataclasses import replace
from functools import partial

import torch
from fastai.torch_core import set_seed

import common
from captcha_fastai.augment import FusedAugment
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.drawings import DigitStrips, mnist_digits, street_number, typed
from captcha_fastai.image import crop_box
from captcha_fastai.items import folder_items
from captcha_fastai.learner import find_and_read, get_recipe
from captcha_fastai.losses import LocatedLoss, PerPositionLoss, squared_pixels
from captcha_fastai.models import located_model, mlp_model
from captcha_fastai.synth import captcha_texts
from captcha_fastai.vocab import Vocab
from common import data_folder, figures, run_parts, share, some

digits = '0123456789'
letters36 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
seed = 42

def trained(dls, recipe, epochs, lr=None):
    "A learner after its fit, of the same seed in all experiments"
    return common.train(dls, recipe, seed, fit=dict(epochs=epochs, lr=lr))[0]

def result(learn, test, **more):
    "The figures of a fit, and those of images that had no part in it"
    n_params = sum(p.numel() for p in learn.model.parameters())
    res = dict(more, n_train=len(learn.dls.train_ds), epochs=len(learn.fit_history.rows),
               fit_seconds=learn.fit_history.total,
               parameters=n_params, history=learn.fit_history.rows, test=figures(learn.evaluate(test)))
    print({k: v for k,v in res.items() if k!='history'}, flush=True)
    return res

# rows of digits

def rows_of_digits(lengths, n_train, n_valid, size=(128,256)):
    "Dataloaders over rows of MNIST's training digits; a function that draws rows of its test digits"
    draw = DigitStrips(*mnist_digits(True), lengths=lengths)
    dls = CaptchaDataLoaders.from_draw(draw, n_train, n_valid, size, Vocab(digits), max(lengths), box=True, bs=32,
                                       batch_tfms=[])
    return dls,DigitStrips(*mnist_digits(False), lengths=lengths, seed=1)

def one_net(lengths):
    "One network finds and reads"
    dls,draw = rows_of_digits(lengths, some(165000), some(15000))
    learn = trained(dls, 'located', 1)
    held = sum(o.nbytes for o in (dls.train_ds.draw.images, draw.images))
    return dict(seed=seed, run=result(learn, learn.dls.drawn_dl(draw, range(some(30000)))), bytes_held=held)

def strips5(): return one_net([5])
def strips(): return one_net([1,2,3,4,5])

def variant(text='ctc', box='place', pool=False, weights=None, pixels=False):
    "A recipe like `located`, with other heads or another loss"
    loss = dict(weights=weights)
    if pixels: loss['box'] = squared_pixels((128,256))
    if text!='ctc': loss['text'] = PerPositionLoss
    model = partial(located_model, text=text, box=box, pool=pool)
    return replace(get_recipe('located'), name='variant', model=model, loss=partial(LocatedLoss, **loss))

pixels = dict(pixels=True)
variants = {
    'ours: CTC, box by place, logarithms added': {},
    'its loss: plain sum with squared pixels': dict(pixels, weights=(1,1)),
    'its loss: 1000 : 1': dict(pixels, weights=(1000,1)),
    'its box: regression': dict(box='regression'),
    'its box: regression, a tenth of the step': dict(box='regression', lr=4e-4),
    'its box: regression after pooling': dict(box='regression', pool=True),
    'its text: linear heads': dict(text='linear'),
    'its text: GRU, unrolled': dict(text='gru'),
    "the blog's: GRU, regression, 1000 : 1": dict(pixels, text='gru', box='regression', weights=(1000,1)),
    "the blog's with a plain sum": dict(pixels, text='gru', box='regression', weights=(1,1)),
}

def compare():
    "Every variant on the same rows"
    dls,draw = rows_of_digits([1,2,3,4,5], some(8000), some(500))
    def run(lr=None, **kwargs):
        learn = trained(dls, variant(**kwargs), 1, lr)
        return result(learn, learn.dls.drawn_dl(draw, range(some(3000))))
    return dict(seed=seed, runs={k: run(**o) for k,o in variants.items()})

# find, then read

def cropped(draw):
    "A function that draws what is in the box"
    def crop(i):
        o = draw(i)
        return crop_box(o.image, o.box),o.text
    return crop

def reader_of(draw, lengths, epochs, elastic):
    "A network that reads crops of the whole canvas"
    tfm = FusedAugment(max_rotate=10, max_lighting=0, max_shift=(.1,.05), max_stretch=1.25, max_shear=.3,
                       max_elastic=elastic)
    dls = CaptchaDataLoaders.from_draw(cropped(draw), some(165000), some(2000), (28,144), Vocab(digits), max(lengths),
                                       bs=32,
                                       resize='pad', batch_tfms=[tfm])
    learn = trained(dls, 'fast', epochs)
    if len(lengths)==1: learn.lengths = lengths
    return learn

def read_all(finder, reader, draw, n):
    "Accuracy of both together, and seconds an image"
    whole = chars = right_chars = 0
    seconds = 0.
    for positions in torch.arange(n).split(2000):
        tests = [draw(i) for i in positions.tolist()]
        took,readings = common.timed(find_and_read, finder, reader, [o.image for o in tests])
        seconds += took
        for a,b in zip(readings, tests):
            whole += a.text==b.text
            right_chars += sum(c==d for c,d in zip(a.text, b.text))
            chars += len(b.text)
    return dict(n=n, **share(whole, n), char_accuracy=right_chars/chars, seconds_an_image=seconds/n)

def two_stages(lengths, n_find, epochs, elastic):
    "A finder that sees 64×128 pixels, a reader that sees crops of the whole canvas"
    dls,draw = rows_of_digits(lengths, some(n_find), some(2000), size=(64,128))
    finder = trained(dls, 'located', 1)
    reader = reader_of(dls.train_ds.draw, lengths, epochs, elastic)
    n = some(30000)
    both = read_all(finder, reader, draw, n)
    return dict(seed=seed, both=both, finder=result(finder, finder.dls.drawn_dl(draw, range(n))),
                reader=result(reader, reader.dls.drawn_dl(cropped(draw), range(n))))

def stages5(): return two_stages([5], n_find=40000, epochs=5, elastic=1.2)
def stages(): return two_stages([1,2,3,4,5], n_find=80000, epochs=4, elastic=2)

# house numbers

def street():
    "`length` and `fast` on the same generated photographs"
    draw = cropped(lambda i: street_number((seed,i)))
    n = some(24000)
    n_valid = some(1000)
    test = range(n+n_valid, n+n_valid+some(5000))
    runs = {}
    for recipe in ('length','fast'):
        set_seed(seed, reproducible=True)
        dls = CaptchaDataLoaders.from_draw(draw, n, n_valid, (64,64), Vocab(digits), 5, keep=True, crop=(54,54),
                                           min_images=0, bs=32, grey=False)
        learn = trained(dls, recipe, 6)
        runs[recipe] = result(learn, learn.dls.drawn_dl(draw, test))
    return dict(seed=seed, runs=runs)

# four heads

def heads():
    n = [some(o) for o in (1000,500,5000)]
    texts = captcha_texts(sum(n), seed, letters36)
    def draw(i): return typed(texts[i], (seed,i), (40,80), font='DejaVuSansMono-Bold', points=27, colour=True,
                              move=.5).image,texts[i]
    dls = CaptchaDataLoaders.from_draw(draw, n[0], n[1], (40,80), Vocab(letters36), 4, keep=True)
    learn = trained(dls, 'heads', 40)
    return dict(seed=seed, run=result(learn, learn.dls.drawn_dl(draw, range(n[0]+n[1], sum(n)))))

def simplecaptcha():
    items = folder_items(data_folder('simplecaptcha'))
    dls = CaptchaDataLoaders.from_items(items, valid_pct=.2, seed=seed)
    return dict(seed=seed, run=result(trained(dls, 'heads', 12), None))

# one softmax per letter

class SummedLoss(PerPositionLoss):
    "The sum over positions, where the library takes the mean"
    def __call__(self, scores, target): return super().__call__(scores, target)*target.shape[1]

def summed(vocab): return SummedLoss(vocab, eps=0)

def small_start(*args, **kwargs):
    "`mlp_model`, whose first weights are as small as if its pixels went from 0 to 1"
    model = mlp_model(*args, **kwargs)
    first = next(o for o in model.modules() if isinstance(o, torch.nn.Linear))
    with torch.no_grad(): first.weight /= 255
    return model

every = dict(loss=PerPositionLoss, lr=3e-3, scale=True, norm=True)
setups = {
    'their set-up, the first letter alone': dict(first=True),
    'their set-up': dict(),
    'mean instead of sum': dict(loss=PerPositionLoss),
    'a tenth of the step': dict(lr=1e-3),
    'first weights divided by 255': dict(small=True),
    'pixels scaled': dict(scale=True),
    'batch normalisation': dict(norm=True),
    'twenty-five times the images': dict(n=50000),
    'letters that stay in place': dict(still=True),
    'letters that stay in place, pixels scaled': dict(still=True, scale=True),
    'all but the images': every,
    'all of it': dict(every, n=50000),
    'all of it, 6,000 images': dict(every, n=6000, epochs=6, bs=64),
    '`fast`, with convolutions': dict(recipe='fast', lr=6e-3, n=6000, epochs=6, bs=32),
    '`spatial`, with convolutions': dict(recipe='spatial', lr=3e-3, n=6000, epochs=3, bs=32),
}

def letters_at(i):
    "The text of position `i`"
    ids = torch.randint(36, (5,), generator=torch.Generator().manual_seed(i))
    return ''.join(letters36[j] for j in ids.tolist())

def moving(i): return typed(letters_at(i), i, move=.3)
def standing(i): return typed(letters_at(i), i, move=0., font='DejaVuSansMono')
def first_letter(i):
    o = moving(i)
    return o.image,o.text[0]

def plain_net(small=False, loss=summed, scale=False, norm=False):
    "A recipe of a fully connected net"
    model = partial(small_start if small else mlp_model, widths=(1024,1024), norm=norm, scale=scale)
    return replace(get_recipe('mlp'), name='plain', model=model, loss=loss)

def letter_run(recipe=None, first=False, still=False, n=2000, lr=1e-2, epochs=None, bs=128, **kwargs):
    "One set-up"
    n = some(n)
    draw = first_letter if first else standing if still else moving
    dls = CaptchaDataLoaders.from_draw(draw, n, some(500), (32,112), Vocab(letters36), 1 if first else 5, keep=True,
                                       bs=bs, batch_tfms=[])
    learn = trained(dls, recipe or plain_net(**kwargs), epochs or max(4, 30000//n), lr)
    return result(learn, learn.dls.drawn_dl(draw, range(1000000, 1000000+some(4000))), lr=lr)

def letters():
    "From a set-up that does not learn, one change at a time; then all of them, on more images"
    return dict(seed=seed, runs={k: letter_run(**o) for k,o in setups.items()})

parts = {o.__name__: o for o in (letters, heads, simplecaptcha, street, strips5, strips, compare, stages5, stages)}
mnist = {k: ['MNIST'] for k in ('strips5','strips','compare','stages5','stages')}

if __name__=='__main__': run_parts(__doc__, parts, 'training', dict(mnist, simplecaptcha=['simplecaptcha']))
