"""Recounts many bundles: folders from standard input, one a line; "<code> <folder> <first finding>" for each."""
import multiprocessing, sys
from recount import check

if __name__ == "__main__":
    with multiprocessing.Pool() as workers:
        for folder in sys.stdin.read().splitlines():
            code, findings = check(workers, folder)
            print(code, folder, *findings[:1])
