"""How fast does `fast` learn, how much memory does that take, and how does it grow?

    python benchmarks/train.py time memory scale captcha_break budget

`time`: the 936 and 104 captchas of the blog (split of seed 42), a schedule of 6 epochs that was fixed beforehand, five seeds; and, in the same
run, one epoch of each of the blog's recipes after a warm-up of one batch. How many epochs those need to 97.1 % is taken from the full runs
of recipes.py. Seconds are those of the fit: opening the images, training, validation after each epoch.

`memory`: peak memory (resident) of `captcha_train` on the 1040 captchas, up to the end of its training and in all, in a process of its own.

`scale`: seconds and peak memory of an epoch on 1,000 to 50,000 generated captchas of 60x160, each in a process of its own.

`captcha_break`: the setting of that project: 4 of 36 characters, 170x80, drawn by the package `captcha`, each image new. One pass over
24,000 images, tested on 4,000 others.

`budget`: `captcha_train --budget` on the 1040 captchas, in processes of their own; seconds from the first step to the last.

Writes results/train_NAME.json. About 3, 2, 10, 3 and 3 minutes on 2 cores.
"""
import argparse, json, random, subprocess, sys, tempfile, time
from pathlib import Path

from fastai.data.external import untar_data
from fastai.torch_core import set_seed

from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner, get_recipe
from captcha_fastai.synth import captcha_image, synth_folder
from captcha_fastai.vocab import Vocab
from common import fit, machine, peak_mb, save, seconds_to
from recipes import url
from tables import median

epochs,goal = 6,.971

def blog(recipe):
    "Seconds an epoch in this run, and the epochs that the full run of recipes.py took to the goal"
    full = json.loads((Path(__file__).parent/'results'/f'captcha_{recipe}.json').read_text())
    need = next((i+1 for i,o in enumerate(full['epochs']) if o['captcha_accuracy']>=goal), None)
    dls = CaptchaDataLoaders.from_folder(untar_data(url), seed=42, **get_recipe(recipe).for_data())
    for dl in (dls.train, dls.valid): dl.fill()
    learn = captcha_learner(dls, recipe)
    learn.loss_func(learn.model(dls.one_batch()[0]), dls.one_batch()[1]).backward()
    learn.zero_grad()
    with learn.no_bar(),learn.no_logging(): learn.fit(1)
    return dict(seconds_an_epoch=learn.fit_history.total, epochs_to_goal=need, seconds_to_goal=need and need*learn.fit_history.total)

def time_to_goal(seeds=range(5)):
    runs = []
    for seed in seeds:
        set_seed(seed, reproducible=True)
        dls = CaptchaDataLoaders.from_folder(untar_data(url), seed=42, **get_recipe('fast').for_data())
        set_seed(seed, reproducible=True)
        learn = fit(captcha_learner(dls), epochs)
        runs.append(dict(seed=seed, seconds_to_goal=seconds_to(learn.fit_history.rows, goal), fit_seconds=learn.fit_history.total, epochs=learn.fit_history.rows))
        print(seed, runs[-1]['seconds_to_goal'], runs[-1]['fit_seconds'], [round(o['captcha_accuracy'], 3) for o in runs[-1]['epochs']], flush=True)
    others = {k: blog(k) for k in ('crnn','pooled','spatial')}
    print(others, flush=True)
    middle = median([o['seconds_to_goal'] or float('inf') for o in runs])
    fastest = min(o['seconds_to_goal'] for o in others.values() if o['seconds_to_goal'])
    return dict(data='captcha_images_v2', n_train=936, n_valid=104, goal=goal, n_epochs=epochs, runs=runs, blog=others, median_seconds=middle, times_less=fastest/middle)

def one_size(folder):
    "In a process of its own: an epoch on the images of `folder`, all of which were opened before"
    dls = CaptchaDataLoaders.from_folder(folder, valid_idx=range(100), **{**get_recipe('fast').for_data(), 'least':0})
    for dl in (dls.train, dls.valid): dl.fill()
    set_seed(0, reproducible=True)
    print(json.dumps(dict(n_train=len(dls.train_ds), seconds_an_epoch=fit(captcha_learner(dls), 1).fit_history.total, peak_mb=peak_mb())))

def whole_command(folder):
    "In a process of its own: `captcha_train` as it comes"
    import captcha_fastai.export
    from captcha_fastai.cli import captcha_train
    from captcha_fastai.learner import CaptchaLearner
    export,trained = CaptchaLearner.to_recogniser,[]
    def noted(self, *args, **kwargs):
        trained.append(peak_mb())
        return export(self, *args, **kwargs)
    CaptchaLearner.to_recogniser = noted
    with tempfile.TemporaryDirectory() as tmp: captcha_train(folder, out=f'{tmp}/run')
    print(json.dumps(dict(peak_mb=peak_mb(), peak_mb_of_training=trained[0])))

def with_budget(budget, folder):
    "In a process of its own: `captcha_train --budget`, with the seconds that it took to train"
    import captcha_fastai.learner as learner
    from captcha_fastai.cli import captcha_train
    plan,calibrate,clock = learner.epochs_in,learner.CaptchaLearner.calibrate,[]
    def begun(*args, **kwargs):
        clock.append(time.perf_counter())
        return plan(*args, **kwargs)
    def ended(self, *args, **kwargs):
        clock.append(time.perf_counter())
        return calibrate(self, *args, **kwargs)
    learner.epochs_in,learner.CaptchaLearner.calibrate = begun,ended
    with tempfile.TemporaryDirectory() as tmp:
        captcha_train(folder, out=f'{tmp}/run', budget=f'{budget}s')
        run = json.loads(Path(f'{tmp}/run/run.json').read_text())
    print(json.dumps(dict(budget=budget, epochs=run['epochs'], seconds=clock[1]-clock[0], captcha_accuracy=run['captcha_accuracy'])))

def budget(): return dict(data='captcha_images_v2', n_train=936, n_valid=104, runs=[alone('--budget', o, '--whole', untar_data(url)) for o in (15,60)])

def alone(*args): return json.loads(subprocess.run([sys.executable, __file__, *map(str, args)], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])

def memory(): return dict(data='captcha_images_v2', **alone('--whole', untar_data(url)))

def scale(sizes=(1000,10000,50000)):
    res = dict(data='generated, 5 of 36, 60x160', sizes=[])
    with tempfile.TemporaryDirectory() as tmp:
        for n in sizes:
            folder = synth_folder(Path(tmp)/str(n), n+100, seed=n, chars='0123456789abcdefghijklmnopqrstuvwxyz', lengths=5)
            res['sizes'].append(alone('--size', folder))
            print(res['sizes'][-1], flush=True)
    return res

def captcha_break(sizes=(24_000,)):
    runs = []
    for n in sizes:
        runs.append(endless(n))
        print(runs[-1], flush=True)
    return dict(data='captcha 4 of 36, 80x170, each image new', published=.9957, runs=runs)

def endless(n, n_valid=4_000, seed=42):
    "One pass over `n` images that are drawn while they are needed"
    chars = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
    def draw(i):
        text = ''.join(random.Random(f'{seed} {i}').choices(chars, k=4))
        return captcha_image(text, seed=f'{seed} {i}', size=(80,170)),text
    set_seed(seed, reproducible=True)
    r = get_recipe('fast')
    dls = CaptchaDataLoaders.from_draw(draw, n, n_valid, (80,170), Vocab(chars), 4, bs=32, batch_tfms=[], grey=r.grey)
    start = time.perf_counter()
    for i in range(200): draw(i)
    drawing = (time.perf_counter()-start)/200
    learn = fit(captcha_learner(dls, metrics=[]), 1)
    seconds = learn.fit_history.total # before `evaluate`
    result = learn.evaluate(lengths=4)['captcha_accuracy']
    low,high = result.interval
    return dict(n_train=n, n_valid=n_valid, captcha_accuracy=result.value, captcha_accuracy_low=low, captcha_accuracy_high=high, fit_seconds=seconds, seconds_of_drawing_an_image=drawing)

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('what', nargs='*', choices=['time','memory','scale','captcha_break','budget',[]])
    parser.add_argument('--size')
    parser.add_argument('--whole')
    parser.add_argument('--budget', type=float)
    args = parser.parse_args()
    if args.size: one_size(args.size)
    elif args.budget: with_budget(args.budget, args.whole)
    elif args.whole: whole_command(args.whole)
    for name in args.what:
        where = machine()
        result = dict(benchmark='train', seed=42, machine=where, **dict(time=time_to_goal, memory=memory, scale=scale, captcha_break=captcha_break, budget=budget)[name]())
        save(f'train_{name}', result)
        print(name, {k: v for k,v in result.items() if k not in ('machine','runs')}, flush=True)
