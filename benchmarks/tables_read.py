"""Tables and curves of reading: speed, decoders, broken and hostile files, the page.

Each function returns a `Table` (see table.py), made from the result files.
"""
from table import Table, drawn_from, load, percent, rows_of, seconds, table

@table
def infer_table():
    "The exported recogniser beside ddddocr, which takes one image at a time"
    r = load('infer') or dict(runs={})
    def number(o, digits, unit): return '–' if o is None else f'{o:,.{digits}f}{unit}'
    def cells(k, o):
        right = f"{o['right']} of {o['n']}"
        if 'right_any_case' in o: right += f" ({o['right_any_case']} in any case)"
        alone = o.get('one_per_second') or 1000/o['one_median_ms']
        batches = None if k.startswith('ddddocr') else o['images_per_second']
        name = f'`{k}`' if 'onnx' in k else k.replace('ddddocr', 'ddddocr 1.6.1')
        return [name, number(alone, 0, ''), number(batches, 0, ''), right, number(o['one_median_ms'], 1, ' ms'),
                number(o['one_p99_ms'], 1, ' ms'), number(o.get('load_seconds'), 2, ' s'),
                number(o.get('resident_mb'), 0, ' MB'), number(o.get('megabytes'), 2, ' MB')]
    head = ['', 'images a second, one at a time', 'in batches', 'right, of images not trained on', 'one image, median',
            '99th percentile', 'import and load', 'memory', 'file']
    return Table(head, [('infer', cells(*o)) for o in r['runs'].items()], 'infer.py')

@table
def decode_table():
    "CTC decoders: microseconds a row by batch, and the mean log-probability of the texts that they find"
    def cells(case, name, r):
        us = [f"{r['microseconds'][b]:,.0f}" if b in r['microseconds'] else '–' for b in ('1','64','1024')]
        score = r['log_probability']
        return [case, f'`{name}`' if '_' in name else name, *us, f'{score:.4f}' if score>-1 else f'{score:.1f}']
    r = load('decode') or dict(cases={})
    rows = [('decode', cells(case, *o)) for case,decoders in r['cases'].items() for o in decoders.items()]
    head = ['scores', 'decoder', 'µs a row, row by row', 'in batches of 64', 'of 1024',
            'mean log-probability of its text']
    return Table(head, rows, 'decode.py')

@table
def robustness_table():
    "Awkward images, and what becomes of them"
    def cells(k, v):
        if not v.startswith('refused'): return [k, v.replace("'", '`').replace('``', 'no text')]
        return [k, '*refused*: '+v.split(': ', 2)[-1]]
    r = load('robustness') or dict(kinds={}, text='')
    return Table([f"a captcha that says `{r['text']}`, as", 'outcome'],
                 [('robustness', cells(*o)) for o in r['kinds'].items()], 'robustness.py')

@table
def mutations_table():
    "Mutations of PNG and JPEG bytes"
    def cells(_, r):
        read,refused = (f"{r['outcomes'][o]:,}" for o in ('read','refused'))
        return [f"{r['n']:,}", read, refused, r['crashes'], f"{r['memory_peak_mb']:.0f} MB"]
    head = ['mutations', 'read', 'refused', 'crashes', 'peak memory']
    return Table(head, rows_of(dict(robustness=''), cells), 'robustness.py')

@table
def structures_table():
    "Files whose structure was changed, and what becomes of them"
    def cells(k, o):
        counts = [f'{o[k]:,}' for k in ('read','refused','failed')]
        return [k, *counts, f"{o['slowest_seconds']:.1f} s", f"{o['grown_mb']:.0f} MB"]
    r = (load('robustness') or {}).get('structures', {})
    head = ['20,000 changed files', 'read', 'refused', 'failed', 'slowest', 'the process grew by']
    return Table(head, [('robustness', cells(*o)) for o in r.items()], 'robustness.py')

@table
def folders_table():
    "Folders that somebody tampered with, and what becomes of them"
    def why(v): return v.split('is refused: ')[-1].removeprefix('refused: FOLDER ').split('; ')[0]
    r = load('robustness') or dict(folders={})
    rows = [('robustness', [k, why(v) if v.startswith('refused') else '**loaded**']) for k,v in r['folders'].items()]
    if rows: rows.append(('robustness',
                          ['*was any of their code run?*', '**yes**' if r['something_was_run'] else 'no']))
    return Table(['a folder with', 'refused, because'], rows, 'robustness.py')

@table
def thresholds_table():
    "Thresholds for 98 %, chosen on some images and judged on all others, by the way they are chosen"
    r = load('thresholds')
    head = ['fits that read', 'way', 'images to choose on', 'get a threshold', 'hold on other images', 'the worst set', 'images answered']
    if not r: return Table(head, [], 'thresholds.py resample')
    def share(o): return '–' if o is None else percent(o)
    def cells(o): return [o['read'], o['way'], o['n_valid'], *(share(o[k]) for k in ('given','kept','worst_kept','answered'))]
    shown = [o for o in r['summary'] if o['way'] in ('curve','steps','measured','proven') and o['n_valid'] in (50,100,200)]
    return Table(head, [('thresholds', cells(o)) for o in shown], 'thresholds.py resample')

@table
def load_table():
    "The page under load"
    def cells(_, r):
        mb = r['rss_mb']
        answered = f"{r['answered']:,} of {r['requests']:,}"
        return [f"{r['clients']} × {r['requests']//r['clients']}", answered, r['lost'], r['mixed_up'],
                r['broken_answered'], seconds(r['per_second']), f"{r['frames']:,}" if 'frames' in r else '–',
                f"{mb['before']} to {mb['peak']} MB"]
    head = ['clients × requests', 'answered', 'lost', 'mixed up', 'broken files answered with a reason', 'a second',
            'then frames of cameras', 'memory']
    return Table(head, rows_of(dict(load=''), cells), 'load.py RECOGNISER IMAGES')

def infer_stages():
    "Where the time of reading goes"
    import matplotlib.pyplot as plt
    runs = {k: o['stages'] for k,o in (load('infer') or dict(runs={}))['runs'].items() if 'stages' in o}
    fig,ax = plt.subplots(figsize=(7,1.8), layout='constrained')
    left = dict.fromkeys(runs, 0.)
    for stage in ('decode','resize','model','text'):
        ax.barh(list(runs), [o[stage] for o in runs.values()], left=[left[k] for k in runs], label=stage)
        left = {k: left[k]+runs[k][stage] for k in runs}
    ax.set_xlabel('ms an image, one stage after the other')
    ax.legend(ncols=4, fontsize=8, loc='lower center', bbox_to_anchor=(.5,1))
    return drawn_from(fig, ['infer'])
