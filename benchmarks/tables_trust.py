"""Tables of what a signal, a full disk and a second process do to the files of a command.

Each function returns a `Table` (see table.py), made from the result files.
"""
from table import Table, load, table

_commands = dict(train='captcha_train', predict='captcha_predict --out', export='captcha_export', label='captcha_label')

@table
def faults_table():
    "Runs that were killed, that had no room on the disk, or that met a second one"
    bad = ['lost', 'mixed', 'left behind', 'unclear messages']
    results = [(k, load(f'faults_{k}')) for k in _commands]
    rows = [(f'faults_{k}', [_commands[k], o['fault'], o['tries'], *(o[b] for b in bad)]) for k,r in results if r
            for o in r['rows']]
    return Table(['command', 'fault', 'tries', *bad], rows, 'faults.py predict export label train')
