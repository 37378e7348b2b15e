"""Tables of wrong labels: which are found, and what a training loses by them.

Each function returns a `Table` (see table.py), made from the result files of wrong_labels.py.
"""
from table import Table, exact, load, percent, seconds, table

def estimated(o): return f"{o['estimated']} ({o['estimated_low']} to {o['estimated_high']})"

@table
def wrong_labels_table():
    "How many of the labels that were changed are among as many suspects, and how many wrong labels are estimated"
    r = load('wrong_labels_find')
    head = ['set', 'images', 'labels changed', 'found among as many', 'recall', 'average precision', 'right text read',
            'estimated number', 'seconds']
    if not r: return Table(head, [], 'wrong_labels.py find')
    def cells(o):
        return [o['data'], f"{o['n']:,}", f"{o['injected']} ({percent(o['share'])})", o['found'], percent(o['recall']),
                f"{o['average_precision']:.3f}", o['corrected'], estimated(o), seconds(o['seconds'])]
    return Table(head, [('wrong_labels_find', cells(o)) for o in r['rows']], 'wrong_labels.py find')

@table
def known_wrong_table():
    "Ranks of the known wrong labels among all labels of their sets, which are as they are"
    r = load('wrong_labels_find')
    head = ['set', 'wrong labels and their ranks', 'estimated number']
    if not r: return Table(head, [], 'wrong_labels.py find')
    def cells(o):
        ranks = sorted(o['ranks'].items(), key=lambda pair: pair[1])
        return [o['data'], ', '.join(f'`{k}` {v}' for k,v in ranks), estimated(o)]
    return Table(head, [('wrong_labels_find', cells(o)) for o in r['known']], 'wrong_labels.py find')

way_names = dict(as_is='as they are', leave_out='`robust=True`: doubted labels left out',
                 relabel='doubted labels replaced by readings', weigh='improbable labels weigh less', two_passes='cross-fitted suspects left out before')

@table
def robust_table():
    "Accuracy on the test part after a fit on labels of which some are wrong"
    r = load('wrong_labels_robust')
    if not r: return Table(['set','wrong labels','trained on them','accuracy'], [], 'wrong_labels.py robust')
    amounts = sorted({o['share'] for o in r['rows']})
    def cell(name, way, amount):
        o = next((o for o in r['rows'] if (o['data'], o['way'], o['share'])==(name, way, amount)), None)
        return f"{exact(o['captcha_accuracy'])} ({o['n_right']} of {o['n_valid']})" if o else '–'
    rows = []
    for name in dict.fromkeys(o['data'] for o in r['rows']):
        for way in dict.fromkeys(o['way'] for o in r['rows'] if o['data']==name):
            mean = [o['seconds'] for o in r['rows'] if (o['data'], o['way'])==(name, way)]
            accuracies = [cell(name, way, a) for a in amounts]
            cells = [name if way=='as_is' else '', way_names[way], *accuracies, seconds(sum(mean)/len(mean))]
            rows.append(('wrong_labels_robust', cells))
    head = ['set', 'trained on wrong labels', *(f'{percent(a)} wrong' if a else 'none wrong' for a in amounts), 'seconds']
    return Table(head, rows, 'wrong_labels.py robust')
