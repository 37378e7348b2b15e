"""A fit on wrong labels, in short: the fits of `wrong_labels.py robust` that answer the question in a quarter of its time.

    python benchmarks/robust.py

Trained on captcha_images_v2 with 0, 5 and 10 % of the labels changed, and on five_digits with 0 and 10 %: as they are,
and with `fit_recipe(robust=…)`, at 10 % in its three ways. Two passes (cross-fitted suspects are left out first) are in
the long form alone. Writes results/wrong_labels_robust.json, as the long form does. About 10 minutes on one thread.
"""
import common
from captcha_fastai.robust import ways
from common import parser, provenance, start, write_result
from wrong_labels import trained_on

fits = [('captcha_images_v2', 0., 'as_is'), ('captcha_images_v2', .1, 'as_is'),
        *(('captcha_images_v2', .1, o) for o in ways),
        ('captcha_images_v2', 0., 'leave_out'),
        ('captcha_images_v2', .05, 'as_is'), ('captcha_images_v2', .05, 'leave_out'),
        ('five_digits', 0., 'as_is'), ('five_digits', .1, 'as_is'), ('five_digits', .1, 'leave_out')]

if __name__=='__main__':
    start(parser(__doc__).parse_args())
    note = provenance('robust.py', 'checking', ['captcha_images_v2','five_digits'])
    rows = []
    for o in fits[:1] if common.trying else fits:
        rows.append(trained_on(*o))
        print(rows[-1], flush=True)
    write_result('wrong_labels_robust', note, rows=rows)
