"""The default recipe beside two epochs of the blog's CRNN, on the same captchas, in one run.

    python benchmarks/ratio.py

`fast` with all defaults on 936 of the 1040 captchas, 104 to validate, by five seeds (the split is always that of seed 42):
one image decides whether an epoch counts, so one fit says little about when 97.1 % are read. Then `crnn` for two epochs,
to see what an epoch of it takes on this machine at this time. The blog's CRNN first reaches 97.1 % in epoch 49
(train_crnn.json), so the time that it would need is extrapolated: 49 times the mean of the two epochs. `times_faster` is
the median of the five, a fit that does not get there counts as 0. About 6 minutes on 2 cores.
"""
from captcha_fastai.data import CaptchaDataLoaders
from common import data_folder, median, parser, provenance, seconds_to, start, train, write_result

crnn_epochs = 49 # until the blog's CRNN reads 97.1 %
seeds = (42, 0, 1, 2, 3)

def fitted(recipe, seed=42, **fit):
    "Figures of one fit"
    dls = CaptchaDataLoaders.from_folder(data_folder('captcha_images_v2'), seed=42)
    learn,result = train(dls, recipe, seed, fit=fit)
    rows = learn.fit_history.rows
    return dict(seed=seed, n_right=result['captcha_accuracy'].n_right, n_valid=result['n'], epochs=len(rows),
                fit_seconds=learn.fit_history.total, seconds_to_97=seconds_to(rows),
                accuracies=[o['captcha_accuracy'] for o in rows])

if __name__=='__main__':
    start(parser(__doc__).parse_args())
    note = provenance('ratio.py', 'training', ['captcha_images_v2'])
    fast = [fitted('fast', o) for o in seeds]
    crnn = fitted('crnn', epochs=2)
    epoch = crnn['fit_seconds']/crnn['epochs']
    for o in fast: o['times_faster'] = crnn_epochs*epoch/o['seconds_to_97'] if o['seconds_to_97'] else 0.
    write_result('ratio', note, fast=fast, crnn=crnn, crnn_epochs=crnn_epochs, crnn_epoch_seconds=epoch,
                 times_faster=median([o['times_faster'] for o in fast]),
                 less_than_two_epochs=all(o['fit_seconds']<crnn['fit_seconds'] for o in fast))
