"""Run the notebooks whose outputs are kept, the index and the tutorials, without their slow cells, and store what they show.

    python .ci/outputs.py [NAME ...]    without a name, all of them"""
import os, re, sys, warnings
from pathlib import Path
from execnb.nbio import read_nb, write_nb
from execnb.shell import CaptureShell

nbs = Path(__file__).resolve().parent.parent/'nbs'

def runs(cell): return cell.cell_type=='code' and not re.search(r'^#\|\s*(slow|cuda|eval: false)', cell.source, re.M)

def store(path):
    "Execute `path` from its own folder; a cell that fails ends the run, and the file stays as it was"
    os.chdir(nbs)
    warnings.simplefilter('ignore', FutureWarning) # of the libraries, for their developers
    nb,shell = read_nb(path),CaptureShell(path, mpl_format='png')
    for cell in nb.cells:
        if not runs(cell): continue
        shell.cell(cell, stdout=True, stderr=False)
        if shell.exc: raise shell.exc[1] if isinstance(shell.exc, tuple) else shell.exc
        cell.execution_count = None
    write_nb(nb, path)

if __name__ == '__main__':
    for path in [nbs/f'{o}.ipynb' for o in sys.argv[1:]] or [nbs/'index.ipynb', *sorted(nbs.glob('8*_tutorial.*.ipynb'))]:
        print(path.name, flush=True)
        store(path)
