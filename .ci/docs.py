"""Build the site in `_docs/` from the notebooks, without running them and without importing the library

    python .ci/docs.py             all pages, then `.ci/check_docs.py`
    python .ci/docs.py NAME…       the pages of these notebooks alone, unchecked, to look at them

It needs what `docs_requirements` in settings.ini lists, and no network. Each notebook becomes a page: prose, examples
with the outputs that are stored, and for each definition its signature, docments and docstring in place of the source,
which is folded. `mkdocs.yml` says how it looks."""
import ast, base64, html, json, os, re, shutil, subprocess, sys
from configparser import ConfigParser
from pathlib import Path

from api import flat, entries, library, root

pages = root/'_proc'/'docs' # what mkdocs reads
ini = ConfigParser(delimiters=['='], interpolation=None)
ini.read(root/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
blob = f"{cfg['git_url']}/blob/{cfg['branch']}"

guide = ('79_guide', '87_tutorial.label', '88_tutorial.start', '86_tutorial.ship')
groups = { # of modules: the first number of each
    0: 'Characters, files and images', 4: 'Drawn images', 8: 'Labels and data', 18: 'Networks',
    28: 'Scores, texts, readings', 38: 'Folder and start', 40: 'Measures', 44: 'Training', 55: 'What goes wrong',
    60: 'Reading and shipping', 67: 'Commands and pages'}

# names of pages

def notebooks(): return sorted((root/'nbs').glob('[0-9]*.ipynb'))

def page_of(name):
    "The page of a notebook: its name without the number"
    return re.sub(r'^\d+_', '', name.removesuffix('.ipynb'))+'.md'

def linked(text, up='nbs/'):
    "Markdown whose links lead to pages of the site, or to the repository"
    def to(m):
        target,_,anchor = m[2].partition('#')
        if re.match(r'\w+:|$', target): return m[0]
        path = re.sub(r'^(\.\./|nbs/)', '', target)
        if path.endswith('.ipynb'): target = page_of(path)
        elif path in ('CONTRIBUTING.md', 'CHANGELOG.md'): target = path.lower()
        elif path.startswith('images/'): target = path
        else: return f'{m[1]}({blob}/{path if target.startswith("..") or not up else up+path})'
        shown = re.sub(r'^\[\d+_', '[', m[1])
        return f"{shown}({target}{'#' if anchor else ''}{anchor})"
    return re.sub(r'(\[[^\]]*\])\(([^)\s]+)\)', to, text)

class Names:
    "The public names of the library, and where they are explained"
    def __init__(self, modules, page_of_module):
        self.entries = {(o.module, o.name): o for v in modules.values() for o in flat(v)}
        self.where = {}
        for (module,name),o in self.entries.items():
            page = page_of_module.get(module)
            if page: self.where.setdefault(name, []).append(f'{page}#{name}')
    def target(self, code):
        "The link of a piece of code that is a public name, or `None`; plain words are not taken for names"
        name = re.sub(r'\(.*\)$|(?<=\w) -.*| [A-Z].*', '', code)
        name = re.sub(r'^learn\.', 'CaptchaLearner.', re.sub(r'^dls\.', 'CaptchaDataLoaders.', name))
        found = self.where.get(name, ())
        return found[0] if len(found)==1 and re.search('[_A-Z.]', name) else None
    def link(self, text):
        "Markdown in which names in backticks lead to their definitions, once each; links, code and titles stay"
        seen = set()
        def to(m):
            target = m[1] and self.target(m[1])
            if not target or m[1] in seen: return m[0]
            seen.add(m[1])
            return f'[`{m[1]}`]({target})'
        return re.sub(r'```.*?```|\[[^\]]*\]\([^)]*\)|^#[^\n]*$|`([^`\n]+)`', to, text, flags=re.M|re.S)
    def inline(self, text):
        "HTML of a docment or docstring, in which only backticks mean something"
        def code(o):
            target = self.target(o)
            res = f'<code>{html.escape(o, quote=False)}</code>'
            return f'<a href="{target.replace(".md#", ".html#")}">{res}</a>' if target else res
        parts = text.split('`')
        if not len(parts)%2: return html.escape(text, quote=False)
        return ''.join(code(o) if i%2 else html.escape(o, quote=False) for i,o in enumerate(parts))

# definitions

def fenced(text, kind):
    "A block of code"
    return f'``````{{ .{kind} }}\n{text.rstrip()}\n``````'

def signature(entry):
    "The signature of an entry as Python, on several lines if it is long"
    name = entry.name if entry.what=='class' else entry.name.rpartition('.')[2]
    args = [f"{o.name}{'='+o.default if o.default else ''}" for o in entry.params]
    end = f' -> {entry.returns}' if entry.returns else ''
    line = f"{name}({', '.join(args)}){end}"
    if len(line)<=70: return line
    rows,row = [],''
    for o in args:
        if row and len(row)+len(o)>64: rows,row = [*rows, row],''
        row += f'{o}, '
    return f'{name}(\n' + ''.join(f'    {o.rstrip()}\n' for o in [*rows, row]) + f'){end}'

def table(entry, names):
    "The parameters of an entry with their docments, and what it returns"
    code = lambda o: f'<code>{html.escape(o, quote=False)}</code>' if o else ''
    kind = lambda o: f': {html.escape(o, quote=False)}' if o else ''
    rows = [(f'<code><b>{o.name}</b>{kind(o.kind)}</code>', code(o.default), names.inline(o.doc))
            for o in entry.params if o.doc or o.kind]
    if entry.returned: rows.append((f'<i>returns</i> {code(entry.returns)}', '', names.inline(entry.returned)))
    if not rows: return ''
    lines = [f'<tr><td>{a}</td><td>{b}</td><td>{c}</td></tr>' for a,b,c in rows]
    return '\n'.join(['<table class="api">', *lines, '</table>'])

def definition(entry, names, level=3):
    "A definition as a reader of the API wants it: heading, signature, docstring, parameters; then its methods"
    href = f'{blob}/captcha_fastai/{entry.module}.py#L{entry.line}'
    above = [f'`{o}`' for o in entry.bases if o!='NamedTuple']
    bases = '\n\nDerived from ' + ', '.join(above) if above else ''
    yield f"{'#'*level} `{entry.name}` {{ #{entry.name} .is-{entry.what.replace(' ', '-')} }}"
    if entry.what!='property': yield fenced(signature(entry), 'python')
    link = f'<a class="source-link" data-search-exclude href="{href}">source</a>'
    paragraphs = [names.inline(o.strip()) for o in (entry.doc+bases).split('\n\n')]
    yield '\n\n'.join(f'<p>{o}</p>' for o in [f'{link} {paragraphs[0]}', *paragraphs[1:]])
    yield table(entry, names)
    for o in entry.members: yield from definition(o, names, level+1)

# cells

def is_flagged(source, flag): return re.search(rf'^#\|\s*{flag}\b', source, re.M)

def without_flags(source): return re.sub(r'^#\|.*\n?', '', source, flags=re.M).strip('\n')

def only_imports(source):
    "Does a cell only import, or list names to export?"
    tree = ast.parse(without_flags(source))
    docs = lambda o: isinstance(o, ast.Assign) and ast.unparse(o.targets[0])=='_all_'
    return all(isinstance(o, (ast.Import, ast.ImportFrom)) or docs(o) for o in tree.body)

def exported(source, module, names):
    "An exported cell: definitions and folded source; plain values are shown"
    text = without_flags(source)
    if only_imports(source): return
    found = list(dict.fromkeys(o.name for o in entries(text, module)))
    for name in found:
        if (module,name) in names.entries: yield from definition(names.entries[module,name], names)
    if not re.search(r'^(?:async )?(?:def|class) ', text, re.M): yield fenced(text, 'python')
    else: yield folded(text, '' if found else ' of '+', '.join(re.findall(r'^(?:def|class) (\w+)', text, re.M)))

def folded(text, of):
    "Source that a click unfolds, and that searches do not find"
    head = f'<details class="source" data-search-exclude markdown="1">\n<summary>Source{of}</summary>'
    return f"{head}\n\n{fenced(text, 'python')}\n\n</details>"

def picture(data, name):
    "The stored picture of an output, as a file; the smaller of PNG and JPEG"
    for kind in sorted((o for o in data if o.startswith('image/')), key=lambda o: len(data[o])):
        content = ''.join(data[kind])
        file = pages/'images'/f"{name}.{kind.partition('/')[2].partition('+')[0]}"
        file.write_bytes(content.encode() if kind=='image/svg+xml' else base64.b64decode(content))
        return f'images/{file.name}'

def as_html(text):
    "HTML of an output in the look of the site: without the style of pandas, on one line"
    text = re.sub(r'<style.*?</style>|\s(?:border|class|style)="[^"]*"', '', text, flags=re.S)
    if '<pre' not in text: text = re.sub(r'\s*\n\s*', '', text)
    return f'<div class="output">{text}</div>'

def output(out, name, what):
    "One stored output as Markdown"
    data = out.get('data', {})
    get = lambda kind: ''.join(data.get(kind, ()))
    if out['output_type']=='stream':
        text = ''.join(out['text'])
        return fenced(text, 'text .output') if out['name']=='stdout' and text.strip() else ''
    if 'text/markdown' in data: return linked(get('text/markdown'))
    if file := picture(data, name): return f'![What {what} shows]({file})'
    if 'text/html' in data: return as_html(get('text/html'))
    return fenced(get('text/plain'), 'text .output') if get('text/plain') else ''

def example(cell, name, echo):
    "A cell that is shown with its outputs, and with its source if `echo`"
    source = ''.join(cell['source'])
    text = without_flags(source)
    if text and echo and not is_flagged(source, 'echo: false'): yield fenced(text, 'python')
    last = re.sub(r'[^\w. ]+', ' ', text.split('\n')[-1]).strip()[:60]
    for i,o in enumerate(cell.get('outputs', ())): yield output(o, f'{name}_{i}', last)

def parts(cells, name, module, names):
    "The Markdown of a notebook, piece by piece"
    for i,cell in enumerate(cells):
        source = ''.join(cell['source'])
        if cell['cell_type']=='markdown': yield names.link(linked(source))
        elif cell['cell_type']!='code' or is_flagged(source, 'hide') or is_flagged(source, 'default_exp'): continue
        elif is_flagged(source, 'export'): yield from exported(source, module, names)
        else: yield from example(cell, f'{name}_{i}', module or name!='90_results')
        if not i and module:
            links = dict(module=f'captcha_fastai/{module}.py', notebook=f'nbs/{name}.ipynb')
            shown = ''.join(f' · <a href="{blob}/{v}">{k}</a>' for k,v in links.items())
            yield f'<p class="module"><code>captcha_fastai.{module}</code>{shown}</p>'

# the site

def module_of(cells):
    "The module that a notebook exports, or `None`"
    found = re.search(r'^#\|\s*default_exp (\S+)', '\n'.join(''.join(o['source']) for o in cells), re.M)
    return found and found[1]

def overview(titles, modules, names):
    "The page that lists all modules with what is in them"
    yield ('# API\n\n> Every module, with a line about it and its public names\n\n'
           'Begin with [learner](learner.md) to train, [sources](sources.md) for data, [recogniser](recogniser.md) '
           'to read, and [cli](cli.md) for the commands. A module imports only from those above it.')
    for group,found in grouped(titles).items():
        yield f'## {group}'
        for nb,(_,line,module) in found.items():
            own = {o.name for o in modules[module]} # methods of these are not listed
            listed = [o.name for o in modules[module] if o.name.partition('.')[0] not in own-{o.name}]
            public = [f'[`{o}`]({page_of(nb)}#{o})' for o in listed]
            yield f"**[{module}]({page_of(nb)})**: {line}" + (f"<br>{' '.join(public)}" if public else '')

def grouped(titles):
    "Group → its notebooks of modules"
    res = {}
    for nb,o in titles.items():
        number = int(nb[:2])
        if o[2]: res.setdefault([v for k,v in groups.items() if k<=number][-1], {})[nb] = o
    return res

def navigation(titles):
    "The navigation: what a newcomer needs first"
    def items(found): return [{titles[o][0]: page_of(o)} for o in found if o in titles]
    tutorials = [o for o in titles if 'tutorial' in o and o not in guide]
    api = [{k: [{o[2]: page_of(nb)} for nb,o in v.items()]} for k,v in grouped(titles).items()]
    return [{'Home': 'index.md'}, {'Guide': items(guide)}, {'Tutorials': items(tutorials)}, {'API': ['api.md', *api]},
            *([{'Results': 'results.md'}] if '90_results' in titles else []),
            {'Changes': ['changelog.md', 'contributing.md']}]

def titled(cells):
    "Title, summary and module of a notebook"
    lines = ''.join(cells[0]['source']).split('\n')
    line = next((o[2:] for o in lines if o.startswith('> ')), '')
    return lines[0].lstrip('# '),line,module_of(cells)

def write_pages(chosen):
    "Write what mkdocs reads; return the navigation"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(root/'docs', pages)
    shutil.copytree(root/'nbs'/'images', pages/'images')
    files = [o for o in notebooks() if not chosen or o.stem in chosen]
    books = {o.stem: json.loads(o.read_text(encoding='utf-8'))['cells'] for o in files}
    titles = {k: titled(v) for k,v in books.items()}
    modules = library()
    names = Names(modules, {o[2]: page_of(k) for k,o in titles.items() if o[2]})
    for k,cells in books.items(): write(page_of(k), parts(cells, k, titles[k][2], names))
    write('api.md', overview(titles, modules, names))
    for source in ('README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'):
        page = 'index.md' if source=='README.md' else source.lower()
        write(page, [names.link(linked((root/source).read_text(encoding='utf-8'), ''))])
    return navigation(titles)

def write(page, pieces):
    "Write a page; without a list of its neighbours if it has none"
    alone = '---\nhide: [navigation]\n---' if page in ('index.md', 'results.md') else ''
    (pages/page).write_text('\n\n'.join(filter(None, [alone, *pieces]))+'\n', encoding='utf-8')

def main(chosen):
    "Write the pages, let mkdocs build them, check what it built"
    nav = write_pages(chosen)
    config = dict(INHERIT='../mkdocs.yml', docs_dir='docs', site_dir=f"../{cfg['doc_path']}", nav=nav,
                  strict=not chosen, site_url=f"{cfg['doc_host']}{cfg['doc_baseurl']}/", site_name=cfg['title'],
                  site_description=cfg['description'], copyright=f"© {cfg['copyright']}. Apache 2.0.",
                  extra=dict(social=[dict(icon='fontawesome/brands/github', link=cfg['git_url'], name='Source')]))
    (root/'_proc'/'mkdocs.yml').write_text(json.dumps(config, indent=1), encoding='utf-8')
    env = dict(os.environ, NO_MKDOCS_2_WARNING='1')
    run = lambda *args: subprocess.run([sys.executable, *args], check=True, cwd=root, env=env)
    run('-m', 'mkdocs', 'build', '--quiet', '--clean', '--config-file', '_proc/mkdocs.yml')
    if not chosen: run('.ci/check_docs.py')

if __name__=='__main__': main(sys.argv[1:])
