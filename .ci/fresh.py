"""Are the notebooks clean, the export and README.md made from them, and the tables those of the result files?

    python .ci/fresh.py            say what is stale, and exit with 1 if something is
    python .ci/fresh.py --write    write README.md

It works on a copy, so the working tree stays as it is. A table row that shows a result of another version of
the code must say "earlier version" in its last column; tables.py adds these words, so a row is stale if
tables.py would show another one now."""
import filecmp, json, re, shutil, subprocess, sys, tempfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent
bin = Path(sys.executable).parent
ignored = shutil.ignore_patterns('.git', '.venv*', 'demo', 'runs', 'build', 'dist', '_docs', '_proc')

# README

def shown(cell):
    "Does a cell appear in the README?"
    return not re.search(r'^#\|\s*hide\s*$', cell.source, re.M)

def without_directives(cell):
    "The same cell without directives; without its source, if it is not to be echoed"
    if re.search(r'^#\|\s*echo: false', cell.source, re.M): cell.source = ''
    cell.source = re.sub(r'^#\|.*\n?', '', cell.source, flags=re.M)
    return cell

def readme():
    "README.md, from the index notebook: no directives, no hidden cells, pictures where the repository has them"
    import nbformat
    from nbconvert import MarkdownExporter
    nb = nbformat.read(root/'nbs'/'index.ipynb', as_version=4)
    nb.metadata['language_info'] = {'name': 'python'}
    nb.cells = [without_directives(o) for o in nb.cells if shown(o)]
    text,_ = MarkdownExporter().from_notebook_node(nb)
    text = re.sub(r'^```(python)?\n\s*```\n', '', text, flags=re.M)
    text = re.sub(r'\]\((?=images/|[\w.]+\.ipynb)', '](nbs/', text).replace('](../', '](') # relative to the root
    return re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'

def faulty_links(text):
    "Links of the README that lead to no file of the repository, and a README that is too long"
    for link in re.findall(r'\]\(([^)#]+)', text):
        if not link.startswith('http') and not (root/link).exists(): yield f'README.md links to {link}, which does not exist'
    if len(text.encode())>6000: yield f'README.md has {len(text.encode())} bytes; at most 6000 fit one screen'

# notebooks and export

def differing(copy, folder, pattern):
    "Names of files that are not the same in the repository and in the copy"
    names = {f.name for d in (root, copy) for f in (d/folder).glob(pattern)}
    for name in sorted(names):
        a,b = (d/folder/name for d in (root, copy))
        if not (a.exists() and b.exists() and filecmp.cmp(a, b, shallow=False)): yield name

def stale_files():
    "What is not clean, and what is not exported"
    with tempfile.TemporaryDirectory() as tmp:
        copy = Path(tmp)/'copy'
        shutil.copytree(root, copy, ignore=ignored)
        for command in ('nbdev_clean', 'nbdev_export'): subprocess.run([bin/command], cwd=copy, check=True,
            stdout=subprocess.DEVNULL)
        yield from (f'nbs/{o} is not clean' for o in differing(copy, 'nbs', '*.ipynb'))
        yield from (f'captcha_fastai/{o} is not what the notebooks export' for o in differing(copy, 'captcha_fastai',
            '*.py'))
    if (root/'README.md').read_text(encoding='utf-8')!=readme(): yield 'README.md is not what nbs/index.ipynb makes'
    yield from faulty_links(readme())

# tables

def rows_in(text):
    "The rows of all tables in Markdown that show when they were measured"
    inside = False
    for line in text.splitlines():
        if not line.startswith('|'): inside = False
        elif re.search(r'\|\s*measured\s*\|$', line): inside = True
        elif inside and not re.fullmatch(r'[|\s:-]+', line): yield line

def saved_markdown(path):
    "All Markdown that a notebook shows"
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        if cell['cell_type']=='markdown': yield ''.join(cell['source'])
        for out in cell.get('outputs', []): yield ''.join(out.get('data', {}).get('text/markdown', ''))

def current_rows():
    "Every row of every table, made from the result files now"
    sys.path.insert(0, str(root/'benchmarks'))
    import table, tables, tables_digits, tables_labelling, tables_labels, tables_no_text, tables_read, tables_start, tables_trust, tables_web # these register their tables
    return {row for f in table.every.values() for row in rows_in(str(f()))}

def stale_tables():
    "Rows that notebooks and README show, and that the result files and the present code do not make"
    current = current_rows()
    sources = {o.name: '\n\n'.join(saved_markdown(o)) for o in sorted((root/'nbs').glob('*.ipynb'))}
    sources['README.md'] = (root/'README.md').read_text(encoding='utf-8')
    for name,text in sources.items():
        stale = [o for o in rows_in(text) if o not in current]
        command = f'python .ci/outputs.py {Path(name).stem}' if name.endswith('.ipynb') else 'make prepare'
        if stale: yield f"{name} shows {len(stale)} table rows that are not current, e.g. {stale[0]}; run '{command}'"

if __name__ == '__main__':
    if '--write' in sys.argv:
        (root/'README.md').write_text(readme(), encoding='utf-8')
        sys.exit()
    found = [*stale_tables(), *stale_files()]
    if found: sys.exit('\n'.join([*found,
                                  "run 'make prepare' ('make outputs' for tables), look at the change, and commit it"]))
    print('notebooks clean, export, README and tables fresh')
