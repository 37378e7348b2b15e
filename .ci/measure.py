"""Measure the style of the library and of the benchmarks; fail where a limit is exceeded.

    python .ci/measure.py [ROOT]            print the table; exit status 1 if something is too long
    python .ci/measure.py [ROOT] --data     print the figures as the Python data that `before` holds
"""
import ast, json, re, sys
from pathlib import Path
from typing import NamedTuple

limits = dict(module=350, cell=40, class_cell=60, function=25, command=45, script=350, line=120, long=.01, tuples=.12)

# the library before its redesign, measured by this script: (non-blank lines, longest cell, longest function)
before_commit = 'bb24c12'
before = dict(
    vocab=(58, 52, 8), core=(75, 30, 4), image=(157, 56, 13), synth=(253, 62, 19), data=(546, 127, 17),
    svhn=(94, 45, 15), augment=(115, 49, 18), models=(272, 70, 10), decode=(681, 112, 17), losses=(146, 37, 8),
    metrics=(259, 40, 9), learner=(724, 122, 14), interpret=(146, 68, 10), export=(168, 82, 12),
    inference=(235, 129, 11), cluster=(46, 38, 10), distributed=(20, 7, 3), app=(387, 68, 18),
    cli=(524, 227, 25))
before_totals = dict(modules=19, lines=4906, module=724, cell=227, function=25, long=0.0858, tuples=0.1912)

class Piece(NamedTuple):
    "A part that has a limit of its own"
    lines: int
    limit: int
    name: str

class Counts:
    "Lines, long lines, assignments and tuple assignments of some sources"
    def __init__(self): self.lines = self.long = self.assigns = self.tuples = 0
    def add(self, source, tree):
        documented = parameter_lines(source, tree)
        for i,line in enumerate(source.splitlines(), 1):
            self.lines += bool(line.strip())
            self.long += len(line)>limits['line'] and i not in documented
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign): continue
            self.assigns += 1
            self.tuples += isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
    @property
    def shares(self): return dict(long=self.long/max(self.lines, 1), tuples=self.tuples/max(self.assigns, 1))

def parse(source):
    "The syntax tree of a cell; notebook magic is left out"
    return ast.parse(re.sub(r'^[%!].*$', 'pass', source, flags=re.M))

def functions(tree): return [o for o in ast.walk(tree) if isinstance(o, (ast.FunctionDef, ast.AsyncFunctionDef))]

def parameter_lines(source, tree):
    "Numbers of the lines that hold a parameter and its docment; these may be longer"
    lines = source.splitlines()
    res = set()
    for f in functions(tree):
        args = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        res |= {o.lineno for o in args if '#' in lines[o.lineno-1]}
    for c in ast.walk(tree): # the fields of a dataclass
        if isinstance(c, ast.ClassDef): res |= {o.lineno for o in c.body if isinstance(o,
            ast.AnnAssign) and '#' in lines[o.lineno-1]}
    return res

def is_docstring(node): return isinstance(node, ast.Expr) and isinstance(node.value,
    ast.Constant) and isinstance(node.value.value, str)

def body_lines(f):
    "Lines of a function without its signature and its docstring"
    body = [o for o in f.body if not is_docstring(o)]
    return f.end_lineno-body[0].lineno+1 if body else 0

def is_command(f):
    "Is `f` decorated with `@command` or `@command(…)`?"
    return any(getattr(getattr(o, 'func', o), 'id', '')=='command' for o in getattr(f, 'decorator_list', []))

def function_pieces(tree, where):
    "Every function with its limit"
    return [Piece(body_lines(f), limits['command' if is_command(f) else 'function'],
                  f'{where} {f.name}') for f in functions(tree)]

def exported_cells(path):
    "(number, source) of the exported cells of a notebook"
    for i,cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']):
        source = ''.join(cell['source'])
        if cell['cell_type']=='code' and re.search(r'^#\|\s*export', source, re.M): yield i,source

def cell_piece(source, tree, where):
    "A cell with its limit: larger if it is one class, or one command with a parameter a line; none if it only imports"
    parts = [o for o in tree.body if not isinstance(o, (ast.Import, ast.ImportFrom))]
    definitions = [o for o in parts if isinstance(o, (ast.ClassDef, ast.FunctionDef))]
    one_class = len(definitions)<=2 and sum(isinstance(o, ast.ClassDef) for o in definitions)==1
    one_command = len(definitions)==1 and is_command(definitions[0])
    limit = limits['class_cell' if one_class or one_command else 'cell']
    lines = sum(bool(o.strip()) for o in source.splitlines())
    return Piece(lines, limit if parts else lines, where)

def module_name(path):
    "The module that a notebook exports"
    sources = [''.join(o['source']) for o in json.loads(path.read_text(encoding='utf-8'))['cells']]
    found = re.search(r'^#\|\s*default_exp (\S+)', '\n'.join(sources), re.M)
    return found and found[1]

def measure_notebook(path, package, counts):
    "The module, the cells and the functions of one notebook"
    cells,funcs = [],[]
    for i,source in exported_cells(path):
        tree = parse(source)
        counts.add(source, tree)
        cells.append(cell_piece(source, tree, f'{path.name}[{i}]'))
        funcs += function_pieces(tree, f'{path.name}[{i}]')
    name = module_name(path)
    file = package/f'{name}.py'
    n = sum(bool(o.strip()) for o in file.read_text(encoding='utf-8').splitlines()) if file.exists() else 0
    return name,Piece(n, limits['module'], f'{name}.py'),cells,funcs

def measure_library(root):
    "Module → (its piece, cells, functions); and the counts of all exported cells"
    counts,res = Counts(),{}
    for path in sorted((root/'nbs').glob('*.ipynb')):
        if not module_name(path): continue
        name,*pieces = measure_notebook(path, root/'captcha_fastai', counts)
        if pieces[1]: res[name] = pieces
    return res,counts

def measure_scripts(root):
    "The same for scripts, which have no cells"
    counts,res = Counts(),{}
    for path in sorted([*(root/'benchmarks').glob('*.py'), *(root/'.ci').glob('*.py')]):
        source = path.read_text(encoding='utf-8')
        tree = ast.parse(source)
        counts.add(source, tree)
        name = f'{path.parent.name}/{path.name}'
        lines = sum(bool(o.strip()) for o in source.splitlines())
        res[name] = Piece(lines, limits['script'], name),[],function_pieces(tree, name)
    return res,counts

def longest(pieces): return max((o.lines for o in pieces), default=0)

def figures(found): return {k: (module.lines, longest(cells), longest(funcs)) for k,
                            (module,cells,funcs) in found.items()}

def totals(found, counts):
    "The longest of each kind, and the shares, of all modules together"
    rows = list(figures(found).values())
    most = [max((o[i] for o in rows), default=0) for i in range(3)]
    return dict(modules=len(rows), lines=sum(o[0] for o in rows), module=most[0], cell=most[1], function=most[2],
                **{k: round(v, 4) for k,v in counts.shares.items()})

def too_long(found, counts, what):
    "What exceeds its limit, as sentences"
    for module,cells,funcs in found.values():
        for o in (module, *cells, *funcs):
            if o.lines>o.limit: yield f'{o.name}: {o.lines} lines, the limit is {o.limit}'
    for k,v in counts.shares.items():
        if v>limits[k]:
            kind = 'lines are over 120 characters' if k=='long' else 'assignments are tuple assignments'
            yield f'{what}: {100*v:.1f} % of the {kind}, the limit is {100*limits[k]:.0f} %'

def show(rows, title):
    "Print lines per module, longest cell, longest function"
    print(f'\n{title}\n{"":28}{"lines":>8}{"longest cell":>14}{"longest function":>18}')
    for name,(lines,cell,function) in rows.items(): print(f'{name:28}{lines:8}{cell or "–":>14}{function:>18}')

def show_totals(now):
    "Print the figures of the library before and after"
    names = dict(modules='modules', lines='non-blank lines', module='longest module', cell='longest exported cell',
                 function='longest function body', long='lines over 120 characters', tuples='tuple assignments')
    print(f'\n{"":28}{before_commit:>10}{"now":>10}')
    for k,name in names.items():
        pair = [o.get(k, 0) for o in (before_totals, now)]
        print(f'{name:28}' + ''.join(f'{100*o:8.1f} %' if k in ('long','tuples') else f'{o:10,}' for o in pair))

def main(root, data=False):
    "Print everything; return what is too long"
    library,counts = measure_library(root)
    scripts,script_counts = measure_scripts(root)
    if data: return print(f'before = {figures(library)!r}\nbefore_totals = {totals(library, counts)!r}')
    show(before, f'Library, {before_commit}')
    show(figures(library), 'Library, now')
    show(figures(scripts), 'Benchmarks and CI scripts')
    show_totals(totals(library, counts))
    return [*too_long(library, counts, 'library'), *too_long(scripts, script_counts, 'scripts')]

if __name__=='__main__':
    args = [o for o in sys.argv[1:] if not o.startswith('--')]
    found = main(Path(args[0]) if args else Path(__file__).resolve().parent.parent, '--data' in sys.argv)
    if found: sys.exit('\n'.join(['', 'too long (see CONTRIBUTING.md):', *found]))
