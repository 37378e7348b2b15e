"""The recipes on the 1040 captchas of the blog: accuracy and seconds, epoch by epoch.

    python benchmarks/recipes.py [--bf16] crnn spatial pooled fast

Each recipe runs once, with its own settings, on the split of seed 42 (936 images to train, 104 to validate), and writes
results/captcha_RECIPE.json. The three of the blog take about 70 minutes on 2 cores, `fast` one. `--bf16` runs the models in 16-bit
floats where the processor has them, which halves that; the result says so. `fast` always does.

With glibc 2.36 (Debian 12) the large models' memory grows by 350 MB an epoch, from fragmentation and not from a leak; a run with
LD_PRELOAD=libjemalloc.so.2 does not grow.
"""
import sys, time
from fastai.data.external import untar_data
from fastai.torch_core import set_seed

from captcha_fastai.augment import captcha_augment
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import Autocast, captcha_learner, get_recipe, has_bfloat16
from common import machine, save

url = 'https://github.com/AakashKumarNain/CaptchaCracker/raw/master/captcha_images_v2.zip'

def run(recipe, seed=42, bf16=False):
    "Train `recipe` once, and save what happened"
    r,where = get_recipe(recipe),machine()
    set_seed(seed, reproducible=True)
    dls = CaptchaDataLoaders.from_folder(untar_data(url), seed=seed, bs=r.bs, grey=r.grey, batch_tfms=captcha_augment(max_zoom=r.max_zoom))
    learn = captcha_learner(dls, recipe, cbs=[Autocast()] if bf16 and not r.autocast else [])
    cpu = time.process_time()
    with learn.no_bar(): learn.fit_one_cycle(r.epochs, r.lr)
    epochs = learn.fit_history.rows
    result = learn.evaluate()
    low,high = result['captcha_accuracy'].interval
    save(f'captcha_{recipe}', dict(benchmark='captcha', data='captcha_images_v2', recipe=recipe, seed=seed, n_train=dls.report.n_train, n_valid=dls.report.n_valid,
        lr=r.lr, bs=r.bs, precision='bfloat16' if (bf16 or r.autocast) and has_bfloat16(dls.device) else 'float32', n_params=sum(p.numel() for p in learn.model.parameters()), machine=where, epochs=epochs,
        fit_seconds=epochs[-1]['seconds'], cpu_seconds=time.process_time()-cpu, captcha_accuracy=result['captcha_accuracy'].value,
        captcha_accuracy_low=low, captcha_accuracy_high=high, char_accuracy=result['char_accuracy'], cer=result['cer'],
        best_captcha_accuracy=max(e['captcha_accuracy'] for e in epochs),
        seconds_to_97=next((e['seconds'] for e in epochs if e['captcha_accuracy']>=.971), None)))
    print(recipe, result, sep='\n', flush=True)

if __name__=='__main__':
    names = [o for o in sys.argv[1:] if o!='--bf16'] or ['crnn','spatial','pooled','fast']
    for recipe in names: run(recipe, bf16='--bf16' in sys.argv)
