"Tables and curves for notebooks, made from the result files: a figure that no benchmark wrote cannot appear."
import json
from collections import Counter
from pathlib import Path

from common import seconds_to

results = Path(__file__).parent/'results'

# What the blog "Captcha prediction – From CNN to CRNN" (2022) printed, on a GPU: last epoch, best epoch
published = dict(pooled='97.1 %', spatial='96.2 % (best 98.1 %)', crnn='97.1 % (best 98.1 %)', fast='–')
names = dict(pooled='`pooled`: xresnet34, pooled', spatial='`spatial`: xresnet34, places kept', crnn='`crnn`: resnet34, LSTMs, CTC', fast='`fast`: ours, CTC')

def load(name):
    "The result file `name`, or `None` where the benchmark was not run"
    path = results/f'{name}.json'
    return json.loads(path.read_text(encoding='utf-8')) if path.exists() else None

def captcha_runs(): return {k: r for k in names if (r := load(f'captcha_{k}'))}

def percent(x): return f'{100*x:.1f} %'

def median(xs): return sorted(xs)[len(xs)//2]

def accuracy(r):
    "Captcha accuracy with its 95 % interval"
    return f"{percent(r['captcha_accuracy'])} ({percent(r['captcha_accuracy_low'])[:-2]}–{percent(r['captcha_accuracy_high'])})"

def markdown(head, rows):
    lines = [head, ['---']*len(head), *rows]
    return '\n'.join('| ' + ' | '.join(map(str, o)) + ' |' for o in lines)

def captcha_table():
    "The recipes on the blog's captchas, side by side"
    def row(k, r):
        e = r['epochs']
        return [names[k], f"{r['n_params']/1e6:.1f} M", r['precision'], accuracy(r),
                percent(r['best_captcha_accuracy']), published[k], len(e), f"{e[-1]['seconds']/len(e):.1f}", '–' if r['seconds_to_97'] is None else f"{r['seconds_to_97']:.0f}"]
    head = ['recipe', 'parameters', 'floats', 'whole captchas, last epoch (95 % interval)', 'best epoch', 'blog, on its GPU', 'epochs', 'seconds an epoch', 'seconds to 97.1 %']
    return markdown(head, [row(k, r) for k,r in captcha_runs().items()])

def where(r):
    "One line on how a result was obtained"
    m = r['machine']
    return (f"{m['date']}, {m['cpu']}, {m['threads']} threads, {m['gpu'] or 'no GPU'}, torch {m['versions']['torch']}, fastai {m['versions']['fastai']}, "
            f"seed {r['seed']}, {r['n_train']} images to train, {r['n_valid']} to test")

def demo_line():
    "What `captcha_demo` reached"
    r = load('demo')
    return (f"{percent(r['captcha_accuracy'])} of {r['n_valid']} generated captchas that it never saw (95 % interval {percent(r['captcha_accuracy_low'])[:-2]}–"
            f"{percent(r['captcha_accuracy_high'])}), after {r['fit_seconds']:.0f} seconds of training on {r['n_train']}") if r else 'not run'

def captcha_curves():
    "Whole-captcha accuracy of the recipes against epochs and against seconds"
    import matplotlib.pyplot as plt
    fig,axs = plt.subplots(1, 2, figsize=(9,3), sharey=True, layout='constrained')
    for k,r in captcha_runs().items():
        ys,s = [e['captcha_accuracy'] for e in r['epochs']],[e['seconds'] for e in r['epochs']]
        axs[0].plot(range(1, len(ys)+1), ys, label=k)
        axs[1].plot(s, ys, label=k)
    axs[0].set(xlabel='epoch', ylabel='whole captchas')
    axs[1].set(xlabel='seconds since the start (logarithmic)', xscale='log')
    for ax in axs: ax.axhline(.971, color='grey', lw=.5, ls=':')
    axs[0].legend()
    return fig

def decode_table():
    "CTC decoders: microseconds a row by batch, and the mean log-probability of the texts that they find"
    def row(case, name, r):
        us = [f"{r['microseconds'][b]:,.0f}" if b in r['microseconds'] else '' for b in ('1','64','1024')]
        return [case, f'`{name}`' if '_' in name else name, *us, f"{r['log_probability']:.4f}" if r['log_probability']>-1 else f"{r['log_probability']:.1f}"]
    r = load('decode')
    return markdown(['scores', 'decoder', 'µs a row, one at a time', 'batches of 64', 'of 1024', 'mean log-probability of its text'],
                    [row(case if i==0 else '', name, o) for case,rows in r['cases'].items() for i,(name,o) in enumerate(rows.items())]) if r else 'not run'

def decode_line():
    "How the decoders compare with fast-ctc-decode, as one sentence"
    r = load('decode')
    if not r: return 'not run'
    times = lambda case,name,batch='1024': r['cases'][case]['fast-ctc-decode']['microseconds']['1']/r['cases'][case][name]['microseconds'][batch]
    many,alone = ([times(c, 'prefix_beam_search', b) for c in r['cases']] for b in ('1024','1'))
    less,case = sum(r['cases'][c][name]['less_probable_than_rust'] for c in r['cases'] for name in ('map_decode','prefix_beam_search')),next(iter(r['cases']))
    return (f"On the scores of a real recogniser, `map_decode` takes {r['cases'][case]['map_decode']['microseconds']['1024']:.1f} µs a row, {times(case, 'map_decode'):.0f} times less than "
            f"fast-ctc-decode (Rust) with its beam of {r['beam_size']}; over {len(many)} kinds of scores, `prefix_beam_search` is {min(many):.1f} to {max(many):.0f} times as fast as that in batches of 1024, and "
            f"{min(alone):.1f} to {max(alone):.1f} times row by row; {'neither found' if not less else f'{less} times they found'} a less probable text")

def calibration_table():
    "Do the probabilities hold, on images that neither training nor temperature nor threshold has seen?"
    def row(name, r):
        sure,n,right = (sum(t[k] for t in r['thresholds']) for k in ('n_sure','n_judged','n_right'))
        return [name, r['n_valid'], percent(r['after']['accuracy']), f"{r['before']['calibration_error']:.4f}", f"{r['after']['calibration_error']:.4f}",
                f"{percent(right/sure)} of {percent(sure/n)[:-2]} % of the images"]
    runs = [(n, load(f'calibration_{k}')) for k,n in (('captcha','the blog\'s captchas, 5 folds'), ('generated','generated, 4 to 6 of 36 characters'))]
    return markdown(['images', 'number', 'read whole', 'calibration error before', 'after temperature', 'right above the threshold for 98 %'], [row(n, r) for n,r in runs if r])

def ablation_table():
    "`fast` as it is, and with one part taken back: accuracy after 8 epochs, seconds, and seconds to 97.1 %"
    r = load('ablation')
    def row(name, runs):
        reached = [seconds_to(o) for o in runs]
        return [name, ', '.join(percent(o[-1]['captcha_accuracy']) for o in runs), f"{sum(o[-1]['seconds']/len(o) for o in runs)/len(runs):.2f}", ', '.join('–' if o is None else f'{o:.0f}' for o in reached)]
    return markdown(['recipe', 'captchas read, by seed', 'seconds an epoch', 'seconds to 97.1 %, by seed'], [row(*o) for o in r['runs'].items()]) if r else 'not run'

def crossval_table():
    "`fast` on real data, by cross-validation or on a held-out part; identical images are counted once"
    names = dict(folds="the blog's captchas, 5 folds", simplecaptcha='simplecaptcha, 1991 held out', mathcaptcha='mathcaptcha (3 to 5 characters), 5 folds', display_digits='display_digits (1 to 3 characters), 5 folds')
    def row(k, r):
        return [names[k], r['n_train'], f"{r['n_right']} of {r['n_valid']}", accuracy(r), f"{median(r['fit_seconds']):.0f}"]
    runs = {k: r for k in names if (r := load(f'crossval_{k}'))}
    return markdown(['data', 'trained on', 'read whole', 'accuracy (95 % interval)', 'seconds of fitting'], [row(*o) for o in runs.items()])

def time_line():
    "How long `fast` takes to 97.1 %, beside the blog's recipes"
    r = load('train_time')
    if not r: return 'not run'
    others = ', '.join(f"`{k}` {o['seconds_to_goal']:.0f} s ({o['epochs_to_goal']} epochs of {o['seconds_an_epoch']:.1f} s)" if o['epochs_to_goal'] else f"`{k}` never ({o['seconds_an_epoch']:.1f} s an epoch)" for k,o in r['blog'].items())
    ends = [o['epochs'][-1]['captcha_accuracy'] for o in r['runs']]
    whole = median([o['fit_seconds'] for o in r['runs']])
    return (f"97.1 % of the blog's 104 captchas after {r['median_seconds']:.1f} seconds of fitting (median of {len(r['runs'])} seeds, {sum(o['seconds_to_goal'] is not None for o in r['runs'])} of which got there in the "
            f"{r['n_epochs']} epochs that were planned; they end between {percent(min(ends))} and {percent(max(ends))}; the whole schedule takes {whole:.1f} seconds), {r['times_less']:.0f} times less than the fastest of the blog's recipes in the same run: {others}")

def few_table(name='crossval_few'):
    "Accuracy against the number of labelled images"
    r = load(name)
    if not r: return 'not run'
    def row(name, runs):
        a = [o['accuracy'] for o in runs]
        return [name, percent(median(a)), ', '.join(percent(o)[:-2] for o in a), f"{median([o['fit_seconds'] for o in runs]):.0f}"]
    return markdown(['labelled images', 'read whole, median', 'draw by draw', 'seconds of fitting'],
                    [row(n, o) for n,o in r['labelled'].items()] + [row(f"{n}, and {832-int(n)} without labels", o) for n,o in r['with_unlabelled'].items()])

def sets_table():
    "`fast` as it comes on other kinds of images, and what tuning gains"
    r,before,u = load('sets_kinds'),load('sets_before'),load('sets_untouched')
    names = dict(noisy='noisy grey JPEGs, 5 of 33', colour='colour with lines, 4 to 6 of 32', case='case-sensitive letters, 4 of 49', widths='3 to 9 of 16, widths that vary')
    row = lambda name,o: [name, accuracy(o), f"{o['fit_seconds']:.0f}"]
    rows = [row(f"{names[k]} ({o['n_epochs']} epochs)", o) for k,o in (r['kinds'] if r else {}).items()]
    for name,k,better in (('light on dark gradients, 6 to 8 of 23','own','twice the epochs'), ('coloured italics on stripes, 4 to 7 of 25','stripes','twice the epochs'), ('faint print on stained paper, 5 to 9 of 14','prints','in colour'),
                               ('badges, 3 to 6 of 29','badges','twice the epochs')):
        if before: rows += [row(f"{name}: {how} ({before[k]['runs'][o]['n_epochs']} epochs)", before[k]['runs'][o]) for o,how in (('as it comes','the default then'),(better,better))]
    if u: rows += [row(f"number plates, 5 to 8 of 33: {k} ({o['n_epochs']} epochs)", o) for k,o in u['runs'].items()]
    return markdown(['1800 images of', 'of 1000 others read whole (95 % interval)', 'seconds of fitting'], rows)

def scale_lines():
    "Memory, and how the seconds of an epoch grow"
    r,whole = load('train_scale'),load('train_memory')
    if not (r and whole): return 'not run'
    sizes = ', '.join(f"{o['n_train']:,}: {o['seconds_an_epoch']:.1f} s ({1e3*o['seconds_an_epoch']/o['n_train']:.2f} ms an image), {o['peak_mb']:.0f} MiB" for o in r['sizes'])
    return f"`captcha_train` on the blog's 1040 captchas takes at most {whole['peak_mb_of_training']:.0f} MiB of memory until it has learned, and {whole['peak_mb']:.0f} in all, with the export. Seconds an epoch, and memory, by number of generated images: {sizes}."

def budget_line():
    "How well a budget of time is kept"
    r = load('train_budget')
    runs = '; '.join(f"with {o['budget']:.0f} seconds it planned {o['epochs']} epochs, took {o['seconds']:.0f} seconds with the one that it measured, and read {percent(o['captcha_accuracy'])} of {r['n_valid']}" for o in r['runs']) if r else ''
    return f"`captcha_train --budget` on the blog's captchas: {runs}" if r else 'not run'

def resume_line():
    "Killed and gone on with"
    r = load('resume')
    if not r: return 'not run'
    stages = Counter(o['stage'] for o in r['kills'])
    others = [k for k,o in r['others'].items() if o['same_weights_and_figures']]
    return (f"`captcha_train` was killed {len(r['kills'])} times with SIGKILL at random moments ({', '.join(f'{n} {k}' for k,n in stages.most_common())}) and gone on with by `--resume` each time: "
            f"{'the same weights and figures as an undisturbed run' if r['same_weights_and_figures'] else 'not the same weights and figures as an undisturbed run'}; so {'were' if others else 'were not'} those of runs that were killed once each with {' and '.join(f'`{o}`' for o in others)}")

def targets_table():
    "What was asked of `fast`, and what the result files say"
    r = {k: load(k) for k in 'train_time crossval_folds crossval_few crossval_simplecaptcha crossval_mathcaptcha crossval_display_digits train_captcha_break train_scale train_memory sets_untouched resume'.split()}
    if not all(r.values()): return 'not run'
    few,time,folds,simple,scale,whole,new = (r[k] for k in 'crossval_few train_time crossval_folds crossval_simplecaptcha train_scale train_memory sets_untouched'.split())
    rows = []
    def row(what, asked, reached, good): rows.append([what, asked, reached, 'yes' if good else '**no**'])
    row("97.1 % of the blog's 104, median of 5 seeds", '10 s', f"{time['median_seconds']:.1f} s", time['median_seconds']<=10)
    row("against the fastest of the blog's recipes in the same run", '60 times less', f"{time['times_less']:.0f} times", time['times_less']>=60)
    row('1040 captchas, 5 folds', '99.5 %, 90 s a fold', f"{100*folds['captcha_accuracy']:.2f} %, at most {max(folds['fit_seconds']):.0f} s", folds['captcha_accuracy']>=.995 and max(folds['fit_seconds'])<=90)
    for n,asked in (('25',.8),('50',.95),('100',.98),('400',.995)):
        runs,more = few['labelled'][n],few['with_unlabelled'].get(n)
        middle = lambda k, runs: median([o[k] for o in runs])
        said = lambda runs: f"{percent(middle('accuracy', runs))}, {middle('fit_seconds', runs):.0f} s"
        row(f'{n} labelled captchas, medians of 3 draws', f'{100*asked:g} %, 120 s', f"{said(runs)} on one thread" + (f'; with images without labels {said(more)}' if more else ''),
            middle('accuracy', runs)>=asked and middle('fit_seconds', runs)<=120)
    row('simplecaptcha', '99.8 %, 60 s', f"{percent(simple['captcha_accuracy'])}, {simple['fit_seconds'][0]:.0f} s", simple['captcha_accuracy']>=.998 and simple['fit_seconds'][0]<=60)
    for k in ('mathcaptcha','display_digits'): row(f'{k}, 5 folds', '99 %', percent(r[f'crossval_{k}']['captcha_accuracy']), r[f'crossval_{k}']['captcha_accuracy']>=.99)
    last = r['train_captcha_break']['runs'][-1]
    row("captcha_break's setting", 'beside 99.57 %', f"{percent(last['captcha_accuracy'])} after {last['fit_seconds']/60:.0f} minutes", last['captcha_accuracy']>=.9957)
    row("memory of training on the blog's captchas", '1 GB', f"{whole['peak_mb_of_training']*2**20/1e9:.2f} GB, with the export {whole['peak_mb']*2**20/1e9:.2f}", whole['peak_mb_of_training']*2**20<=1e9)
    a,b = (1e3*o['seconds_an_epoch']/o['n_train'] for o in (scale['sizes'][0], scale['sizes'][-1]))
    row('milliseconds an image, at 1,000 and at 50,000', 'the same', f'{a:.1f} and {b:.1f}', b<=1.25*a)
    row('a set not touched before, against what tuning gains', 'within 1 %', f"{100*new['difference']:+.1f} points by *{new['best']}*", round(new['difference'], 4)<=.01)
    row('SIGKILL at ten moments, then `--resume`', 'the same end', 'the same weights and figures' if r['resume']['same_weights_and_figures'] else 'others', r['resume']['same_weights_and_figures'])
    return markdown(['', 'asked', 'here', 'reached'], rows)

def break_line():
    "captcha_break's setting"
    r = load('train_captcha_break')
    runs = '; '.join(f"{accuracy(o)} of {o['n_valid']:,} after {o['n_train']:,} images, in {o['fit_seconds']/60:.1f} minutes, of which drawing took about {o['n_train']*o['seconds_of_drawing_an_image']/60:.1f}"
                     for o in r['runs']) if r else ''
    return f"each image seen once, {runs}; published: 99.57 %" if r else 'not run'

# the four other experiments: results of digits.py

def digits(name): return load(f'digits_{name}')

def letters_table():
    "The set-ups of the fully connected net, one change at a time"
    runs = (digits('letters') or dict(runs={}))['runs']
    return markdown(['', 'images', 'seconds', *[f'letter {i}' for i in range(1, 6)], 'all five'],
                    [[k, f"{r['n_train']:,}", f"{r['fit_seconds']:.0f}", *[percent(r['test'][f'char_{i}']) if f'char_{i}' in r['test'] else '' for i in range(1, 6)], percent(r['test']['captcha_accuracy'])] for k,r in runs.items()])

def letters_curves():
    "Validation accuracy of a character along each fit"
    import matplotlib.pyplot as plt
    fig,ax = plt.subplots(figsize=(8,3), layout='constrained')
    for j,(k,r) in enumerate((digits('letters') or dict(runs={}))['runs'].items()):
        ax.plot([100*(i+1)/len(r['history']) for i in range(len(r['history']))], [100*o['char_accuracy'] for o in r['history']], label=k, ls='--' if j>9 else '-') # ten colours
    ax.set(xlabel='% of the fit', ylabel='% of characters')
    ax.legend(fontsize=7, loc='upper left', bbox_to_anchor=(1,1))

def heads_table():
    "Accuracy by position, beside the question's"
    rows = [['the question', '–', '1,000', '93 %', '79 %', '84 %', '99 %', '–']]
    for title,name in [('generated','heads'), ('simplecaptcha','simplecaptcha')]:
        if o := digits(name): rows.append([title, f"{o['run']['test']['n']:,}", f"{o['run']['n_train']:,}", *[f"{100*o['run']['test'][f'char_{i}']:.2f} %" for i in range(1, 5)], f"{100*o['run']['test']['captcha_accuracy']:.2f} %"])
    return markdown(['', 'tested on', 'trained on', '1st', '2nd', '3rd', '4th', 'all four'], rows)

def street_table():
    "House numbers: `length` beside `fast`"
    return markdown(['recipe', 'whole numbers (95 % interval)', 'per digit', 'length', 'coverage at 98 %', 'minutes of training'],
        [[f'`{k}`', accuracy(r['test']), f"{100*r['test']['char_accuracy']:.2f} %", f"{100*r['test']['length_accuracy']:.2f} %" if 'length_accuracy' in r['test'] else '–', percent(r['test']['coverage_at_98']), f"{r['fit_seconds']/60:.1f}"]
         for k,r in (digits('street') or dict(runs={}))['runs'].items()])

def strips_table():
    "Rows of MNIST digits, beside the blog's"
    rows = [['five digits, the blog', '74 %', '94 %', '–', '–', '–', '8 hours, GPU'], ['one to five, the blog', '80 %', '95 %', '–', '–', '–', '8 hours, GPU']]
    for title,name in [('five digits, `located`','strips5'), ('five digits, find and read','stages5'), ('one to five, `located`','strips'), ('one to five, find and read','stages')]:
        if not (o := digits(name)): continue
        t,box = (o['run']['test'],)*2 if 'run' in o else (o['both'],o['finder']['test'])
        k,seconds = (1 if 'run' in o else 2),sum(o[k]['fit_seconds'] for k in ('run','finder','reader') if k in o) # the finder sees half the pixels in each direction
        rows.append([title, f"{100*t['captcha_accuracy']:.2f} %", f"{100*t['char_accuracy']:.2f} %", f"{box['mean_iou']:.3f}", f"{k*box['centre_error']:.2f}", f"{k*box['size_error']:.2f}", f"{seconds/60:.0f} min, {o['machine']['threads']} thread{'s'*(o['machine']['threads']>1)}"])
    return markdown(['', 'sequences', 'characters', 'mean IoU', 'centre, pixels off', 'size, pixels off', 'training'], rows)

def compare_table():
    "Heads, boxes and weightings of `located`"
    return markdown(['', 'sequences', 'characters', 'mean IoU', 'seconds'], [[k, percent(r['test']['captcha_accuracy']), percent(r['test']['char_accuracy']), f"{r['test']['mean_iou']:.3f}", f"{r['fit_seconds']:.0f}"]
                    for k,r in (digits('compare') or dict(runs={}))['runs'].items()])

def digits_table():
    "What the four sources report, and what came of it here"
    rows,exact = [],lambda o: f'{100*o:.2f} %'
    def row(title, source, ours, fit): rows.append([title, source, ours, fit])
    if o := digits('letters'):
        r = max((r for k,r in o['runs'].items() if 'char_5' in r['test'] and 'conv' not in k), key=lambda r: r['test']['char_accuracy'])
        row('five letters, fully connected', 'stays at chance', f"{exact(min(r['test'][f'char_{i}'] for i in range(1, 6)))} or more at each position", r)
    for name,title in [('heads','four heads, 1,000 generated'), ('simplecaptcha','four heads, simplecaptcha')]:
        if o := digits(name): row(title, '93, 79, 84, 99 % by position' if name=='heads' else '99.80 %', f"{exact(min(o['run']['test'][f'char_{i}'] for i in range(1, 5)))} or more at each position; {exact(o['run']['test']['captcha_accuracy'])} whole", o['run'])
    if o := digits('street'):
        for k,r in o['runs'].items(): row(f'house numbers, generated: `{k}`', '–', f"{exact(r['test']['captcha_accuracy'])} whole; {exact(r['test']['coverage_at_98'])} coverage at 98 %", r)
    for name,title,source in [('strips5','five MNIST digits, one net','74 % whole, 94 % of characters'), ('stages5','five MNIST digits, find and read','74 % whole, 94 % of characters'), ('stages','one to five MNIST digits, find and read','80 % whole, 95 % of characters')]:
        if o := digits(name):
            text,box = (o['run']['test'],)*2 if 'run' in o else (o['both'],o['finder']['test'])
            row(title, source, f"{exact(text['captcha_accuracy'])} whole, {exact(text['char_accuracy'])} of characters, mean IoU {box['mean_iou']:.3f}", dict(fit_seconds=sum(o[k]['fit_seconds'] for k in ('run','finder','reader') if k in o)))
    return markdown(['experiment', 'its source', 'here, on images not seen', 'training, minutes'], [[*o[:3], f"{o[3]['fit_seconds']/60:.1f}"] for o in rows])

# reading

def infer_table():
    "The exported recogniser beside ddddocr"
    r = load('infer')
    names = {'model.onnx':'`model.onnx`', 'model.int8.onnx':'`model.int8.onnx`', 'ddddocr':'ddddocr 1.6.1, as it comes'}
    number = lambda o,f: '–' if o is None else f.format(o)
    return markdown(['', 'images a second', 'right, of images not trained on', 'one image, median', '99th percentile', 'import and load', 'memory', 'file'],
        [[names[k], f"{o['images_per_second']:,.0f}", f"{o['right']} of {o['n']}", number(o.get('one_median_ms'), '{:.1f} ms'), number(o.get('one_p99_ms'), '{:.1f} ms'), number(o.get('load_seconds'), '{:.2f} s'), number(o.get('resident_mb'), '{:.0f} MB'), number(o.get('megabytes'), '{:.2f} MB')]
         for k,o in r['runs'].items()]) if r else 'not run'

def infer_stages():
    "Where the time of reading goes"
    import matplotlib.pyplot as plt
    runs = {k: o['stages'] for k,o in (load('infer') or dict(runs={}))['runs'].items() if 'stages' in o}
    fig,ax = plt.subplots(figsize=(7,1.6), layout='constrained')
    left = dict.fromkeys(runs, 0.)
    for stage in ('decode','resize','model','text'):
        ax.barh(list(runs), [o[stage] for o in runs.values()], left=[left[k] for k in runs], label=stage)
        left = {k: left[k]+runs[k][stage] for k in runs}
    ax.set_xlabel('ms an image, one stage after the other')
    ax.legend(ncols=4, fontsize=8, loc='lower center', bbox_to_anchor=(.5,1))

def robustness_table():
    "Awkward images, and what became of them; then the mutations"
    r = load('robustness')
    if not r: return 'not run'
    rows = [[k, '*refused*: '+v.split(': ', 2)[-1] if v.startswith('refused') else v.replace("'", '`').replace('``', 'no text')] for k,v in r['kinds'].items()]
    return markdown([f"a captcha that says `{r['text']}`, as", 'outcome'], rows) + (f"\n\nAnd {r['n']:,} mutations of PNG and JPEG bytes: {r['outcomes']['read']:,} read, {r['outcomes']['refused']:,} refused, {r['crashes']} crashes, "
        f"with at most {r['memory_peak_mb']:.0f} MB in memory. (`python benchmarks/robustness.py`)")

def folders_table():
    "Folders that somebody tampered with, and what became of them"
    r = load('robustness')
    if not r: return 'not run'
    why = lambda o: o.split('is refused: ')[-1].removeprefix('refused: FOLDER ').split('; ')[0]
    return markdown(['a folder with', 'refused, because'], [[k, why(v) if v.startswith('refused') else '**loaded**'] for k,v in r['folders'].items()]) + f"\n\nSomething was run: {'**yes**' if r['something_was_run'] else 'no'}."

def load_line():
    "The page under load"
    r = load('load')
    return (f"Under load, {r['clients']} clients with {r['requests']//r['clients']} requests each on this machine: {r['answered']:,} of {r['requests']:,} answered, {r['lost']} lost, {r['mixed_up']} mixed up; {r['broken_answered']} broken files got their reason; "
            f"{r['per_second']:.0f} a second, memory from {r['rss_mb']['before']} to at most {r['rss_mb']['peak']} MB. (`python benchmarks/load.py`)") if r else 'not run'

def cluster_lines():
    "Reading on Ray, training on two processes"
    ray,train = load('cluster_ray'),load('cluster_train')
    if not ray or not train: return 'not run'
    one,two = (train['runs'][k] for k in ('1','2'))
    low,high = train['interval_of_one']
    return (f"{ray['n']:,} captchas and a broken file, read alone in {ray['seconds']['alone']:.0f} s and by {ray['workers']} Ray workers on the same machine in {ray['seconds']['ray']:.0f} s (which shows what Ray costs, not what it gains): {'the same' if ray['same'] else 'another'} output. "
            f"Trained on two processes, each of {two['images_met']:,} images {'once' if two['most_often']==1 else 'up to '+str(two['most_often'])+' times'} an epoch: {percent(two['n_right']/two['n_valid'])} of {two['n_valid']}, "
            f"{'within' if train['within'] else 'outside'} the interval of one process ({percent(one['n_right']/one['n_valid'])}; {percent(low)[:-2]}–{percent(high)}). (`python benchmarks/cluster.py`)")
