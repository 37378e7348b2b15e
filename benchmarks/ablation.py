"""What makes `fast` fast: the recipe as it is, and with one part of it taken back, on the 1040 captchas of the blog.

    python benchmarks/ablation.py parts few

`parts`: 936 images to train on, 104 to validate on (the split of seed 42), 8 epochs, two seeds each, in turns, so that a busy machine slows all
of them alike. `few`: 50 images to train on, and the fifth fold of crossval.py to test on, with the recipe's own epochs of 900 images. Writes
results/ablation.json and results/ablation_few.json. About 8 and 15 minutes on 2 cores.
"""
import argparse
from functools import partial

import numpy as np, torch
from fastai.callback.core import Callback
from fastai.data.external import untar_data
from fastai.optimizer import OptimWrapper
from fastai.torch_core import set_seed
from torch import nn

from captcha_fastai.augment import FusedAugment, captcha_augment
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import Autocast, InkStart, Recombine, captcha_learner, get_recipe
from captcha_fastai.models import StepHead, fast_model, feature_shape
from common import fit, machine, save, strong
from crossval import captchas, in_folds
from recipes import url

def lstm(learn):
    body = learn.model[0]
    learn.model = nn.Sequential(body, StepHead(*feature_shape(body, 1, learn.dls.prep.size), len(learn.dls.vocab), (128,), dropout=.3)).to(memory_format=torch.channels_last)

def fine(learn):
    dls = learn.dls
    learn.model = fast_model(len(dls.vocab), dls.n_pos, dls.prep.size, dls.prep.n_in, fine=1e9).to(memory_format=torch.channels_last)

without = lambda cb: lambda learn: learn.remove_cb(cb)
changes = {
    'as it is': (),
    'without the ink start': (dict(), without(InkStart)),
    'an LSTM in place of the two convolutions': (dict(), lstm),
    "fastai's augmentation": (dict(batch_tfms=captcha_augment(max_zoom=1.1)),),
    "PyTorch's fused AdamW": (dict(), lambda learn: setattr(learn, 'opt_func', partial(OptimWrapper, opt=torch.optim.AdamW, fused=True))),
    'full size in the first layer, as small images have it': (dict(), fine),
    '32-bit floats': (dict(), without(Autocast)),
    'channels first in memory': (dict(), lambda learn: learn.model.to(memory_format=torch.contiguous_format)),
    'batches of 32': (dict(bs=32),),
    'half the learning rate': (dict(), lambda learn: setattr(learn, 'factor', .5)),
    'only turned, scaled and lit': (dict(batch_tfms=[FusedAugment()]),),
    'with recombination, which short fits leave out': (dict(), lambda learn: setattr(learn.recombine, 'least', 0)),
    'weights averaged over the second half': (dict(), lambda learn: learn.add_cb(Average())),
}

class Average(Callback):
    "Exponential moving average of the weights, from the middle of the fit on; the model has it for validation"
    order = -30 # before the model is validated
    def __init__(self, decay=.98): self.decay,self.mean = decay,None
    def after_batch(self):
        if not self.training or self.pct_train<.5: return
        now = self.learn.model.state_dict()
        if self.mean is None: self.mean = {k: v.detach().clone() for k,v in now.items()}
        for k,v in self.mean.items(): v.lerp_(now[k], 1-self.decay) if v.is_floating_point() else v.copy_(now[k])
    def swap(self):
        if self.mean is None: return
        now = {k: v.detach().clone() for k,v in self.learn.model.state_dict().items()}
        self.learn.model.load_state_dict(self.mean)
        self.mean = now
    def before_validate(self): self.swap()
    def after_validate(self): self.swap() # back to the weights that are trained

few_changes = {
    'as it is': (),
    'without recombination': (dict(), without(Recombine)),
    'without the ink start': (dict(), without(InkStart)),
    'stronger augmentation': (dict(batch_tfms=[FusedAugment(**strong)]),),
    'only turned, scaled and lit': (dict(batch_tfms=[FusedAugment()]),),
}

def run_few(seed, data=None, change=None, n=50):
    "Fit on `n` images; accuracy on the fifth fold, with texts of five characters and with any"
    r,(rest,test) = get_recipe('fast'),in_folds(captchas())[4]
    items = [rest[i] for i in np.random.default_rng(seed).permutation(len(rest))[:n]]
    set_seed(seed, reproducible=True)
    learn = captcha_learner(CaptchaDataLoaders.from_items(items+test, valid_idx=range(n, n+len(test)), **{**r.for_data(), **(data or {})}), metrics=[])
    if change: change(learn)
    fit(learn, r.epochs_for(n))
    return dict(captcha_accuracy=learn.evaluate()['captcha_accuracy'].value, any_length=learn.evaluate(lengths=None)['captcha_accuracy'].value, fit_seconds=learn.fit_history.total)

def run(seed, data=None, change=None, epochs=8):
    "Fit once; seconds and accuracy after each epoch"
    r = get_recipe('fast')
    set_seed(seed, reproducible=True)
    learn = captcha_learner(CaptchaDataLoaders.from_folder(untar_data(url), seed=42, **{**r.for_data(), **(data or {})}))
    if change: change(learn)
    fit(learn, epochs, getattr(learn, 'factor', 1))
    return [dict(seconds=o['seconds'], captcha_accuracy=o['captcha_accuracy']) for o in learn.fit_history.rows]

def in_turns(changes, run, seeds=(0,1)):
    runs = {k: [] for k in changes}
    for seed in seeds:
        for name,change in changes.items():
            runs[name].append(run(seed, *change))
            print(seed, name, runs[name][-1], flush=True)
    return dict(benchmark='ablation', data='captcha_images_v2', seed=list(seeds), runs=runs)

def parts(): return 'ablation',dict(n_train=936, n_valid=104, **in_turns(changes, run))
def few(n=50): return 'ablation_few',dict(n_train=n, n_valid=len(in_folds(captchas())[4][1]), **in_turns(few_changes, run_few))

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('what', nargs='+', choices=['parts','few'])
    for o in parser.parse_args().what:
        where = machine()
        name,result = globals()[o]()
        save(name, dict(result, machine=where))
