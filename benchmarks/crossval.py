"""The recipe `fast` on real images, with no image in more than one part: accuracy by cross-validation, with few labels, and on other data.

    python benchmarks/crossval.py folds few simplecaptcha mathcaptcha display_digits

`folds`: the 1040 captchas of the blog in 5 folds; lists every image that is read wrongly, and draws them (nbs/images/folds_wrong.png). `few`:
trained on 25 to 832 of four folds, tested on the fifth, three draws each; and with 25 to 100, once more with the rest of the four folds as
images without labels (`captcha_train --unlabelled`). The other three are data sets of their own; of identical images only the first is kept, so that none
is on both sides of the split. Epochs and everything else are those of `captcha_train` (`Recipe.epochs_for`, `Extend`); the part that is tested on chooses nothing.
Writes results/crossval_NAME.json.
"""
import argparse, hashlib, re
from pathlib import Path

import numpy as np
from fastai.data.external import fastai_path, untar_data

from captcha_fastai.data import csv_items, folder_items
from captcha_fastai.image import open_image
from captcha_fastai.learner import Extend, SelfTrain, get_recipe
from captcha_fastai.metrics import Share
from calibration import trained
from common import machine, save
from recipes import url

def fitted(train, test, seed, unlabelled=()):
    "Train on `train`; the learner, and which of `test` it reads wrongly, as (file, label, text, probability)"
    learn = trained(train+test, range(len(train), len(train)+len(test)), seed, get_recipe('fast').epochs_for(len(train)), metrics=[],
                    cbs=[Extend()] + ([SelfTrain([f for f,_ in unlabelled])] if unlabelled else []))
    probs,labels,_ = learn.get_labelled()
    return learn,[(Path(f).name, t, o.text, o.probability) for (f,_),t,o in zip(test, labels, learn.decode(probs)) if o.text!=t]

def once(items):
    "Of identical files, the first"
    seen = {}
    for f,label in items: seen.setdefault(hashlib.sha256(Path(f).read_bytes()).hexdigest(), (f,label))
    return list(seen.values())

def in_folds(items, n=5, seed=42):
    "`n` pairs of lists: to train on, to test on"
    fold = np.random.default_rng(seed).permutation(len(items))%n
    return [tuple([items[i] for i in np.flatnonzero(o)] for o in (fold!=k, fold==k)) for k in range(n)]

def summed(runs, n):
    "Accuracy over all runs, and the seconds of each"
    wrong = [o for learn,w in runs for o in w]
    low,high = Share(n-len(wrong), n).interval
    return dict(n_valid=n, n_right=n-len(wrong), captcha_accuracy=1-len(wrong)/n, captcha_accuracy_low=low, captcha_accuracy_high=high,
                fit_seconds=[learn.fit_history.total for learn,_ in runs], epochs=runs[0][0].n_epoch, wrong=[dict(zip(('file','label','text','probability'), o)) for o in wrong])

def cross(items, seed=42):
    runs = [fitted(train, test, seed) for train,test in in_folds(items)]
    return dict(n_train=round(len(items)*.8), seed=seed, **summed(runs, len(items)))

def placed(name):
    "A data set whose archive was put into fastai's archive folder by hand"
    archive = Path(fastai_path('archive'))/f'{name}.zip'
    if not archive.exists(): raise ValueError(f'{archive} is not there; put the archive of {name} there')
    return untar_data(f'https://placed.invalid/{name}.zip') # not downloaded, since it is there

def captchas(): return sorted(folder_items(untar_data(url)))
def folds():
    res = dict(data='captcha_images_v2', **cross(captchas()))
    picture({f.name: f for f,_ in captchas()}, res['wrong'])
    return res

def picture(files, wrong):
    "The images that are read wrongly, with their labels and what was read"
    import matplotlib.pyplot as plt
    fig,axs = plt.subplots(-(-max(len(wrong), 1)//4), 4, figsize=(9, 1.1*-(-max(len(wrong), 1)//4)), squeeze=False, layout='constrained')
    for ax in axs.flat: ax.axis('off')
    for ax,o in zip(axs.flat, wrong):
        ax.imshow(open_image(files[o['file']]).convert('L'), cmap='gray')
        ax.set_title(f"label {o['label']}, read {o['text']} ({o['probability']:.2f})", fontsize=8)
    path = Path(__file__).parent.parent/'nbs'/'images'
    path.mkdir(exist_ok=True)
    fig.savefig(path/'folds_wrong.png', dpi=80)
    plt.close(fig)

def few(counts=(25,50,100,200,400,832), n_draws=3):
    rest,test = in_folds(captchas())[4]
    res = dict(labelled={}, with_unlabelled={})
    for kind,n in [('labelled', n) for n in counts]+[('with_unlabelled', n) for n in counts[:3]]:
        runs = []
        for draw in range(n_draws):
            order = [rest[i] for i in np.random.default_rng(draw).permutation(len(rest))]
            learn,wrong = fitted(order[:n], test, draw, order[n:] if kind!='labelled' else ())
            runs.append(dict(accuracy=1-len(wrong)/len(test), fit_seconds=learn.fit_history.total, epochs=learn.n_epoch, wrong=[o[1:3] for o in wrong]))
        res[kind][n] = runs
        save('crossval_few', dict(benchmark='crossval', machine=machine(), data='captcha_images_v2', seed=0, n_train=n, n_valid=len(test), n_draws=n_draws, **res)) # so that a run that is broken off leaves something
        print(kind, n, [(round(o['accuracy'], 4), round(o['fit_seconds'])) for o in runs], flush=True)
    return dict(data='captcha_images_v2', seed=0, n_train=max(counts), n_valid=len(test), n_draws=n_draws, **res)

def simplecaptcha():
    items = once(sorted(folder_items(placed('simplecaptcha'))))
    order = np.random.default_rng(42).permutation(len(items))
    test,train = ([items[i] for i in o] for o in (order[:1991], order[1991:]))
    return dict(data='simplecaptcha', seed=42, n_train=len(train), **summed([fitted(train, test, 42)], len(test)))

def math_label(f): return re.sub(r'\(\d+\)|[_ \-]', '', Path(f).stem)
def mathcaptcha(): return dict(data='mathcaptcha', **cross(once(sorted(folder_items(placed('mathcaptcha'), math_label), key=lambda o: ('evaluate' in str(o[0]), o[0])))))
def display_digits():
    return dict(data='display_digits', **cross(once(csv_items(placed('display_digits')/'labels.csv'))))

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('sets', nargs='+', choices=['folds','few','simplecaptcha','mathcaptcha','display_digits'])
    for name in parser.parse_args().sets:
        where = machine()
        result = dict(benchmark='crossval', machine=where, **globals()[name]())
        save(f'crossval_{name}', result)
        print(name, {k: v for k,v in result.items() if k not in ('machine','wrong')}, *result.get('wrong', []), sep='\n', flush=True)
