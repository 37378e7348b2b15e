"""The recipes on the 1040 captchas of the blog: accuracy and seconds, epoch by epoch.

    python benchmarks/train.py fast crnn spatial pooled

Each recipe is trained once, as it begins by default (`fast` from the pretrained start, the others from random weights),
with its own settings, on the split of seed 42: 936 images to train, 104 to validate. Writes results/train_RECIPE.json.
On 2 cores that nothing else uses, `fast` takes less than a minute, `crnn` about 20 minutes, `spatial` and `pooled` 40
each. `--epochs` shortens the schedule and `--precision` fixes the floats; both are recorded.

With glibc 2.36 (Debian 12) the memory of `spatial` in 32 bits grew by 350 MB an epoch. With
LD_PRELOAD=libjemalloc.so.2 it does not.
"""
import time

from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import get_recipe, recipes
from common import data_folder, figures, parser, precision_of, provenance, seconds_to, start, train, write_result

def run(recipe, seed=42, epochs=None, precision='auto'):
    "Train `recipe` once; return its figures"
    dls = CaptchaDataLoaders.from_folder(data_folder('captcha_images_v2'), seed=seed)
    cpu = time.process_time()
    learn,result = train(dls, recipe, seed, fit=dict(epochs=epochs), precision=precision)
    rows = learn.fit_history.rows
    return dict(data='captcha_images_v2', seed=seed, recipe=recipe, n_train=len(learn.dls.train_ds),
                n_valid=len(learn.dls.valid_ds),
                **figures(result), fit_seconds=learn.fit_history.total, seconds_to_97=seconds_to(rows),
                lr=get_recipe(recipe).lr,
                bs=learn.dls.train.bs, precision=precision_of(learn),
                n_params=sum(p.numel() for p in learn.model.parameters()), cpu_seconds=time.process_time()-cpu,
                best_captcha_accuracy=max(o['captcha_accuracy'] for o in rows), epochs=rows)

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('recipes', nargs='+', choices=list(recipes))
    p.add_argument('--epochs', type=int)
    p.add_argument('--precision', choices=['auto','bf16','fp32'], default='auto')
    args = start(p.parse_args())
    for recipe in args.recipes:
        note = provenance('train.py', 'training', ['captcha_images_v2'])
        write_result(f'train_{recipe}', note, **run(recipe, epochs=args.epochs, precision=args.precision))
