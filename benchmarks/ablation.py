"""What makes `fast` fast: the recipe as it is, and with one part of it taken back, on the 1040 captchas of the blog.

    python benchmarks/ablation.py

936 images to train on, 104 to validate on (the split of seed 42), 8 epochs, two seeds each, in turns, so that a busy machine slows all of them
alike. Writes results/ablation.json. About 5 minutes on 2 cores.
"""


import torch
from fastai.data.external import untar_data
from fastai.optimizer import Adam
from fastai.torch_core import set_seed
from torch import nn

from captcha_fastai.augment import captcha_augment
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import Autocast, InkStart, captcha_learner, get_recipe
from captcha_fastai.models import StepHead, feature_shape
from common import machine, save
from recipes import url

def lstm(learn):
    body = learn.model[0]
    learn.model = nn.Sequential(body, StepHead(*feature_shape(body, 1, learn.dls.prep.size), len(learn.dls.vocab), (128,), dropout=.3)).to(memory_format=torch.channels_last)

without = lambda cb: lambda learn: learn.remove_cb(cb)
changes = {
    'as it is': (),
    'without the ink start': (dict(), without(InkStart)),
    'an LSTM in place of the two convolutions': (dict(), lstm),
    "fastai's augmentation": (dict(batch_tfms=captcha_augment(max_zoom=1.1)),),
    "fastai's Adam": (dict(), lambda learn: setattr(learn, 'opt_func', Adam)),
    '32-bit floats': (dict(), without(Autocast)),
    'channels first in memory': (dict(), lambda learn: learn.model.to(memory_format=torch.contiguous_format)),
    'batches of 32': (dict(bs=32),),
    'half the learning rate': (dict(), lambda learn: setattr(learn, 'factor', .5)),
}

def run(seed, data=None, change=None, epochs=8):
    "Fit once; seconds and accuracy after each epoch"
    r = get_recipe('fast')
    set_seed(seed, reproducible=True)
    learn = captcha_learner(CaptchaDataLoaders.from_folder(untar_data(url), seed=42, **{**r.for_data(), **(data or {})}))
    if change: change(learn)
    with learn.no_bar(),learn.no_logging(): learn.fit_one_cycle(epochs, r.lr*getattr(learn, 'factor', 1), **r.schedule)
    return [dict(seconds=o['seconds'], captcha_accuracy=o['captcha_accuracy']) for o in learn.fit_history.rows]

if __name__=='__main__':
    where,runs = machine(),{k: [] for k in changes}
    for seed in (0,1):
        for name,change in changes.items():
            runs[name].append(run(seed, *change))
            print(seed, name, [round(o['captcha_accuracy'], 3) for o in runs[name][-1]], round(runs[name][-1][-1]['seconds'], 1), flush=True)
    save('ablation', dict(benchmark='ablation', data='captcha_images_v2', seed=[0,1], n_train=936, n_valid=104, machine=where, runs=runs))
