"""The eight development sets: real images with labels, each with a fixed split.

    python benchmarks/sources.py

prints what each consists of. The test part of a set is the same in every benchmark and never trained on. Identical
files are on one side. Choices were made on these sets; nothing of them is in the start's own training.

`water_meters` does not say which counter a photograph shows: names are numbers in random order, and all sizes differ.
A counter that is photographed twice within days shows nearly the same reading, so readings that lie within 3 of each
other, directly or through others, stay on one side. This puts all 255 readings up to 57 into the training part. A
counter whose photographs lie further apart cannot be told. One label of the test part is wrong (00684.jpg shows
00212, not 50212), so that 150 of 151 is all.
"""
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from captcha_fastai.items import csv_items, folder_items
from common import captchas, data_folder, in_folds
from folds import math_items

class Source(NamedTuple):
    "Pairs of file and label to train on, such to test on, and all characters of the labels, sorted"
    name: str
    train: list
    test: list
    chars: str

def split(groups, n_test, seed=42):
    "Items to train on, and `n_test` to test on: whole groups in random order, each as long as it fits"
    train,test = [],[]
    for i in np.random.default_rng(seed).permutation(len(groups)):
        (test if len(test)+len(groups[i])<=n_test else train).extend(groups[i])
    return train,test

def listed(name): return csv_items(data_folder(name)/'labels.csv')

def by_content(items):
    "Groups of items whose files are identical"
    groups = {}
    for item in items: groups.setdefault(Path(item[0]).read_bytes(), []).append(item)
    return list(groups.values())

def by_reading(items, gap=3):
    "Groups of items whose readings, sorted, follow each other within `gap`"
    items = sorted(items, key=lambda o: int(o[1]))
    groups = [items[:1]]
    for before,item in zip(items, items[1:]):
        if int(item[1])-int(before[1])>gap: groups.append([])
        groups[-1].append(item)
    return groups

def fifth(items): return split(by_content(items), len(items)//5)

parts = dict(     # functions that return the items to train on and those to test on
    captcha_images_v2=lambda: in_folds(captchas())[0],
    simplecaptcha=lambda: fifth(sorted(folder_items(data_folder('simplecaptcha')))),
    mathcaptcha=lambda: fifth(math_items()),
    display_digits=lambda: fifth(listed('display_digits')),
    water_meters=lambda: split(by_reading(listed('water_meters')), 151),
    cn_plates=lambda: fifth(listed('cn_plates')),
    kcaptcha=lambda: fifth(listed('kcaptcha')),
    five_digits=lambda: fifth(listed('five_digits')))

@lru_cache
def source(name):
    "The development set `name`"
    train,test = parts[name]()
    return Source(name, train, test, ''.join(sorted({c for _,label in train+test for c in label})))

# What a reader returns, made comparable

def in_case(text, chars):
    "`text` in the case of `chars`, if these have only one"
    if chars==chars.lower(): return text.lower()
    return text.upper() if chars==chars.upper() else text

def as_label(text, chars):
    "`text` in the case of `chars`, without characters that are not in `chars`"
    return ''.join(c for c in in_case(text, chars) if c in chars)

def ascii_only(text): return ''.join(c for c in text if c.isascii())

def n_right(texts, labels, chars):
    "How many of `texts` are the label, the same rule for every reader"
    return sum(as_label(a, chars)==b for a,b in zip(texts, labels))

if __name__=='__main__':
    for o in map(source, parts):
        lengths = sorted({len(label) for _,label in o.train+o.test})
        unseen = set(''.join(b for _,b in o.test))-set(''.join(b for _,b in o.train))
        print(f'{o.name}: {len(o.train)} to train, {len(o.test)} to test, lengths {lengths[0]} to {lengths[-1]}, '
              f'{len(o.chars)} characters {o.chars}', f'(only in test: {unseen})' if unseen else '')
