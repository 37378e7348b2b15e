"""Tables and curves of the four other experiments: results of digits.py.

Each function returns a `Table` (see table.py), made from the result files.
"""
from table import Table, accuracy, drawn_from, exact, found, load, percent, rows_of, seconds, table

def digits(name): return load(f'digits_{name}')
def runs_of(name): return (digits(name) or dict(runs={}))['runs'].items()
def minutes(r): return f"{r['fit_seconds']/60:.1f}"

@table
def letters_table():
    "The set-ups of the fully connected net, one change at a time"
    def cells(k, r):
        each = [percent(r['test'][f'char_{i}']) if f'char_{i}' in r['test'] else '' for i in range(1, 6)]
        return [k, f"{r['n_train']:,}", seconds(r['fit_seconds']), *each, percent(r['test']['captcha_accuracy'])]
    return Table(['', 'images', 'seconds', *(f'letter {i}' for i in range(1, 6)), 'all five'],
                 [('digits_letters', cells(*o)) for o in runs_of('letters')],
                 'digits.py letters')

@table
def heads_table():
    "Accuracy by position, beside the question's"
    rows = [(None, ['the question', '–', '1,000', '93 %', '79 %', '84 %', '99 %', '–'])]
    for k,title,r in found(dict(digits_heads='generated', digits_simplecaptcha='simplecaptcha')):
        test = r['run']['test']
        each = [exact(test[f'char_{i}']) for i in range(1, 5)]
        rows.append((k, [title, f"{test['n']:,}", f"{r['run']['n_train']:,}", *each, exact(test['captcha_accuracy'])]))
    return Table(['', 'tested on', 'trained on', '1st', '2nd', '3rd', '4th', 'all four'], rows,
                 'digits.py heads simplecaptcha')

@table
def street_table():
    "House numbers: `length` beside `fast`"
    def cells(k, r):
        t = r['test']
        length = exact(t['length_accuracy']) if 'length_accuracy' in t else '–'
        return [f'`{k}`', accuracy(t), exact(t['char_accuracy']), length, percent(t['coverage_at_98']), minutes(r)]
    head = ['recipe', 'whole numbers (95 % interval)', 'per digit', 'length', 'coverage at 98 %', 'minutes of training']
    return Table(head, [('digits_street', cells(*o)) for o in runs_of('street')], 'digits.py street')

strip_names = dict(digits_strips5='five digits, `located`', digits_stages5='five digits, find and read',
                   digits_strips='one to five, `located`', digits_stages='one to five, find and read')

def parts_of_strips(r):
    "Figures of the text, figures of the box, pixels of the canvas for one of the finder, seconds of fitting"
    if 'run' in r: return r['run']['test'],r['run']['test'],1,r['run']['fit_seconds']
    s = r['finder']['fit_seconds']+r['reader']['fit_seconds']
    return r['both'],r['finder']['test'],2,s # the finder sees half the size

@table
def strips_table():
    "Rows of MNIST digits, beside the blog's"
    blog = ['–', '–', '–', '8 hours, GPU']
    rows = [(None, ['five digits, the blog', '74 %', '94 %', *blog]),
            (None, ['one to five, the blog', '80 %', '95 %', *blog])]
    for k,title,r in found(strip_names):
        text,box,scale,s = parts_of_strips(r)
        n = r['machine']['threads']
        pixels = [f"{scale*box[o]:.2f}" for o in ('centre_error','size_error')]
        shares = [exact(text[o]) for o in ('captcha_accuracy','char_accuracy')]
        rows.append((k, [title, *shares, f"{box['mean_iou']:.3f}", *pixels, f"{s/60:.0f} min, {n} thread{'s'*(n>1)}"]))
    head = ['', 'sequences', 'characters', 'mean IoU', 'centre, pixels off', 'size, pixels off', 'training']
    return Table(head, rows, 'digits.py strips5 stages5 stages')

@table
def compare_table():
    "Heads, boxes and weightings of `located`"
    def cells(k, r):
        t = r['test']
        shares = [percent(t[o]) for o in ('captcha_accuracy','char_accuracy')]
        return [k, *shares, f"{t['mean_iou']:.3f}", seconds(r['fit_seconds'])]
    return Table(['', 'sequences', 'characters', 'mean IoU', 'seconds'],
                 [('digits_compare', cells(*o)) for o in runs_of('compare')],
                 'digits.py compare')

def letters_row(r):
    "The best fully connected net"
    nets = [o for k,o in r['runs'].items() if 'char_5' in o['test'] and 'conv' not in k]
    best = max(nets, key=lambda o: o['test']['char_accuracy'])
    worst = min(best['test'][f'char_{i}'] for i in range(1, 6))
    return ['five letters, fully connected', 'stays at chance', f'{exact(worst)} or more at each position',
            minutes(best)]

def heads_row(r, title, source):
    t = r['run']['test']
    worst = min(t[f'char_{i}'] for i in range(1, 5))
    return [title, source, f"{exact(worst)} or more at each position; {exact(t['captcha_accuracy'])} whole",
            minutes(r['run'])]

def street_row(k, r):
    ours = f"{exact(r['test']['captcha_accuracy'])} whole"
    return [f'house numbers, generated: `{k}`', '–', ours, minutes(r)]

def strips_row(r, title):
    text,box,_,s = parts_of_strips(r)
    source = '74 % whole, 94 % of characters' if title.startswith('five') else '80 % whole, 95 % of characters'
    shares = f"{exact(text['captcha_accuracy'])} whole, {exact(text['char_accuracy'])} of characters"
    ours = f"{shares}, mean IoU {box['mean_iou']:.3f}"
    return [f'MNIST, {title}', source, ours, f'{s/60:.1f}']

@table
def digits_table():
    "What the four sources report, and what was reached here"
    rows = [(k, letters_row(r)) for k,_,r in found(dict(digits_letters=''))]
    sources = dict(digits_heads=('four heads, 1,000 generated', '93, 79, 84, 99 % by position'),
                   digits_simplecaptcha=('four heads, simplecaptcha', '99.80 %'))
    rows += [(k, heads_row(r, *o)) for k,o,r in found(sources)]
    rows += [('digits_street', street_row(*o)) for o in runs_of('street')]
    rows += [(k, strips_row(r, title)) for k,title,r in found(strip_names)]
    return Table(['experiment', 'its source', 'here, on images not seen', 'minutes of training'], rows,
                 'digits.py letters heads simplecaptcha street strips5 stages5 stages')

def letters_curves():
    "Validation accuracy of a character along each fit"
    import matplotlib.pyplot as plt
    fig,ax = plt.subplots(figsize=(8,3), layout='constrained')
    for j,(k,r) in enumerate(runs_of('letters')):
        n = len(r['history'])
        style = '--' if j>9 else '-' # there are ten colours
        ax.plot([100*(i+1)/n for i in range(n)], [100*o['char_accuracy'] for o in r['history']], label=k, ls=style)
    ax.set(xlabel='% of the fit', ylabel='% of characters')
    ax.legend(fontsize=7, loc='upper left', bbox_to_anchor=(1,1))
    return drawn_from(fig, ['digits_letters'])
