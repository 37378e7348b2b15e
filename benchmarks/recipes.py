"""The recipes on the 1040 captchas of the blog: accuracy and seconds, epoch by epoch.

    python benchmarks/recipes.py crnn spatial pooled fast
    python benchmarks/recipes.py --bf16 --epochs 30 pooled

Each recipe runs once, with its own settings, on the split of seed 42 (936 images to train, 104 to validate), and writes
results/captcha_RECIPE.json. On 2 cores that nothing else uses, `crnn` takes about 20 minutes, `spatial` and `pooled` 40 each, `fast`
one. `--bf16` runs the models in 16-bit floats where the processor has them, as `fast` always does; `--epochs` shortens the schedule;
the result says so.

With glibc 2.36 (Debian 12) the memory of `spatial` in 32 bits grew by 350 MB an epoch here, to 21 GB of the process that had run `crnn`
before; `pooled` in 16 bits stood at 3 GB after 19 epochs. With LD_PRELOAD=libjemalloc.so.2 `pooled` stayed at 1.4 GB for the 9 epochs
that were tried, and a step took a third longer.
"""
import argparse, time
from fastai.data.external import untar_data
from fastai.torch_core import set_seed

from captcha_fastai.cli import summarise
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import Autocast, captcha_learner, get_recipe, has_bfloat16
from common import machine, save

url = 'https://github.com/AakashKumarNain/CaptchaCracker/raw/master/captcha_images_v2.zip'

def run(recipe, seed=42, bf16=False, n_epochs=None):
    "Train `recipe` once, and save what happened"
    r,where = get_recipe(recipe),machine()
    set_seed(seed, reproducible=True)
    dls = CaptchaDataLoaders.from_folder(untar_data(url), seed=seed, **r.for_data())
    learn = captcha_learner(dls, recipe, cbs=[Autocast()] if bf16 and not r.light else [])
    cpu = time.process_time()
    with learn.no_bar(): learn.fit_one_cycle(n_epochs or r.epochs_for(len(dls.train_ds)), r.lr, **r.schedule)
    epochs = learn.fit_history.rows
    result = learn.evaluate()
    summary = summarise(learn, result, None)
    del summary['model']
    save(f'captcha_{recipe}', dict(benchmark='captcha', data='captcha_images_v2', seed=seed, **summary, lr=r.lr, bs=dls.train.bs,
        precision='bfloat16' if (bf16 or r.light) and has_bfloat16(dls.device) else 'float32', n_params=sum(p.numel() for p in learn.model.parameters()),
        machine=where, epochs=epochs, cpu_seconds=time.process_time()-cpu, best_captcha_accuracy=max(e['captcha_accuracy'] for e in epochs)))
    print(recipe, result, sep='\n', flush=True)

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('recipes', nargs='+')
    parser.add_argument('--bf16', action='store_true')
    parser.add_argument('--epochs', type=int)
    args = parser.parse_args()
    for recipe in args.recipes: run(recipe, bf16=args.bf16, n_epochs=args.epochs)
