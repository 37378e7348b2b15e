"""Tables of what recognisers answer on images without text and on texts of another kind.

Each function returns a `Table` (see table.py), made from the result files.
"""
from table import Table, load, percent, seconds, table

@table
def no_text_table():
    "Images without text, and images of other sets: what is answered at the 98 % threshold"
    head = ['recogniser of', 'negatives', 'own test images', 'of these answered', 'without text: answered',
            'other texts: answered', 'of these right', 'seconds']
    r = load('no_text')
    if not r: return Table(head, [], 'no_text.py')
    def cells(o):
        return [o['data'], 'yes' if o['negatives'] else 'no', f"{o['n_right']} of {o['n_valid']}", percent(o['answered']),
                f"{o['none_answered']} of {o['n_none']:,}", f"{o['others_answered']} of {o['n_others']:,}",
                o['others_right'], seconds(o['fit_seconds'])]
    return Table(head, [('no_text', cells(o)) for o in r['rows']], 'no_text.py')
