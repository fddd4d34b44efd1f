#!/usr/bin/python3
"""make_spm.py: small SentencePiece models with user-defined symbols, and what the library makes of texts.

    apt-get install python3-sentencepiece    (not needed by the tests)
    /usr/bin/python3 make_spm.py

Writes NAME.model and NAME.jsonl ({"text", "ids", "decoded"}) beside itself.  Learnt from this repository's own
texts; the library is Google's own, as Debian builds it."""
import glob
import json
import os
import random
import tempfile

import sentencepiece

HERE = os.path.dirname(os.path.abspath(__file__))
LINES = 400
MODELS = {
    # spaces are kept: runs of them, line ends and tabs as symbols; a symbol with a space is never found
    "symbols": dict(remove_extra_whitespaces=False, user_defined_symbols=[
        "<sep>", "<sep><sep>", "ab", "abc", "bcd", "foo bar", "\n", "\n\n", "\t", "▁▁▁", "▁▁▁▁▁▁", "日本", "é", "▁the", "ing▁"]),
    # spaces are squeezed, no prefix
    "symbols-squeezed": dict(remove_extra_whitespaces=True, add_dummy_prefix=False, user_defined_symbols=[
        "<sep>", "aa", "aaa", "▁", "word", "x y", "🙂", "<0x41>x", "in"]),
}
WORDS = ["the", " the ", "memory", "abcd", "ababc", "bcd", "abcabcd", "<sep>", "<sep", "sep>", "<sep><sep><sep>", "foo bar", "foo  bar",
         "日本語", "日", "café", "e\u0301", "🙂", "🙂🙂", "word", "words", "aaaa", "aaaaa", "x y", "x  y", "▁", "▁▁", "▁▁▁▁", "\n", "\n\n\n", "\t",
         "  ", "    ", "       ", "ing ", "ing  the", "thing", "<s>", "</s>", "<unk>", "<0x41>", "<0x41>x", "A", "1234", "\u3000", "ǆ", "𝒳"]


def texts():
    rng = random.Random(1)
    for word in ["", " ", "  "] + WORDS:
        yield word
    for i in range(LINES - len(WORDS) - 3):
        if i % 3 == 2:
            yield "".join(rng.choice("abcd <>sep\n▁é") for _ in range(rng.randrange(1, 40)))
        else:
            yield "".join(rng.choice(WORDS) + rng.choice(["", "", " "]) for _ in range(rng.randrange(1, 12)))


def main():
    docs = sorted(glob.glob(os.path.join(HERE, "../../docs/*.md")))
    with tempfile.TemporaryDirectory() as folder:
        corpus = os.path.join(folder, "corpus")
        with open(corpus, "w", encoding="utf-8") as out:
            for path in docs:
                out.write(open(path, encoding="utf-8").read())
        for name, options in MODELS.items():
            sentencepiece.SentencePieceTrainer.train(
                input=corpus, model_prefix=os.path.join(folder, name), model_type="bpe", vocab_size=600, byte_fallback=True,
                normalization_rule_name="identity", num_threads=1, minloglevel=2, **options)
            model = open(os.path.join(folder, name + ".model"), "rb").read().replace(folder.encode(), b"." * len(folder))
            open(os.path.join(HERE, name + ".model"), "wb").write(model)
            sp = sentencepiece.SentencePieceProcessor(model_proto=model)
            with open(os.path.join(HERE, name + ".jsonl"), "w", encoding="utf-8") as out:
                for text in texts():
                    ids = sp.encode(text)
                    out.write(json.dumps({"text": text, "ids": ids, "decoded": sp.decode(ids)}, ensure_ascii=False) + "\n")


main()
