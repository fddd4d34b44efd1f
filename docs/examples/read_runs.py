"""Reads a folder of `fotbench export` with nothing but the standard library.

    python3 docs/examples/read_runs.py EXPORT

Prints perplexity by length and condition, and accuracies with the number of their items.
"""
import csv
import json
import math
import pathlib
import sys
from collections import defaultdict


def cell(text, kind):
    if text == "":
        return None
    if kind == "string":  # what a spreadsheet would take for a formula has a quote mark in front
        return text[1:] if text.startswith("'") and text.lstrip("'")[:1] in ("=", "+", "-", "@") else text
    return float(text) if kind == "number" else int(text)


def tables(folder):
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        kind = {f["name"]: f["type"] for f in resource["schema"]["fields"]}
        with open(folder / resource["path"], encoding="utf-8", newline="") as file:
            yield resource["name"], [{k: cell(v, kind[k]) for k, v in row.items()} for row in csv.DictReader(file)]


sums = defaultdict(lambda: [0.0, 0])
for name, rows in tables(pathlib.Path(sys.argv[1])):
    for row in rows:
        if row["status"] != "ok":
            continue
        where = (row["run"], row["dataset"], row["model_variant"], row["memory"] or row["memory_mode"], row["context_length"])
        if name == "perplexity":
            sums[(name, *where)][0] += row["nll_nats"]
            sums[(name, *where)][1] += row["n_tokens_scored"]
        elif name == "passkey":
            sums[(name, *where)][0] += row["exact_match"]
            sums[(name, *where)][1] += 1
for (name, *where), (total, n) in sorted(sums.items()):
    value = math.exp(total / n) if name == "perplexity" else total / n
    print(name, *where, f"{value:.4f}", n)
