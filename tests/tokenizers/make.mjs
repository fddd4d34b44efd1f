// make.mjs: small tokenizer.json files of the kinds that people have, and what the reference library makes of texts.
//
//   npm install @anush008/tokenizers @anush008/tokenizers-linux-x64-gnu    (in any folder; not needed by the tests)
//   NODE_PATH=THAT/node_modules node make.mjs
//
// Writes NAME.json and NAME.jsonl ({"text", "ids", "decoded"}) beside itself.  Vocabularies are learnt from this
// repository's own texts, so nothing here is anybody else's.
import { createRequire } from "module";
import fs from "fs";
import path from "path";
import { fileURLToPath } from "url";
const require = createRequire(import.meta.url);
const { Tokenizer } = require(process.env.NODE_PATH ? path.join(process.env.NODE_PATH, "@anush008/tokenizers") : "@anush008/tokenizers");
const here = path.dirname(fileURLToPath(import.meta.url)), root = path.join(here, "../..");
const LINES = 500;

const LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN = LLAMA3.replace("\\p{N}{1,3}", "\\p{N}");
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const TEKKEN = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const bytes = (prefix = false, regex = false) => ({ type: "ByteLevel", add_prefix_space: prefix, trim_offsets: true, use_regex: regex });
const split = (regex, behavior = "Isolated", invert = false) => ({ type: "Split", pattern: { Regex: regex }, behavior, invert });
const sequence = (key, list) => ({ type: "Sequence", [key]: list });
const replace = (from, to) => ({ type: "Replace", pattern: { String: from }, content: to });
const bos = (token, id) => ({ type: "TemplateProcessing", single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
	pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }], special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } } });
const added = (content, more = {}) => ({ content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more });

const kinds = {
	// Llama 3: ignore_merges, a BOS, many special tokens
	llama3: { pre: sequence("pretokenizers", [split(LLAMA3), bytes()]), decoder: bytes(), cut: LLAMA3, ignore: true, merges: 700,
		added: [added("<|begin_of_text|>"), added("<|end_of_text|>"), added("<|eot_id|>")], post: (t) => sequence("processors", [bytes(), bos("<|begin_of_text|>", t)]) },
	// Qwen: NFC, digits one by one, no BOS, merges as pairs, tokens that strip
	qwen: { norm: { type: "NFC" }, pre: sequence("pretokenizers", [split(QWEN), bytes()]), decoder: bytes(), cut: QWEN, pairs: true, merges: 700,
		added: [added("<|im_start|>"), added("<tool>", { special: false }), added("<left>", { lstrip: true }), added("<right>", { rstrip: true }), added("word", { single_word: true, special: false })] },
	// SmolLM: Digits, then GPT-2's cutting; a prefix space
	smollm: { pre: sequence("pretokenizers", [{ type: "Digits", individual_digits: true }, bytes(true, true)]), decoder: bytes(), cut: GPT2, merges: 500,
		added: [added("<|endoftext|>"), added("Å", { normalized: true, special: false })] },
	// Mistral Nemo: classes of letters by case, kept by inversion
	tekken: { pre: sequence("pretokenizers", [split(TEKKEN, "Removed", true), bytes()]), decoder: bytes(), cut: TEKKEN, pairs: true, merges: 500,
		added: [added("<s>"), added("[INST]")], post: (t) => bos("<s>", t) },
	// Llama 2: the whole text one word, bytes for what is not in the vocabulary
	llama2: { chars: true, norm: sequence("normalizers", [{ type: "Prepend", prepend: "▁" }, replace(" ", "▁")]), pre: null, merges: 700, fallback: true,
		decoder: sequence("decoders", [replace("▁", " "), { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }]),
		added: [added("<unk>"), added("<s>"), added("</s>"), added("<mask>", { special: false, normalized: true })], post: (t) => bos("<s>", t) },
	// Metaspace with an unknown token that is fused
	metaspace: { chars: true, pre: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true }, merges: 400, unk: true,
		decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true }, added: [added("<unk>"), added("<s>")] },
};

// --- random numbers, texts ---
let seed = 1n;
const random = () => { seed = (seed * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n); return Number(seed >> 33n) / 2147483648; };
const pick = (list) => list[Math.floor(random() * list.length)];
const words = ["the", "memory", "keys", "don't", "I'LL", "WE'VE", "naïve", "İstanbul", "straße", "co-op", "x1", "3.14159", "1234567", "foo_bar", "fooBar", "HTTPServer", "日本語",
	"한국어", "русский", "العربية", "हिन्दी", "ไทย", "👍🏽", "👨‍👩‍👧", "e\u0301", "a\u030a\u0301", "Å", "\u212b", "ﬁ", "ｶﾞ", "①", "½", "²", "\u200b", "\u00a0", "\u3000", "\u180e", "\u2028", "\u0085",
	"<s>", "</s>", "<unk>", "<mask>", "<|endoftext|>", "<|im_start|>", "<tool>", " <left> ", " <right> ", "word", "words", "[INST]", "<|begin_of_text|>", "<|eot_id|>", "\t", "\r\n", "\n\n", "  ", "   ",
	"\u0001", "\ufeff", "\ufffd", "▁", "▁▁", "Ġ", "Ċ", "'s", "'S", "'ſ", "\u212a", "“q”", "—", "...", "!!!", "=>", "/*", "//", "{}", "[]", "$$", "#include", "\u1100\u1161\u11a8", "각", "ො", "\u0344", "𝒳", "🇩🇪", "\u0301"];
function character() {
	const q = random();
	if (q < 0.5) return String.fromCodePoint(32 + Math.floor(random() * 95));
	if (q < 0.8) return String.fromCodePoint(0xa0 + Math.floor(random() * 0x500));
	const c = 0x700 + Math.floor(random() * 0xe800);
	return String.fromCodePoint(c >= 0xd800 && c < 0xe000 ? 0x4e00 + c - 0xd800 : c);
}
function text() {
	let t = "";
	for (let n = 1 + Math.floor(random() * 10); n > 0; n--) t += (random() < 0.65 ? pick(words) : random() < 0.5 ? " " : character()) + (random() < 0.4 ? " " : "");
	return t;
}

// --- learning merges: the commonest pair, the first on ties ---
const ALPHABET = (() => {
	const own = [], map = [];
	for (let b = 0; b < 256; b++) if ((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174) own.push(b);
	for (let b = 0, n = 0; b < 256; b++) map.push(String.fromCodePoint(own.includes(b) ? b : 256 + n++));
	return map;
})();
function learn(corpus, kind) {
	const counts = new Map();
	const parts = kind.chars ? corpus.replace(/ /g, "▁").split(/(?=▁)/) : corpus.match(new RegExp(kind.cut.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'[sS]"), "gu"));
	for (const p of parts) { const w = kind.chars ? p : [...Buffer.from(p)].map((b) => ALPHABET[b]).join(""); counts.set(w, (counts.get(w) || 0) + 1); }
	let list = [...counts].map(([w, n]) => [[...w], n]);
	const alphabet = kind.chars ? [...new Set(list.flatMap(([w]) => w))].sort() : ALPHABET, merges = [];
	while (merges.length < kind.merges) {
		const pairs = new Map();
		for (const [w, n] of list) for (let i = 0; i + 1 < w.length; i++) { const k = w[i] + "\u0000" + w[i + 1]; pairs.set(k, (pairs.get(k) || 0) + n); }
		let best = null, top = 1;
		for (const [k, n] of pairs) if (n > top) { best = k; top = n; }
		if (!best) break;
		const [a, b] = best.split("\u0000");
		merges.push([a, b]);
		for (const item of list) { const w = item[0]; for (let i = 0; i + 1 < w.length; i++) if (w[i] === a && w[i + 1] === b) w.splice(i, 2, a + b); }
	}
	return { alphabet, merges };
}

const corpus = ["README.md", "CONTRIBUTING.md", "docs/notebook.md", "docs/longllama.md", "model/session.h"].map((f) => fs.readFileSync(path.join(root, f), "utf8")).join("\n") + words.join(" ").repeat(3);
for (const [name, kind] of Object.entries(kinds)) {
	const { alphabet, merges } = learn(corpus, kind), vocab = {};
	const add = (t) => { if (!(t in vocab)) vocab[t] = Object.keys(vocab).length; return vocab[t]; };
	if (kind.chars) kind.added.forEach((a) => a.special && add(a.content));
	if (kind.fallback) for (let b = 0; b < 256; b++) add("<0x" + b.toString(16).toUpperCase().padStart(2, "0") + ">");
	alphabet.forEach(add);
	merges.forEach(([a, b]) => add(a + b));
	let next = Object.keys(vocab).length;
	const tokens = kind.added.map((a) => ({ id: a.content in vocab ? vocab[a.content] : next++, ...a }));
	const file = {
		version: "1.0", truncation: null, padding: null, added_tokens: tokens, normalizer: kind.norm || null, pre_tokenizer: kind.pre,
		post_processor: kind.post ? kind.post(tokens.find((t) => /^<(s|\|begin_of_text\|)>$/.test(t.content)).id) : null, decoder: kind.decoder,
		model: { type: "BPE", dropout: null, unk_token: kind.unk || kind.fallback ? "<unk>" : null, continuing_subword_prefix: null, end_of_word_suffix: null,
			fuse_unk: !!(kind.unk || kind.fallback), byte_fallback: !!kind.fallback, ignore_merges: !!kind.ignore, vocab, merges: kind.pairs ? merges : merges.map((m) => m.join(" ")) },
	};
	fs.writeFileSync(path.join(here, name + ".json"), JSON.stringify(file) + "\n");
	const t = Tokenizer.fromString(JSON.stringify(file)), out = [];
	for (let i = 0; i < LINES; i++) {
		const line = text(), ids = (await t.encode(line, null, { addSpecialTokens: false })).getIds();
		out.push(JSON.stringify({ text: line, ids, decoded: await t.decode(ids, true) }));
	}
	fs.writeFileSync(path.join(here, name + ".jsonl"), out.join("\n") + "\n");
	console.log(name, Object.keys(vocab).length, "tokens");
}
