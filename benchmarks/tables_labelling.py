"""Tables of labelling: the keys that a person presses until almost all other images are read."""
from common import load_result
from table import Table, table

sets = ('captcha_images_v2','simplecaptcha','five_digits','kcaptcha','water_meters','cn_plates')
names = {f'labelling_{o}': o for o in sets}
ways = {'typed':'typed', 'random':'suggested, random order',
        'random, unlabelled':'the same, learning from unlabelled images', 'ours':'`captcha_label`'}

def _cell(o, goal):
    "Keys, and labels given one by one"
    keys,labels = o.get(f'keys_{goal}'),o.get(f'labels_{goal}')
    return '–' if keys is None else f'{keys:,} ({labels})'

@table
def labelling_table():
    "Keys pressed until 95 and 98 % of the other images are read; in brackets the labels given one by one"
    rows = []
    for name,title in names.items():
        r = load_result(name)
        if r is None: continue
        for way,how in ways.items():
            if way not in r['summary']: continue
            o = r['summary'][way]
            last = r['runs'][way if way!='typed' else 'random'][-1]
            looked = f"{o['looked_98']:,}" if o.get('looked_98') else ''
            rows.append((name, [title if way=='typed' else '', how, _cell(o, 95), _cell(o, 98), looked,
                                f"{100*last['accuracy']:.1f} %"]))
    return Table(['set', 'way', '95 %', '98 %', 'looked at in grids', 'at the end'], rows, 'labelling.py SET')

readme_sets = dict(captcha_images_v2="the blog's captchas", five_digits='captchas of five digits', water_meters='photographs of meters')

@table
def labelling_rows():
    "Rows for the README: all keys to type every label, and the keys until 98 % of the others are read"
    rows = []
    for name,title in readme_sets.items():
        r = load_result(f'labelling_{name}')
        if r is None: continue
        o = r['summary']['ours']
        rows.append((f'labelling_{name}', [title, r['n_images'], f"{r['typed_all']:,}", o['keys_98'] or 'not reached']))
    head = ['a folder of', 'images', 'keys to type all', 'keys to 98 % of the rest']
    return Table(head, rows, notes=False)
