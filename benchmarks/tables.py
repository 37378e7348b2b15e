"""Tables and curves of the recipe `fast`, and of the blog's: accuracy, seconds, memory.

Each function returns a `Table` (see table.py), made from the result files.
"""
import statistics
from collections import Counter

from common import median, seconds_to
from table import Table, accuracy, drawn_from, found, load, percent, rows_of, seconds, table
from tables_start import row_of

# training on the captchas of the blog

recipe_names = dict(train_pooled='`pooled`: xresnet34, pooled', train_spatial='`spatial`: xresnet34, places kept',
                    train_crnn='`crnn`: resnet34, LSTMs, CTC', train_fast='`fast`: ours, CTC')
published = dict(pooled='97.1 %', spatial='96.2 % (best 98.1 %)', crnn='97.1 % (best 98.1 %)',
                 fast='–') # by the blog, on a GPU

@table
def captcha_table():
    "The recipes on the blog's captchas, each with its default schedule"
    head = ['recipe', 'parameters', 'floats', 'read whole, last epoch (95 % interval)',
            'best epoch, chosen on these images', 'the blog, on its GPU', 'epochs', 'seconds an epoch',
            'seconds to 97.1 %']
    def cells(title, r):
        last = r['epochs'][-1]['seconds']
        n = len(r['epochs'])
        return [title, f"{r['n_params']/1e6:.1f} M", r['precision'], accuracy(r), percent(r['best_captcha_accuracy']),
                published[r['recipe']], n, seconds(last/n, 1), seconds(r['seconds_to_97'])]
    return Table(head, rows_of(recipe_names, cells), 'train.py fast crnn spatial pooled')

def in_one_run(r):
    "Rows of cost_time: `fast` in the shortest schedule, and the blog's recipes by one epoch each"
    whole = median([o['fit_seconds'] for o in r['runs']])
    reached = sum(o['seconds_to_goal'] is not None for o in r['runs'])
    yield [f"`fast`, shortest schedule ({r['n_epochs']} epochs)", seconds(r['median_seconds'], 1), seconds(whole, 1),
           f"median of {len(r['runs'])} seeds, {reached} of which reach it"]
    if o := r.get('default'):
        yield [f"`fast`, default schedule ({o['n_epochs']} epochs)", seconds(o['seconds_to_goal'], 1),
               seconds(o['fit_seconds'], 1), 'measured']
    for k,o in r['blog'].items():
        n,epoch = o['epochs_to_goal'],o['seconds_an_epoch']
        how = f'extrapolated: one epoch of {epoch:.1f} s × {n}' if n else f'one epoch of {epoch:.1f} s; never reached'
        yield [f'`{k}`, default schedule (60 epochs)', seconds(o['seconds_to_goal']), f'{60*epoch:.0f}', how]

@table
def time_table():
    "Seconds to 97.1 % of the blog's 104 captchas: default schedules beside each other, then the shortest one"
    def cells(_, r):
        name = f"`{r['recipe']}`, default schedule ({len(r['epochs'])} epochs)"
        return [name, seconds(r['seconds_to_97']), seconds(r['epochs'][-1]['seconds']), 'a run of its own']
    rows = rows_of(recipe_names, cells)
    if r := load('cost_time'): rows += [('cost_time', o) for o in in_one_run(r)]
    return Table(['recipe and schedule', 'seconds to 97.1 %', 'seconds of the whole schedule', 'how'], rows,
                 'train.py fast crnn spatial pooled; cost.py time')

@table
def ablation_table():
    "`fast` as it is, and with one part of it changed: accuracy after 8 epochs, seconds, and seconds to 97.1 %"
    r = load('ablation')
    def cells(name, runs):
        epoch = statistics.mean(o[-1]['seconds']/len(o) for o in runs)
        return [name, ', '.join(percent(o[-1]['captcha_accuracy']) for o in runs), seconds(epoch, 2),
                ', '.join(seconds(seconds_to(o)) for o in runs)]
    rows = [('ablation', cells(*o)) for o in (r['runs'].items() if r else ())]
    return Table(['recipe', 'captchas read, by seed', 'seconds an epoch', 'seconds to 97.1 %, by seed'], rows,
                 'ablation.py')

@table
def few_table():
    "Accuracy against the number of labelled images"
    names = {f'few_{n}': str(n) for n in (25,50,100,200,400,832)}
    names.update({f'few_{n}_unlabelled': f'{n}, and {832-n} without labels' for n in (25,50,100)})
    def cells(title, r):
        draws = ', '.join(f"{100*o['accuracy']:.1f}" for o in r['runs'])
        return [title, percent(r['captcha_accuracy']), draws, seconds(r['fit_seconds'])]
    head = ['labelled images', 'read whole, median', 'draw by draw', 'seconds of fitting']
    return Table(head, rows_of(names, cells), 'few.py 25 50 100 200 400 832; few.py --unlabelled 25 50 100')

# other images

fold_names = dict(folds_captcha="the blog's captchas, 5 folds", folds_simplecaptcha='simplecaptcha, 1991 held out',
                  folds_mathcaptcha='mathcaptcha (3 to 5 characters), 5 folds',
                  folds_display_digits='display_digits (1 to 3 characters), 5 folds')

@table
def folds_table():
    "`fast` on real images that it was not trained on; identical images are counted once"
    def cells(title, r):
        read = f"{r['n_right']} of {r['n_valid']}"
        return [title, r['n_train'], read, accuracy(r), seconds(median(r['fit_seconds']))]
    head = ['data', 'trained on', 'read whole', 'accuracy (95 % interval)', 'seconds of fitting']
    return Table(head, rows_of(fold_names, cells), 'folds.py captcha simplecaptcha mathcaptcha display_digits')

@table
def calibration_table():
    "Do the probabilities hold, on images that neither training nor temperature nor threshold has seen?"
    names = dict(folds_calibration="the blog's captchas, 5 folds", folds_generated='generated, 4 to 6 of 36 characters')
    def cells(title, r):
        limits = [o for o in r['thresholds'] if isinstance(o, dict)] # others say why there is none
        sure,n,right = (sum(o[k] for o in limits) for k in ('n_sure','n_judged','n_right'))
        held = f'{percent(right/sure)} of {percent(sure/n)} of the images' if sure else 'too few images to tell'
        errors = [f"{r[k]['calibration_error']:.4f}" for k in ('before','after')]
        return [title, r['n_valid'], percent(r['after']['accuracy']), *errors, held]
    head = ['images', 'number', 'read whole', 'calibration error before', 'after temperature',
            'right above the threshold for 98 %']
    return Table(head, rows_of(names, cells), 'folds.py captcha generated')

set_names = dict(sets_noisy='noisy grey JPEGs, 5 of 33', sets_colour='colour with lines, 4 to 6 of 32',
                 sets_case='case-sensitive letters, 4 of 49', sets_widths='3 to 9 of 16, widths that vary',
                 sets_strips='4 to 8 of 32 in colours, widths that vary')

@table
def sets_table():
    "`fast` with its defaults on other kinds of images, and what tuning gains on number plates"
    def cells(title, r, how='default'):
        return [title, f"{r['n_train']:,}", how, r['n_epochs'], accuracy(r), seconds(r['fit_seconds'])]
    rows = rows_of(set_names, cells)
    for how,o in (load('sets_plates') or dict(runs={}))['runs'].items():
        rows.append(('sets_plates', cells('number plates, 5 to 8 of 33', o, how)))
    head = ['images', 'trained on', 'settings', 'epochs', 'of 1000 others read whole (95 % interval)', 'seconds of fitting']
    return Table(head, rows, 'sets.py noisy colour case widths strips plates')

@table
def captcha_break_table():
    "The setting of captcha_break: each image seen once, drawn when it is needed"
    rows = [(None, ['captcha_break', '–', '99.57 %', '–', '–'])]
    for o in (load('sets_captcha_break') or dict(runs=[]))['runs']:
        drawing = o['n_train']*o['seconds_of_drawing_an_image']/60
        minutes = f"{o['fit_seconds']/60:.1f}, of which drawing {drawing:.1f}"
        rows.append(('sets_captcha_break', ['`fast`', f"{o['n_train']:,}", accuracy(o), f"{o['n_valid']:,}", minutes]))
    return Table(['4 of 36 characters, 80×170', 'images seen', 'read whole (95 % interval)', 'of', 'minutes'], rows,
                 'sets.py captcha_break')

@table
def demo_table():
    "What `captcha_demo` reached"
    def cells(_, r):
        times = [seconds(r[o]) for o in ('fit_seconds','whole_command_seconds')]
        return [r['n_train'], r['n_valid'], accuracy(r), *times]
    head = ['generated captchas to train on', 'others', 'read whole (95 % interval)', 'seconds of fitting',
            'of the whole command']
    return Table(head, rows_of(dict(demo=''), cells), 'demo.py')

@table
def readme_rows():
    "Rows for the README: data, labels, read whole with interval, seconds of fitting"
    def cells(title, r):
        s = r['fit_seconds'] # of each fold, or of one fit
        return [title, r['n_train'], accuracy(r), seconds(median(s) if isinstance(s, list) else s)]
    rows = [*rows_of(dict(folds_captcha="the blog's captchas, 5 folds"), cells), *few_label_rows(cells)]
    return Table(['data', 'labels', 'read whole (95 % interval)', 'seconds'], rows, notes=False)

few_labels = [('captcha_images_v2', '25', "the blog's captchas"), ('five_digits', '50', 'captchas of five digits'),
              ('cn_plates', '100', 'photographs of Chinese plates'), ('water_meters', '25', 'photographs of water meters')]

def few_label_rows(cells):
    "Some fits from the start on few labels, medians of three draws"
    for name,labels,title in few_labels:
        o = row_of(load(f'start_{name}') or dict(rows=[]), labels, 'start')
        if o: yield f'start_{name}',cells(title, o)

# what a training costs

@table
def memory_table():
    "Peak memory of training with the defaults, and how seconds and memory grow with the number of images"
    rows = []
    if r := load('cost_memory'):
        for k,title in dict(peak_mb_of_training='the whole fit', peak_mb='with the export').items():
            rows.append(('cost_memory', [f"the blog's 1040 captchas, {title}", '–', '–', f'{r[k]:.0f} MiB']))
    for o in (load('cost_scale') or dict(sizes=[]))['sizes']:
        epoch = o['seconds_an_epoch']
        title = f"{o['n_train']:,} generated captchas, one epoch"
        rows.append(('cost_scale', [title, seconds(epoch, 1), f"{1e3*epoch/o['n_train']:.2f}",
                                    f"{o['peak_mb']:.0f} MiB"]))
    return Table(['', 'seconds an epoch', 'milliseconds an image', 'peak memory'], rows, 'cost.py memory scale')

@table
def budget_table():
    "How well a budget of time is kept"
    r = load('cost_budget') or dict(runs=[])
    def cells(o):
        title = dict(captcha_images_v2="the blog's captchas", strips='strings in colours, 140 to 756 wide')[o['data']]
        read = f"{percent(o['captcha_accuracy'])} of {o['n_valid']:,}"
        return [title, f"{o['n_train']:,}", f"{o['budget']:.0f} seconds", o['epochs'], seconds(o['seconds']), read]
    head = ['images', 'trained on', 'budget', 'epochs', 'seconds taken', 'read whole']
    return Table(head, [('cost_budget', cells(o)) for o in r['runs']], 'cost.py budget')

@table
def resume_table():
    "Killed with SIGKILL at random moments, resumed with `--resume`, compared with a run that was left alone"
    same = {True:'the same', False:'**others**', None:'not compared, the clock decides'}
    def cells(title, o):
        stages = Counter(k['stage'] for k in o['kills']).most_common()
        return [title, len(o['kills']), ', '.join(f'{n} {k}' for k,n in stages), same[o['same_weights_and_figures']]]
    rows = rows_of(dict(resume=''), lambda _, r: cells(r['data'], r))
    for k,o in (load('resume') or dict(others={}))['others'].items(): rows.append(('resume', cells(f'with {k}', o)))
    return Table(['run', 'killed', 'while', 'weights and figures'], rows, 'resume.py')

@table
def routes_table():
    "The same data, seed and epochs through a notebook, the command and the benchmarks' helper"
    def cells(_, r):
        data = f"{r['n_train']} images, {r['epochs']} epochs"
        return [data, len(r['weights']), 'equal' if r['equal'] else '**different**']
    return Table(['data', 'routes', 'weights'], rows_of(dict(routes=''), cells), 'routes.py')

@table
def cluster_table():
    "Reading on Ray, training in two processes"
    rows = []
    if r := load('cluster_ray'):
        same = 'the same output' if r['same'] else '**another output**'
        titles = dict(alone='one process', ray=f"{r['workers']} Ray workers on the same machine")
        for k,title in titles.items():
            rows.append(('cluster_ray', [f'reading, {title}', f"{r['n']:,}", f"{r['right']:,}",
                                         seconds(r['seconds'][k]), same]))
    for k,o in (load('cluster_train') or dict(runs={}))['runs'].items():
        met = f"each image at most {o['most_often']} × an epoch"
        read = f"{o['n_right']} of {o['n_valid']}"
        rows.append(('cluster_train', [f'training, processes: {k}', f"{o['n_train']:,}", read, seconds(o['seconds']),
                                       met]))
    return Table(['', 'images', 'read whole', 'seconds', 'what was compared'], rows,
                 'cluster.py ray RECOGNISER; cluster.py train')

# curves

def captcha_curves():
    "Whole-captcha accuracy of the recipes against epochs and against seconds"
    import matplotlib.pyplot as plt
    names = [f'train_{o}' for o in ('pooled','spatial','crnn','fast')]
    fig,axs = plt.subplots(1, 2, figsize=(9,3), sharey=True, layout='constrained')
    for _,r in ((k, load(k)) for k in names if load(k)):
        ys = [o['captcha_accuracy'] for o in r['epochs']]
        axs[0].plot(range(1, len(ys)+1), ys, label=r['recipe'])
        axs[1].plot([o['seconds'] for o in r['epochs']], ys, label=r['recipe'])
    axs[0].set(xlabel='epoch', ylabel='whole captchas')
    axs[1].set(xlabel='seconds since the start (logarithmic)', xscale='log')
    for ax in axs: ax.axhline(.971, color='grey', lw=.5, ls=':')
    axs[0].legend()
    return drawn_from(fig, names)
