"""Run notebooks without their slow cells, and store what they show.

    python .ci/outputs.py [NAME ...]    without a name, all of them

Small outputs that explain are kept. Progress bars, warnings and everything else on standard error, the
directories of absolute paths, and blobs over 30 kB are not; pictures of tutorials may be larger."""
import os, re, sys, warnings
from pathlib import Path

from execnb.nbio import read_nb, write_nb
from execnb.shell import CaptureShell

nbs = Path(__file__).resolve().parent.parent/'nbs'
most = 30_000 # characters of a blob
absolute = re.compile(r'(?<![\w.~:/])/(?:root|work|home|tmp|var|Users)/(?:[\w.+-]+/)*')

def runs(cell):
    "Is this a cell to run?"
    if cell.cell_type!='code' or 'nbdev_export()' in cell.source: return False
    return not re.search(r'^#\|\s*(slow|cuda|eval: false)', cell.source, re.M)

def text_of(part): return ''.join(part) if isinstance(part, list) else part

def is_progress(text): return '<progress' in text or '\r' in text or '█' in text

def clean_text(text):
    "Without directories, which differ from machine to machine"
    return absolute.sub('', text)

def clean_data(data, large):
    "The representations of one result that are kept"
    res = {}
    for mime,part in data.items():
        text = text_of(part)
        picture = mime.startswith('image/')
        if len(text)>most and not (picture and large): continue
        if not picture and is_progress(text): continue
        res[mime] = part if picture else clean_text(text)
    return res

def clean_outputs(outputs, large):
    "The outputs that are kept, `large` pictures among them or not"
    for out in outputs:
        if out.get('output_type')=='stream':
            text = text_of(out.get('text', ''))
            if out.get('name')=='stderr' or is_progress(text) or len(text)>most: continue
            yield dict(out, text=clean_text(text))
        elif 'data' in out:
            if data := clean_data(out['data'], large): yield dict(out, data=data)
        else: yield out

def store(path):
    "Run `path` from its own folder; a cell that fails ends the run, and the file stays as it was"
    os.chdir(nbs)
    warnings.simplefilter('ignore', FutureWarning) # of the libraries, for their developers
    nb = read_nb(path)
    shell = CaptureShell(path, mpl_format='png')
    large = bool(re.match(r'8|9|index', path.name))
    for cell in nb.cells:
        if not runs(cell): continue
        shell.cell(cell, stdout=True, stderr=False)
        if shell.exc: raise shell.exc[1] if isinstance(shell.exc, tuple) else shell.exc
        cell.execution_count = None
        cell.outputs = list(clean_outputs(cell.outputs, large))
    write_nb(nb, path)

if __name__ == '__main__':
    for path in [nbs/f'{o}.ipynb' for o in sys.argv[1:]] or sorted(nbs.glob('*.ipynb')):
        print(path.name, flush=True)
        store(path)
