"""A table made from result files, with its provenance.

The last column says when a row was measured, and that an *earlier version* of the code was measured if its
fingerprint differs from the present one. `.ci/fresh.py` compares what notebooks and README show with these
tables.
"""
from dataclasses import dataclass
from functools import lru_cache

from common import digest, is_current, library, load_result as load

every = {} # name → function, of all tables

def table(f):
    "Register a function that returns a `Table`"
    every[f.__name__] = f
    return f

@lru_cache
def start_digest():
    "Of the weights that come with the library"
    return digest(library/'start')

def state(r):
    "What a reader has to know about the code and the start that a result was measured with"
    if not is_current(r) or r.get('start') not in (None, start_digest()): return ['earlier version']
    return ['uncommitted changes']*bool(r['machine'].get('dirty'))

def measured(name):
    "Date and state of a result, in one cell"
    return ', '.join([load(name)['machine']['date'][:10], *state(load(name))]) if name else 'published'

def machine_of(r):
    "Where a result was measured, without date and commit"
    m = r['machine']
    versions = [f'{k} {m["versions"][k]}' for k in ('torch','fastai','numpy','onnxruntime') if k in m['versions']]
    count = f"{m['threads']} thread{'s'*(m['threads']>1)} of {m['cores']} cores"
    return ', '.join([m['cpu'], count, m['gpu'] or 'no GPU', f"Python {m['python']}", *versions])

@dataclass
class Table:
    "Rows of cells, each with the name of the result file that it comes from; `None` if it was published elsewhere"
    columns: list
    rows: list         # pairs of name and cells
    reproduce: str=''  # commands, e.g. `train.py fast; cost.py time`
    notes: bool=True   # show machines, commits and commands below?
    @property
    def head(self): return [*self.columns, 'measured']
    @property
    def cells(self): return [[*cells, measured(name)] for name,cells in self.rows]
    @property
    def names(self): return list(dict.fromkeys(name for name,_ in self.rows if name))
    @property
    def frame(self):
        "The same as a pandas `DataFrame`"
        import pandas as pd
        return pd.DataFrame(self.cells, columns=self.head)
    def lines(self):
        "The table in Markdown, line by line"
        return ['| ' + ' | '.join(map(str, o)) + ' |' for o in (self.head, ['---']*len(self.head), *self.cells)]
    def provenance(self):
        "Machines, versions, loads and commits of all rows"
        groups = {}
        for name in self.names: groups.setdefault(machine_of(load(name)), []).append(load(name)['machine'])
        def line(where, machines):
            commits = ', '.join(dict.fromkeys(o['commit'] + '+'*bool(o.get('dirty')) for o in machines))
            loads = sorted(o['load_at_start'] for o in machines)
            load_range = ' to '.join(str(o) for o in dict.fromkeys((loads[0], loads[-1])))
            return f'{where}; load at the start {load_range}; commit {commits}'
        return [line(*o) for o in groups.items()]
    def __str__(self):
        commands = ', '.join(f'`python benchmarks/{o.strip()}`' for o in self.reproduce.split(';') if o)
        if not self.rows: return f'Not measured yet: {commands}'
        if not self.notes: return '\n'.join(self.lines())
        below = [f'Measured on {o}.' for o in self.provenance()]
        if commands: below.append(f'To reproduce: {commands}')
        return '\n'.join(self.lines()) + '\n\n' + '<br>'.join(below)
    def _repr_markdown_(self): return str(self)
    def __repr__(self): return f'Table of {len(self.rows)} rows'

def found(names):
    "Name, title and result of those that were measured"
    return [(k, title, load(k)) for k,title in names.items() if load(k)]

def rows_of(names, cells):
    "Rows of a `Table`: `cells` is called with the title and the result of each that was measured"
    return [(k, cells(title, r)) for k,title,r in found(names)]

def percent(x): return f'{100*x:.1f} %'
def exact(x): return f'{100*x:.2f} %'

def accuracy(r):
    "Captcha accuracy with its 95 % interval"
    low,high = (r[f'captcha_accuracy_{o}'] for o in ('low','high'))
    return f"{percent(r['captcha_accuracy'])} ({100*low:.1f}–{percent(high)})"

def seconds(o, digits=0): return '–' if o is None else f'{o:.{digits}f}'

def drawn_from(fig, names):
    "Say below a figure if it shows results of an earlier version"
    states = sorted({o for k in names if load(k) for o in state(load(k))})
    if states: fig.suptitle(', '.join(states), fontsize=8, x=.99, ha='right')
    return fig
