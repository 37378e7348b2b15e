"""Are the notebooks clean, and the export and README.md made from them? Says what is stale; `--write` writes README.md.

It works on a copy, so the working tree stays as it is."""
import filecmp, re, shutil, subprocess, sys, tempfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent
bin = Path(sys.executable).parent

def readme():
    "README.md, from the index notebook: its directives and hidden cells left out, its pictures where the repository has them"
    import nbformat
    from nbconvert import MarkdownExporter
    nb = nbformat.read(root/'nbs'/'index.ipynb', as_version=4)
    nb.metadata['language_info'] = {'name': 'python'}
    nb.cells = [c for c in nb.cells if not re.search(r'^#\|\s*hide\s*$', c.source, re.M)]
    for c in nb.cells:
        if re.search(r'^#\|\s*echo: false', c.source, re.M): c.source = ''
        c.source = re.sub(r'^#\|.*\n?', '', c.source, flags=re.M)
    text,_ = MarkdownExporter().from_notebook_node(nb)
    text = re.sub(r'^```(python)?\n\s*```\n', '', text, flags=re.M).replace('](images/', '](nbs/images/')
    return re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'

def stale():
    "Yield what differs from what the notebooks make, with the command that mends it"
    with tempfile.TemporaryDirectory() as tmp:
        copy = Path(tmp)/'copy'
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns('.git', '.venv*', 'demo', 'runs', 'build', 'dist'))
        for command in ('nbdev_clean', 'nbdev_export'): subprocess.run([bin/command], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        for folder,pattern,what in [('nbs', '*.ipynb', 'is not clean'), ('captcha_fastai', '*.py', 'is not what the notebooks export')]:
            names = {f.name for d in (root, copy) for f in (d/folder).glob(pattern)}
            for name in sorted(names):
                pair = [d/folder/name for d in (root, copy)]
                if not all(f.exists() for f in pair) or not filecmp.cmp(*pair, shallow=False): yield f'{folder}/{name} {what}'
    if (root/'README.md').read_text() != readme(): yield 'README.md is not what nbs/index.ipynb makes'
    sys.path.insert(0, str(root/'benchmarks'))
    import tables
    names = 'break_line budget_line calibration_table captcha_table crossval_table decode_line demo_line digits_table few_table infer_table load_line resume_line scale_lines sets_table targets_table time_line'
    if not all(getattr(tables, o)() in readme() for o in names.split()): yield "the figures in nbs/index.ipynb are not those of benchmarks/results (run 'make outputs')"

if __name__ == '__main__':
    if '--write' in sys.argv: (root/'README.md').write_text(readme()); sys.exit()
    found = list(stale())
    if found: sys.exit('\n'.join(found + ["run 'make prepare', look at the change, and commit it"]))
    print('notebooks clean, export and README fresh')
