"""What a training with `fast` costs: seconds, memory, and how both grow.

    python benchmarks/cost.py time memory scale budget

`time`: seconds to 97.1 % of the blog's 104 validation captchas (split of seed 42). Five seeds of a schedule of
6 epochs, one of the default schedule, and, in the same run, one epoch of each of the blog's recipes after a
warm-up of one batch. How many epochs those need to 97.1 % is taken from the full runs of train.py, so their
seconds are extrapolated. Seconds are those of the fit: opening the images, training, and validation after each
epoch.

`memory`: peak memory (resident) of training on the 1040 captchas with the defaults, and with the export after it.

`scale`: seconds and peak memory of an epoch on 1,000 to 50,000 generated captchas of 60x160.

`budget`: `fit_recipe(budget=...)` on the 1040 captchas, and on the 1600 strings of `sets.py strips`, whose later
epochs take longer than the first: seconds with the planning, the calibration and the report.

All but `time` are measured in processes of their own. Writes results/cost_NAME.json. About 4, 2, 10 and 5
minutes on 2 cores.
"""
import json, sys, tempfile
from pathlib import Path

import common, sets
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner
from captcha_fastai.synth import synth_folder
from common import alone, data_folder, figures, load_result, median, peak_mb, run_parts, seconds_to, some, timed, train

goal = .971
short = 6 # epochs of the shortest schedule that was found to reach the goal

def captcha_dls(): return CaptchaDataLoaders.from_folder(data_folder('captcha_images_v2'), seed=42)

def to_goal(seed, epochs=None):
    "Seconds of one fit of `fast` to the goal"
    learn,_ = train(captcha_dls(), seed=seed, fit=dict(epochs=epochs))
    rows = learn.fit_history.rows
    res = dict(seed=seed, n_epochs=len(rows), seconds_to_goal=seconds_to(rows, goal),
               fit_seconds=learn.fit_history.total, epochs=rows)
    print({k: v for k,v in res.items() if k!='epochs'}, flush=True)
    return res

def blog(recipe):
    "Seconds of an epoch in this run, and the epochs that the full run of train.py took to the goal"
    full = load_result(f'train_{recipe}')['epochs']
    need = next((i+1 for i,o in enumerate(full) if o['captcha_accuracy']>=goal), None)
    learn = captcha_learner(captcha_dls(), recipe)
    for dl in (learn.dls.train, learn.dls.valid): dl.fill()
    x,y = learn.dls.one_batch()
    learn.loss_func(learn.model(x), y).backward() # warm up
    learn.zero_grad()
    with learn.no_bar(),learn.no_logging(): learn.fit(1)
    seconds = learn.fit_history.total
    return dict(seconds_an_epoch=seconds, epochs_to_goal=need, seconds_to_goal=need and need*seconds)

def time_to_goal(seeds=range(5)):
    runs = [to_goal(o, short) for o in seeds]
    default = to_goal(42)
    others = {k: blog(k) for k in ('crnn','pooled','spatial')}
    middle = median([o['seconds_to_goal'] or float('inf') for o in runs])
    fastest = min(o['seconds_to_goal'] for o in others.values() if o['seconds_to_goal'])
    return dict(data='captcha_images_v2', seed=42, n_train=936, n_valid=104, goal=goal, n_epochs=short, runs=runs,
                default=default,
                blog=others, median_seconds=middle, times_less=fastest/middle)

def one_size(folder):
    "In a process of its own: an epoch on the images of `folder`, all of which were opened before"
    dls = CaptchaDataLoaders.from_folder(folder, valid_idx=range(100), min_images=0)
    learn,_ = train(dls, seed=0, fit=dict(epochs=1),
                    change=lambda learn: [o.fill() for o in (learn.dls.train, learn.dls.valid)])
    return dict(n_train=len(dls.train_ds), seconds_an_epoch=learn.fit_history.total, peak_mb=peak_mb())

def whole_training(folder):
    "In a process of its own: train and export"
    learn,_ = train(CaptchaDataLoaders.from_folder(folder, seed=42))
    trained = peak_mb()
    with tempfile.TemporaryDirectory() as tmp: learn.to_recogniser(Path(tmp)/'recogniser')
    return dict(peak_mb_of_training=trained, peak_mb=peak_mb())

def with_budget(budget, folder=None):
    "In a process of its own: train for `budget` seconds, on the captchas of `folder` or on strips"
    with tempfile.TemporaryDirectory() as tmp:
        items,test = (None,None) if folder else sets.sets_of(sets.strips, tmp)
        if folder: dls = CaptchaDataLoaders.from_folder(folder, seed=42)
        else: dls = CaptchaDataLoaders.from_items(items, valid_idx=range(len(items)//10))
        seconds,(learn,result) = timed(lambda: train(dls, fit=dict(budget=float(budget))))
        if test: result = learn.evaluate(learn.dls.test_dl(*zip(*test)))
    return dict(data='captcha_images_v2' if folder else 'strips', n_train=len(dls.train_ds), budget=float(budget),
                epochs=len(learn.fit_history.rows), seconds=seconds, **figures(result),
                n_valid=len(test or dls.valid_ds))

def memory(): return dict(data='captcha_images_v2', seed=42,
                          **alone('cost.py', '--alone', 'whole_training', data_folder('captcha_images_v2')))

def scale(sizes=(1000,10000,50000)):
    res = []
    for n in map(some, sizes):
        with tempfile.TemporaryDirectory() as tmp:
            folder = synth_folder(Path(tmp)/'images', n+100, seed=n, chars='0123456789abcdefghijklmnopqrstuvwxyz',
                                  lengths=5)
            res.append(alone('cost.py', '--alone', 'one_size', folder))
        print(res[-1], flush=True)
    return dict(data='generated, 5 of 36, 60x160', seed=0, sizes=res)

def budget():
    budgets = (2,) if common.trying else (15,60)
    runs = [alone('cost.py', '--alone', 'with_budget', o, data_folder('captcha_images_v2')) for o in budgets]
    runs.append(alone('cost.py', '--alone', 'with_budget', 2 if common.trying else 175))
    return dict(seed=42, runs=runs)

captcha_data = ['captcha_images_v2']
parts = dict(time=time_to_goal, memory=memory, scale=scale, budget=budget)

if __name__=='__main__':
    if sys.argv[1:2]==['--alone']: print(json.dumps(globals()[sys.argv[2]](*sys.argv[3:])))
    else: run_parts(__doc__, parts, 'training', dict(time=captcha_data, memory=captcha_data, budget=captcha_data))
