"""`captcha_demo` as a user runs it, timed: writes results/demo.json, and the picture of the README.

    python benchmarks/demo.py"""
import json, shutil, subprocess, sys, tempfile, time
from pathlib import Path

from common import machine, save

if __name__ == '__main__':
    where,start = machine(),time.perf_counter()
    out = Path(tempfile.mkdtemp())/'demo'
    done = subprocess.run([Path(sys.executable).parent/'captcha_demo', '--out', out], stdout=subprocess.PIPE, text=True, check=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    del summary['model']
    save('demo', dict(benchmark='demo', data='generated', seed=0, machine=where, whole_command_seconds=time.perf_counter()-start, **summary))
    shutil.copy(out/'predictions.png', Path(__file__).parent.parent/'nbs'/'images'/'predictions.png')
