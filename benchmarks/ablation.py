"""What makes `fast` fast: the recipe as it is, and with one part of it changed, on the 1040 captchas of the blog.

    python benchmarks/ablation.py

936 images to train, 104 to validate (the split of seed 42), 8 epochs from random weights, two seeds each, in turns, so
that a busy machine slows all of them alike; and one row from the pretrained start, in as many epochs. Writes
results/ablation.json. About 10 minutes on 2 cores.
"""
from functools import partial

import torch
from fastai.callback.core import Callback
from fastai.optimizer import OptimWrapper
from torch import nn

from captcha_fastai.augment import FusedAugment, captcha_augment
from captcha_fastai.callbacks import Autocast
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.few_labels import InkStart
from captcha_fastai.learner import get_recipe
from captcha_fastai.models import StepHead, feature_shape
from common import data_folder, parser, provenance, start, train, write_result

class Average(Callback):
    "Exponential moving average of the weights from the middle of the fit on; the model has it for validation"
    order = -30 # before the model is validated
    def __init__(self, decay=.98):
        self.decay = decay
        self.mean = None
    def weights(self): return {k: v.detach().clone() for k,v in self.learn.model.state_dict().items()}
    def after_batch(self):
        if not self.training or self.pct_train<.5: return
        now = self.learn.model.state_dict()
        if self.mean is None: self.mean = self.weights()
        for k,v in self.mean.items(): v.lerp_(now[k], 1-self.decay) if v.is_floating_point() else v.copy_(now[k])
    def swap(self):
        if self.mean is None: return
        now = self.weights()
        self.learn.model.load_state_dict(self.mean)
        self.mean = now
    def before_validate(self): self.swap()
    def after_validate(self): self.swap() # back to the weights that are trained

def lstm(learn):
    "An LSTM in place of the two convolutions"
    body = learn.model[0]
    head = StepHead(*feature_shape(body, 1, learn.dls.prep.size), len(learn.dls.vocab), (128,), dropout=.3)
    learn.model = nn.Sequential(body, head).to(memory_format=torch.channels_last)

def adamw(learn): learn.opt_func = partial(OptimWrapper, opt=torch.optim.AdamW, fused=True)
def channels_first(learn): learn.model.to(memory_format=torch.contiguous_format)
def recombine(learn): learn.recombine.min_epochs = 0
def without(cb): return lambda learn: learn.remove_cb(cb)

# name → what to tell the dataloaders, the learner, the fit
changes = {
    'as it is, from random weights': {},
    'from the start': dict(pretrained=True),
    'without the ink start': dict(change=without(InkStart)),
    'an LSTM in place of the two convolutions': dict(change=lstm),
    "fastai's augmentation": dict(data=dict(batch_tfms=captcha_augment(max_zoom=1.1))),
    "PyTorch's fused AdamW": dict(change=adamw),
    '32-bit floats': dict(change=without(Autocast)),
    'channels first in memory': dict(change=channels_first),
    'batches of 32': dict(data=dict(bs=32)),
    'half the learning rate': dict(fit=dict(lr=get_recipe('fast').lr/2)),
    'only turned, scaled and lit': dict(data=dict(batch_tfms=[FusedAugment()])),
    'with recombination, which short fits leave out': dict(change=recombine),
    'weights averaged over the second half': dict(change=lambda learn: learn.add_cb(Average())),
}

def run(seed, data=None, fit=None, change=None, pretrained=False, epochs=8):
    "Fit once; seconds and accuracy after each epoch"
    dls = CaptchaDataLoaders.from_folder(data_folder('captcha_images_v2'), seed=42, **(data or {}))
    learn,_ = train(dls, seed=seed, fit=dict(fit or {}, epochs=epochs), change=change, pretrained=pretrained)
    return [dict(seconds=o['seconds'], captcha_accuracy=o['captcha_accuracy']) for o in learn.fit_history.rows]

def in_turns(seeds=(0,1)):
    "All changes with the first seed, then with the second"
    runs = {k: [] for k in changes}
    for seed in seeds:
        for name,change in changes.items():
            runs[name].append(run(seed, **change))
            print(seed, name, runs[name][-1][-1], flush=True)
    return dict(data='captcha_images_v2', seed=list(seeds), n_train=936, n_valid=104, runs=runs)

if __name__=='__main__':
    start(parser(__doc__).parse_args())
    note = provenance('ablation.py', 'training', ['captcha_images_v2'])
    write_result('ablation', note, **in_turns())
