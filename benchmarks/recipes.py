"""The recipes on the 1040 captchas of the blog: accuracy and seconds, epoch by epoch.

    python benchmarks/recipes.py crnn spatial pooled fast

Each recipe runs once, with its own settings, on the split of seed 42 (936 images to train, 104 to validate), and writes
results/captcha_RECIPE.json. The three of the blog take about 70 minutes on 2 cores, `fast` less than one.
"""
import sys, time
from fastai.data.external import untar_data
from fastai.torch_core import set_seed

from captcha_fastai.augment import captcha_augment
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner, get_recipe
from common import machine, save

url = 'https://github.com/AakashKumarNain/CaptchaCracker/raw/master/captcha_images_v2.zip'

def run(recipe, seed=42):
    r,where = get_recipe(recipe),machine()
    set_seed(seed, reproducible=True)
    dls = CaptchaDataLoaders.from_folder(untar_data(url), seed=seed, bs=r.bs, grey=r.grey, batch_tfms=captcha_augment(max_zoom=r.max_zoom))
    learn = captcha_learner(dls, recipe)
    cpu = time.process_time()
    with learn.no_bar(): learn.fit_one_cycle(r.epochs, r.lr)
    epochs = learn.fit_history.rows
    result = learn.evaluate()
    low,high = result['captcha_accuracy'].interval
    save(f'captcha_{recipe}', dict(benchmark='captcha', data='captcha_images_v2', recipe=recipe, seed=seed, n_train=dls.report.n_train, n_valid=dls.report.n_valid,
        lr=r.lr, bs=r.bs, n_params=sum(p.numel() for p in learn.model.parameters()), machine=where, epochs=epochs,
        fit_seconds=epochs[-1]['seconds'], cpu_seconds=time.process_time()-cpu, captcha_accuracy=result['captcha_accuracy'].value,
        captcha_accuracy_low=low, captcha_accuracy_high=high, char_accuracy=result['char_accuracy'], cer=result['cer'],
        best_captcha_accuracy=max(e['captcha_accuracy'] for e in epochs),
        seconds_to_97=next((e['seconds'] for e in epochs if e['captcha_accuracy']>=.971), None)))
    print(recipe, result, sep='\n', flush=True)

if __name__=='__main__':
    for recipe in sys.argv[1:] or ['crnn','spatial','pooled','fast']: run(recipe)
