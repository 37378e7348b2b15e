"""Tables of the start: without labels, with few and with all, and beside readers of others.

Each function returns a `Table` (see table.py), made from the result files.

    python benchmarks/tables_start.py

draws what the start reads of the first images of each development set (nbs/images/start_readings.png).
"""
from common import here
from table import Table, accuracy, found, load, percent, rows_of, seconds, table

parts = ['captcha_images_v2','simplecaptcha','mathcaptcha','display_digits','water_meters','cn_plates','kcaptcha',
         'five_digits']
counts = ['0','5','10','25','50','100','400','all']

def readers_of(r): return list(next(iter(r['sets'].values()))['readers'])

reader_names = {'rapidocr':'PP-OCRv6 small', 'ddddocr':'ddddocr 1.6.1', 'start':'the start'}

def reader_name(o):
    "How a table calls a reader of zero_shot.json"
    name,_,given = o.partition(', ')
    return reader_names[name] + f', {given}'*bool(given)

@table
def zero_shot_table():
    "What readers read of the development sets that were not trained on them"
    r = load('zero_shot')
    if not r: return Table(['set','images'], [], 'zero_shot.py')
    names = readers_of(r)
    def cells(name, o): return [name, o['n_test'], *(percent(o['readers'][k]['captcha_accuracy']) for k in names)]
    rows = [('zero_shot', cells(*o)) for o in r['sets'].items()]
    def last(title, f):
        return 'zero_shot',[title, '', *(f([o['readers'][k] for o in r['sets'].values()]) for k in names)]
    rows.append(last('milliseconds an image, all sets', lambda o: f"{sum(i['median_ms'] for i in o)/len(o):.1f}"))
    rows.append(last('megabytes', lambda o: f"{o[0]['model_bytes']/1e6:.1f}"))
    return Table(['set', 'images', *map(reader_name, names)], rows, 'zero_shot.py')

def row_of(r, labels, weights):
    "The medians of a number of labels, or `None`"
    return next((o for o in r['rows'] if (o['labels'], o['weights'])==(labels, weights)), None)

start_names = {f'start_{o}': o for o in parts}
begins = dict(start='the start', random='random weights')

def by_labels(columns, cells):
    "A row for each set and what its fits begin with; `cells` makes those of `columns` from a result and a key of `begins`"
    rows = [(name, [title if o=='start' else '', begins[o], *cells(r, o)])
            for name,title,r in found(start_names) for o in begins if any(i['weights']==o for i in r['rows'])]
    return Table(['set', 'from', *columns], rows, f"start.py {' '.join(parts)}")

@table
def labels_table():
    "Accuracy on the test part by the number of labels: from the start, and from random weights"
    def cell(o): return percent(o['captcha_accuracy']) if o else '–'
    def cells(r, weights): return [f"{r['n_all']:,}", *(cell(row_of(r, n, weights)) for n in counts)]
    return by_labels(['all labels', *counts], cells)

@table
def seconds_table():
    "Seconds of fitting on one thread (with †, on two) by the number of labels: from the start, and from random weights"
    def cell(r, o):
        if not o: return '–'
        threads = {i['threads'] for i in r['runs'] if (i['labels'], i['weights'])==(o['labels'], o['weights'])}
        return seconds(o['fit_seconds']) + '†'*(threads=={2})
    def cells(r, weights): return [cell(r, row_of(r, n, weights)) for n in counts[1:]]
    return by_labels(counts[1:], cells)

@table
def ratio_table():
    "The default recipe, by five seeds, beside two epochs of the blog's CRNN, in one run"
    r = load('ratio')
    head = ['recipe', 'read of the 104', 'epochs', 'seconds', 'seconds to 97.1 %']
    if not r: return Table(head, [], 'ratio.py')
    def cells(title, o, to_97): return [title, o['n_right'], o['epochs'], seconds(o['fit_seconds'], 1), to_97]
    def ours(o): return f"{seconds(o['seconds_to_97'], 1)}, {o['times_faster']:.0f} times less" if o['times_faster'] else '–'
    extrapolated = f"{r['crnn_epochs']*r['crnn_epoch_seconds']:.0f} (extrapolated to {r['crnn_epochs']} epochs)"
    rows = [cells(f"`fast`, all defaults, seed {o['seed']}", o, ours(o)) for o in r['fast']]
    rows.append(cells("the blog's CRNN, seed 42", r['crnn'], extrapolated))
    return Table(head, [('ratio', o) for o in rows], 'ratio.py')

@table
def going_on_table():
    "20 labels after an earlier recogniser of other captchas, or of the same without one character"
    r = load('going_on')
    head = ['20 labels of', 'begins with', 'read whole', 'of those with the new character', 'seconds']
    if not r: return Table(head, [], 'going_on.py')
    def share_of(o): return f"{o['n_right']} of {o['n_valid']} = {percent(o['captcha_accuracy'])}" if o else '–'
    def cells(title, o): return [title, f"{o['begins']}{', one draw'*(o['n_draws']==1)}", share_of(o['test']), share_of(o.get('with_new')), seconds(o['fit_seconds'])]
    rows = [cells('five_digits, after captcha_images_v2', o) for o in r['other']]
    rows += [cells(f"captcha_images_v2, after the same without {r['new_char']!r}", o) for o in r['character']]
    return Table(head, [('going_on', o) for o in rows], 'going_on.py')

@table
def pretrain_table():
    "What the start read without labels while it was trained: on parts of the development sets, the characters given"
    r = load('pretrain')
    head = ['images seen', 'loss', 'drawn strings', *parts]
    if not r: return Table(head, [], 'pretrain.py release FOLDER')
    def cells(o): return [f"{o['images']:,}", f"{o['loss']:.2f}", percent(o['drawn']), *(percent(o['sets'][k]) for k in parts)]
    return Table(head, [('pretrain', cells(o)) for o in r['rows']], 'pretrain.py train FOLDER; pretrain.py release FOLDER')

@table
def fast_plate_ocr_table():
    "fast-plate-ocr, trained for ten minutes from random weights, beside `fast` on the same images"
    names = {f'fast_plate_ocr_{o}': o for o in ('five_digits','cn_plates','kcaptcha')}
    def ours(name):
        o = row_of(load(f'start_{name}') or dict(rows=[]), 'all', 'start')
        return [accuracy(o), seconds(o['fit_seconds'])] if o else ['–','–']
    def cells(name, r):
        return [name, f"{r['n_train']:,}", r['epochs'], accuracy(r), seconds(r['fit_seconds']), *ours(name)]
    head = ['set', 'trained on', 'its epochs', 'fast-plate-ocr', 'its seconds', '`fast` from the start', 'seconds']
    return Table(head, rows_of(names, cells), f"fast_plate_ocr.py {' '.join(names.values())}")

# what the start reads, as a picture

def some_readings(name, rec, n):
    "File, label and `Reading` of the first `n` images to test on, the characters of the set given"
    from sources import source
    data = source(name)
    files,labels = zip(*data.test[:n])
    allowed = ''.join(o for o in data.chars if o in rec.vocab.chars)
    return list(zip(files, labels, rec.read(list(files), min_probability=0, allowed=allowed)))

def readings_sheet(n=3):
    "A figure with the first images to test on of each development set, and what the start reads; red where it is wrong"
    import matplotlib.pyplot as plt
    from captcha_fastai.image import open_image
    from captcha_fastai.recogniser import Recogniser
    from sources import as_label, source
    rec = Recogniser.load()
    fig,axs = plt.subplots(len(parts), n, figsize=(2*n, .8*len(parts)), layout='constrained')
    for line,name in zip(axs, parts):
        for ax,(file,label,reading) in zip(line, some_readings(name, rec, n)):
            right = as_label(reading.text, source(name).chars)==label
            ax.imshow(open_image(file).convert('RGB'))
            ax.axis('off')
            ax.set_title(f'{reading.text}  {reading.probability:.2f}', fontsize=8, color='black' if right else 'red')
    return fig

def save_small(fig, path, dpi=60, colours=64):
    "Write a figure as a PNG with few colours"
    import io
    from PIL import Image
    data = io.BytesIO()
    fig.savefig(data, dpi=dpi)
    Image.open(data).convert('RGB').quantize(colours).save(path, optimize=True)

if __name__=='__main__': save_small(readings_sheet(), here.parent/'nbs'/'images'/'start_readings.png')
