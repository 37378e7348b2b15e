"""What the modules offer, read from their source without importing them: names, signatures, docments, docstrings

    python .ci/api.py    list what has no docstring or docment; exit status 1 if something lacks it
"""
import ast, io, re, sys, tokenize
from dataclasses import dataclass, field
from pathlib import Path

root = Path(__file__).resolve().parent.parent
package = root/'captcha_fastai'

@dataclass
class Param:
    "A parameter of a function, or a field of a class"
    name: str       # with its stars
    kind: str       # annotation; empty if it has none
    default: str    # its source; empty if it has none
    doc: str        # docment; empty if it has none

@dataclass
class Entry:
    "A function, a class, a method or a property"
    name: str          # with its class: `Recogniser.read`
    what: str          # 'function', 'class', 'method', 'class method' or 'property'
    module: str
    line: int
    doc: str           # docstring
    params: list = field(default_factory=list)  # `Param`s, without `self`
    returns: str = ''  # annotation
    returned: str = '' # docment of it
    bases: list = field(default_factory=list)
    members: list = field(default_factory=list) # `Entry`s of a class, those in its body

class Source:
    "The text of a module or of a cell, with its comments"
    def __init__(self, text, module):
        self.text,self.module = text,module
        self.tree = ast.parse(text)
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        self.comments = {o.start[0]: o.string.lstrip('# ').strip() for o in tokens if o.type==tokenize.COMMENT}
    def of(self, node): return '' if node is None else ast.get_source_segment(self.text, node)

def decorators(node): return [ast.unparse(o).partition('(')[0] for o in node.decorator_list]

def _arguments(a):
    "Triples of name, argument and default, in the order of the signature"
    plain = [*a.posonlyargs, *a.args]
    defaults = [None]*(len(plain)-len(a.defaults))+a.defaults
    res = [(o.arg, o, d) for o,d in zip(plain, defaults)]
    if a.vararg: res.append((f'*{a.vararg.arg}', a.vararg, None))
    elif a.kwonlyargs: res.append(('*', None, None))
    res += [(o.arg, o, d) for o,d in zip(a.kwonlyargs, a.kw_defaults)]
    if a.kwarg: res.append((f'**{a.kwarg.arg}', a.kwarg, None))
    return res

def _header_end(f):
    "The last line of a signature, at the latest"
    return max(f.lineno, f.body[0].lineno-1) if f.body[0].lineno>f.lineno else f.lineno

def function(source, f, cls='', what='function'):
    "The entry of a function"
    name = f'{cls}.{f.name}' if cls else f.name
    res = Entry(name, what, source.module, f.lineno, ast.get_docstring(f) or '', returns=source.of(f.returns))
    last = f.lineno
    for name,arg,default in _arguments(f.args):
        if arg is None:
            res.params.append(Param('*', '', '', ''))
            continue
        line = (default or arg).end_lineno
        last = max(last, line)
        res.params.append(Param(name, source.of(arg.annotation), source.of(default), source.comments.get(line, '')))
    end = _header_end(f)
    if f.lineno==last: # one line: its comment is about what is returned
        for o in res.params: o.doc = ''
        res.returned = source.comments.get(f.lineno, '')
    else: res.returned = next((source.comments[i] for i in range(last+1, end+1) if i in source.comments), '')
    if cls and 'staticmethod' not in decorators(f): res.params = res.params[1:]
    return res

def _how(f):
    "Is a function in a class a method, a class method or a property?"
    names = decorators(f)
    if any('property' in o for o in names): return 'property'
    return 'class method' if 'classmethod' in names else 'method'

def class_(source, c):
    "The entry of a class: its fields or the parameters of `__init__`, its methods and properties"
    bases = [source.of(o) for o in c.bases]
    res = Entry(c.name, 'class', source.module, c.lineno, ast.get_docstring(c) or '', bases=bases)
    fields = 'NamedTuple' in res.bases or any('dataclass' in o for o in decorators(c))
    for o in c.body:
        if fields and isinstance(o, ast.AnnAssign) and not o.target.id.startswith('_'):
            doc = source.comments.get(o.end_lineno, '')
            res.params.append(Param(o.target.id, source.of(o.annotation), source.of(o.value), doc))
        elif isinstance(o, ast.FunctionDef) and o.name=='__init__': res.params = function(source, o, c.name).params
        elif isinstance(o, ast.FunctionDef) and not o.name.startswith('_'):
            if not any('setter' in d for d in decorators(o)): res.members.append(function(source, o, c.name, _how(o)))
    return res

def patched(source, f):
    "The entry of a function that `@patch` adds to a class"
    marks = ' '.join(ast.unparse(o) for o in f.decorator_list)
    what = 'class method' if 'cls_method=True' in marks else 'method'
    if 'property' in marks or 'as_prop=True' in marks: what = 'property'
    return function(source, f, ast.unparse(f.args.args[0].annotation), what)

def entries(text, module):
    "The entries of all public functions, classes and patched methods in `text`"
    source = Source(text, module)
    for o in source.tree.body:
        if isinstance(o, ast.ClassDef) and not o.name.startswith('_'): yield class_(source, o)
        elif isinstance(o, ast.FunctionDef) and not o.name.startswith('_'):
            names = decorators(o)
            if 'patch' in names: yield patched(source, o)
            elif not {'typedispatch','dispatch'} & set(names): yield function(source, o)

def library():
    "Module → its entries; a method without a docstring has that of the method it overrides, as in `inspect.getdoc`"
    res = {f.stem: list(entries(f.read_text(encoding='utf-8'), f.stem)) for f in sorted(package.glob('[a-z]*.py'))}
    inherit([o for v in res.values() for o in flat(v)])
    return res

def inherit(entries):
    "Complete overriding methods from those of the library that they override"
    known = {o.name: o for o in entries}
    def overridden(cls, name):
        for base in known[cls].bases if cls in known else []:
            if found := known.get(f'{base}.{name}') or overridden(base, name): return found
    for o in entries:
        cls,_,name = o.name.rpartition('.')
        above = cls and overridden(cls, name)
        if not above: continue
        o.doc = o.doc or above.doc
        docs = {p.name: p.doc for p in above.params}
        for p in o.params: p.doc = p.doc or docs.get(p.name, '')

def flat(entries):
    "The entries, each followed by its members"
    for o in entries: yield from (o, *o.members)

def lacking(entry):
    "What an entry lacks, as sentences"
    if not entry.doc: yield 'no docstring'
    for o in entry.params:
        if o.name!='*' and not o.doc and f"`{o.name.lstrip('*')}`" not in entry.doc: yield f'no docment for {o.name}'

def is_public(entry): return not entry.name.partition('.')[0].startswith('_')

def main():
    "Print what is missing and how much is there; return what is missing"
    found = [o for v in library().values() for o in flat(v) if is_public(o)]
    missing = [f'captcha_fastai/{o.module}.py:{o.line} {o.name}: {s}' for o in found for s in lacking(o)]
    n = sum(p.name!='*' for o in found for p in o.params)
    print(f'{len(found)} public names, {n} parameters; {len(missing)} lack a docstring or a docment')
    return missing

if __name__=='__main__':
    missing = main()
    if missing: sys.exit('\n'.join(missing))
