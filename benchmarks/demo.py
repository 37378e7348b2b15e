"""`captcha_demo` as a user runs it, timed: writes results/demo.json, and the picture of the README.

    python benchmarks/demo.py

About 2 minutes on 2 cores.
"""
import json, shutil, subprocess, sys, tempfile
from pathlib import Path

import common
from common import parser, provenance, start, timed, write_result

small = ['--n', '300', '--n_unseen', '50', '--epochs', '1']

def demo(out):
    "What the command prints last"
    command = [Path(sys.executable).parent/'captcha_demo', '--out', out, *(small if common.trying else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])

if __name__=='__main__':
    start(parser(__doc__).parse_args())
    note = provenance('demo.py', 'training')
    with tempfile.TemporaryDirectory() as tmp:
        seconds,summary = timed(demo, Path(tmp)/'demo')
        if not common.trying: shutil.copy(Path(tmp)/'demo'/'predictions.png',
                                          common.root/'nbs'/'images'/'predictions.png')
    del summary['model']
    write_result('demo', note, data='generated', seed=0, whole_command_seconds=seconds, **summary)
