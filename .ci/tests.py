"""Run nbdev_test, and count the notebooks that it really ran.

    python .ci/tests.py SUMMARY [OPTIONS OF nbdev_test]

The last line says `N passed, M failed`; the file SUMMARY gets the same line. Exit status 1 if one failed, or none ran.
"""
import os, re, subprocess, sys, tempfile
from pathlib import Path

def run(options):
    "Run nbdev_test, show what it prints, and return that. The gigabyte that the notebooks leave in their temporary folders goes"
    command = [Path(sys.executable).parent/'nbdev_test', '--do_print', '--timing', *options]
    lines = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755) # some notebooks become another user
        env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONUNBUFFERED='1', TMPDIR=folder)
        p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        for line in p.stdout:
            lines.append(line)
            print(line, end='', flush=True)
        status = p.wait()
    return status,''.join(lines)

def counts(log):
    "How many notebooks were completed, and how many of them failed"
    ran = set(re.findall(r'- Completed \S*?([^/\s]+\.ipynb)', log))
    _,_,tail = log.partition('nbdev Tests Failed On The Following Notebooks:')
    failed = set(re.findall(r'^\t(\S+\.ipynb)$', tail, re.M))
    return len(ran | failed),len(failed)

if __name__ == '__main__':
    status,log = run(sys.argv[2:])
    n,n_failed = counts(log)
    summary = f'{n-n_failed} passed, {n_failed} failed'
    Path(sys.argv[1]).write_text(summary + '\n')
    print(summary)
    sys.exit(1 if status or n_failed or not n else 0)
