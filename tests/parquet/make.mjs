// make.mjs: small Parquet files with the same rows, written by two libraries in every way that is read.
//
//   npm install parquet-wasm apache-arrow hyparquet-writer    (in any folder; not needed by the tests)
//   node make.mjs THAT/node_modules
//
// Writes NAME.parquet beside itself.  The rows are made by the formulas below, which tests/unit/test_parquet.c
// has too.
import { createRequire } from "module";
import fs from "fs";
import path from "path";
import { fileURLToPath, pathToFileURL } from "url";
const modules = path.resolve(process.argv[2]), here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(modules, "x.js"));
const arrow = require("apache-arrow"), wasm = require("parquet-wasm/node");
const writer = await import(pathToFileURL(path.join(modules, "hyparquet-writer/src/node.js")));
const ROWS = 60, range = [...Array(ROWS).keys()];

const text = (i) => i == 5 ? "a\r\nb\0c" : `Row ${i}: ` + "memory ".repeat(i % 9) + (i % 4 == 3 ? "café ✓" : "");
const content = (i) => i % 7 == 6 ? null : `kind-${i % 3}`;
const id = (i) => BigInt(i) * BigInt(i) * BigInt(i) * 4000000007n - 100n;
const big = (i) => 18446744073709551615n - BigInt(i);
const flag = (i) => i % 5 == 0 ? null : i % 2 == 0;
const meta = (i) => i % 11 == 10 ? null : { source: i % 2 ? "ArXiv" : "GitHub", year: 1990 + i };

// --- Arrow's Rust library ---
const struct = new arrow.Struct([new arrow.Field("source", new arrow.Utf8(), true), new arrow.Field("year", new arrow.Int32(), true)]);
const list = new arrow.List(new arrow.Field("item", new arrow.Utf8(), true));
const table = new arrow.Table({
	text: arrow.vectorFromArray(range.map(text), new arrow.Utf8()),
	content: arrow.vectorFromArray(range.map(content), new arrow.Utf8()),
	id: arrow.vectorFromArray(range.map(id), new arrow.Int64()),
	label: arrow.vectorFromArray(range.map((i) => i % 3 - 1), new arrow.Int8()),
	big: arrow.vectorFromArray(range.map(big), new arrow.Uint64()),
	flag: arrow.vectorFromArray(range.map(flag), new arrow.Bool()),
	score: arrow.vectorFromArray(range.map((i) => i / 4), new arrow.Float64()),
	day: arrow.vectorFromArray(range.map((i) => new Date(86400000 * i)), new arrow.DateDay()),
	tags: arrow.vectorFromArray(range.map((i) => Array(i % 3).fill("t" + i)), list),
	meta: arrow.vectorFromArray(range.map(meta), struct),
	nothing: arrow.vectorFromArray(range.map(() => null), new arrow.Utf8()),
});
const { Compression: C, Encoding: E, WriterVersion: V } = wasm;
const TEXTS = ["text", "content", "meta.source"], NUMBERS = ["id", "label", "big", "meta.year"];
const ways = {
	"plain": { codec: C.UNCOMPRESSED, version: V.V1, texts: E.PLAIN, numbers: E.PLAIN },
	"snappy-dictionary": { codec: C.SNAPPY, version: V.V1, group: 25 },
	"gzip-dictionary-2": { codec: C.GZIP, version: V.V2, group: 25 },
	"zstd-lengths-2": { codec: C.ZSTD, version: V.V2, texts: E.DELTA_LENGTH_BYTE_ARRAY, numbers: E.DELTA_BINARY_PACKED, group: 34, page: 1e6 },
	"snappy-prefixes-2": { codec: C.SNAPPY, version: V.V2, texts: E.DELTA_BYTE_ARRAY, numbers: E.DELTA_BINARY_PACKED },
	"gzip-prefixes": { codec: C.GZIP, version: V.V1, texts: E.DELTA_BYTE_ARRAY, numbers: E.DELTA_BINARY_PACKED },
	"lz4": { codec: C.LZ4_RAW, version: V.V1 },
	"split-bytes": { codec: C.UNCOMPRESSED, version: V.V2, texts: E.PLAIN, numbers: E.BYTE_STREAM_SPLIT },
};
for (const [name, w] of Object.entries(ways)) {
	let b = new wasm.WriterPropertiesBuilder().setCompression(w.codec).setWriterVersion(w.version).setMaxRowGroupSize(w.group ?? 1000)
		.setDataPageSizeLimit(w.page ?? 200).setWriteBatchSize(w.page ? 1000 : 8).setDictionaryEnabled(w.texts === undefined).setCreatedBy("make.mjs");
	for (const c of w.texts === undefined ? [] : TEXTS) b = b.setColumnEncoding(c, w.texts);
	for (const c of w.numbers === undefined ? [] : NUMBERS) b = b.setColumnEncoding(c, w.numbers);
	const bytes = wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(table, "stream")), b.build());
	fs.writeFileSync(path.join(here, `${name}.parquet`), bytes);
}

// --- a library in JavaScript, pages and notes of its own making ---
const columns = [
	{ name: "text", data: range.map(text), type: "STRING", nullable: false },
	{ name: "content", data: range.map(content), type: "STRING" },
	{ name: "id", data: range.map(id), type: "INT64", nullable: false },
	{ name: "label", data: range.map((i) => i % 3 - 1), type: "INT32", nullable: false },
	{ name: "flag", data: range.map(flag), type: "BOOLEAN" },
];
await writer.parquetWriteFile({ filename: path.join(here, "javascript.parquet"), columnData: columns, rowGroupSize: 25, pageSize: 200 });
await writer.parquetWriteFile({ filename: path.join(here, "javascript-deltas.parquet"), codec: "UNCOMPRESSED", columnData: columns.map((c) =>
	({ ...c, encoding: c.type == "STRING" ? "DELTA_BYTE_ARRAY" : c.type == "BOOLEAN" ? "RLE" : "DELTA_BINARY_PACKED" })) });
