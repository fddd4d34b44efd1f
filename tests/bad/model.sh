#!/usr/bin/env bash
# Model files that are none, or bad ones, by the rows of the table in README.md: exit 5 and a
# message that names file, place, what was expected and what was there.
. "$(dirname "$0")/../cli/common.bash"
"$make_checkpoint" good seed=4 || exit 1
echo '[[1,2,3,4,5,6]]' >ids.json

# fresh: a copy of the good model in m/
fresh() { rm -rf m && cp -r good m; }
refuses() { exits "$1" 5 "$2" "$fotbench" inspect m; }
# st HEADER BYTES: a safetensors file with that header and so many data bytes
st() {
	local n=${#1}
	printf "\\x$(printf %02x $((n & 255)))\\x$(printf %02x $((n >> 8)))\\0\\0\\0\\0\\0\\0%s" "$1"
	head -c "$2" /dev/zero
}
weights() { fresh && st "$1" "$2" >m/model.safetensors; }
T() { echo "{\"dtype\":\"$1\",\"shape\":$2,\"data_offsets\":$3}"; }

exits bad_01_missing 5 'nowhere.*: ' "$fotbench" inspect nowhere
fresh && rm m/model.safetensors && refuses bad_01_weights_missing 'm: no weights: expected model.safetensors'
fresh && rm m/model.safetensors && mkdir m/model.safetensors && refuses bad_02_folder 'm/model.safetensors: expected a regular file, got a folder'
exits bad_02_file 5 'expected a model folder .*got a file' "$fotbench" inspect good/model.safetensors
fresh && rm m/model.safetensors && mkfifo m/model.safetensors && refuses bad_03_fifo 'expected a regular file, got a FIFO'
fresh && ln -sf /dev/zero m/model.safetensors && refuses bad_03_device 'm/model.safetensors: expected a regular file, got a character device'
fresh && ln -sf nowhere m/model.safetensors && refuses bad_04_dangling_link 'm/model.safetensors: cannot open: No such file'
fresh && ln -sf model.safetensors m/model.safetensors && refuses bad_04_link_loop 'm/model.safetensors: cannot open: Too many levels'
if [ "$(id -u)" -ne 0 ]; then
	fresh && chmod 0 m/model.safetensors && refuses bad_05_no_permission 'm/model.safetensors: cannot open: Permission denied'
	chmod 600 m/model.safetensors
elif command -v setpriv >/dev/null 2>&1; then
	fresh && chmod 755 . m && chmod 644 m/* && chmod 0 m/model.safetensors
	cp "$fotbench" ./fotbench
	exits bad_05_no_permission 5 'm/model.safetensors: cannot open: Permission denied' setpriv --reuid=65534 --clear-groups "$work/fotbench" inspect "$work/m"
else
	echo "skip bad_05_no_permission: root may read everything"
fi
fresh && : >m/model.safetensors && refuses bad_06_empty 'm/model.safetensors: HeaderTooSmall: expected at least 8 bytes, got 0'
fresh && printf 1234567 >m/model.safetensors && refuses bad_07_seven_bytes 'HeaderTooSmall: .*got 7'
fresh && printf '\3\0\0\0\0\0\0\0{}' >m/model.safetensors && refuses bad_08_header_behind_the_end 'InvalidHeaderLength: the header claims 3 bytes, the file has 2'
fresh && printf '\1\341\365\5\0\0\0\0{}' >m/model.safetensors && refuses bad_09_header_over_100_mb 'HeaderTooLarge: .*at most 100000000 bytes, got 100000001'
fresh && printf '\0\0\0\0\0\0\0\200{}' >m/model.safetensors && refuses bad_09_header_of_2_63 'HeaderTooLarge: .*9223372036854775808'
pointer='version https://git-lfs.github.com/spec/v1
oid sha256:0
size 3'
fresh && echo "$pointer" >m/model.safetensors && refuses bad_10_pointer 'm/model.safetensors: this is a git-LFS pointer'
fresh && rm m/model.safetensors && echo "$pointer" >m/pytorch_model.bin && refuses bad_10_pointer_as_bin 'm/pytorch_model.bin: this is a git-LFS pointer'
fresh && echo '<!DOCTYPE html><title>404</title>' >m/model.safetensors && refuses bad_11_page 'm/model.safetensors: this is an HTML'
fresh && rm m/model.safetensors && echo '<!DOCTYPE html><title>404</title>' >m/pytorch_model.bin && refuses bad_11_page_as_bin 'm/pytorch_model.bin: this is an HTML'
fresh && printf '\7\0\0\0\0\0\0\0{"\377":1}' >m/model.safetensors && refuses bad_12_no_utf8 'InvalidHeader: not UTF-8 at offset 10'
weights ' {}' 0 && refuses bad_13_start "InvalidHeaderStart: expected '{' at offset 8"
weights '{}x' 0 && refuses bad_14_garbage 'InvalidHeader: .*line 1, column 3'
weights "{\"a\":$(printf '[%.0s' {1..10000})" 0 && refuses bad_14_nested 'InvalidHeader: .*64'
weights "{\"a\":$(T U8 '[1]' '[0,1]'),\"a\":$(T U8 '[1]' '[1,2]')}" 2 && refuses bad_15_same_name_twice 'InvalidHeader: m/model.safetensors: a: this key stands twice'
weights "{\"a\":$(T U8 '[1]' '[1,0]')}" 1 && refuses bad_16_backwards 'tensor "a": .*begin at 1, after their end 0'
weights "{\"a\":$(T U8 '[1]' '[-1,0]')}" 1 && refuses bad_16_negative 'tensor "a": TensorInvalidInfo: data_offsets'
weights "{\"a\":$(T U8 '[1]' '[0,1.5]')}" 1 && refuses bad_16_fraction 'tensor "a": TensorInvalidInfo: data_offsets'
weights "{\"a\":$(T U8 '[1]' '[9007199254740992,9007199254740993]')}" 1 && refuses bad_16_over_2_53 'tensor "a": TensorInvalidInfo: data_offsets'
weights "{\"a\":$(T U8 '[4]' '[0,4]'),\"b\":$(T U8 '[4]' '[2,6]')}" 6 && refuses bad_17_overlap 'tensor "b": InvalidOffset: begins at 2, expected 4'
weights "{\"a\":$(T U8 '[4]' '[1,5]')}" 5 && refuses bad_17_hole 'tensor "a": InvalidOffset: begins at 1, expected 0'
weights "{\"a\":$(T U8 '[4]' '[0,4]')}" 5 && refuses bad_18_more_behind 'MetadataIncompleteBuffer: the tensors take 4 data bytes, the file holds 5'
fresh && truncate -s -1000 m/model.safetensors && refuses bad_18_cut_download 'MetadataIncompleteBuffer: ends at [0-9]+, the file holds [0-9]+ data bytes'
weights "{\"a\":$(T U8 '[4294967296,4294967296]' '[0,0]')}" 0 && refuses bad_19_product_overflows 'tensor "a": ValidationOverflow'
weights "{\"a\":$(T F32 '[3]' '[0,11]')}" 11 && refuses bad_20_bytes 'shape and dtype make 12 bytes, data_offsets 0 to 11 make 11'
weights "{\"model.embed_tokens.weight\":$(T F32 '[0,32]' '[0,0]')}" 0 && refuses bad_21_no_rows 'wrong shape or type.*model.embed_tokens.weight is F32 \[0,32\], expected a float type \[258,32\]'
weights "{\"a\":$(T F4 '[1]' '[0,1]')}" 1 && refuses bad_22_dtype 'tensor "a": .*dtype "F4" is not supported'
fresh && sed -i '1s/{/{"torch_dtype":"bfloat16",/' m/config.json && prints bad_23_other_dtype 'warning: config.json says the weights are bfloat16; they are read as they are stored' "$fotbench" inspect m
fresh && sed -i '1s/{/{"torch_dtype":"a\\nb",/' m/config.json && prints bad_23_other_dtype_of_two_lines 'warning: config.json says the weights are a[?]b; they are read as they are stored' "$fotbench" inspect m
weights '{}' 0 && refuses bad_24_missing_tensors 'm: the weights do not fit config.json: 33 missing: model.embed_tokens.weight, model.layers.0.input_layernorm.weight, .* and 27 more'
fresh && sed -i 's/"num_hidden_layers": *3/"num_hidden_layers": 2/' m/config.json && prints bad_25_surplus_tensors 'warning: tensors that the config does not ask for: model.layers.2' "$fotbench" inspect m
check bad_25_surplus_is_said bash -c '"$0" score -m m --tokens ids.json --out x.csv 2>&1 | grep -q "does not ask for: model.layers.2"' "$fotbench"
fresh && sed -i 's/"intermediate_size": *48/"intermediate_size": 40/' m/config.json && refuses bad_26_shape 'model.layers.0.mlp.gate_proj.weight is F32 \[48,32\], expected a float type \[40,32\]'
"$make_checkpoint" nan scale=1e39 only=layers.1.mlp.up
exits bad_27_infinite_weights 5 'nan: tensor "model.layers.1.mlp.up_proj.weight": element [0-9]+ of 1536 is infinite' "$fotbench" inspect nan --check-weights
"$make_checkpoint" broken scale=1e20
exits bad_28_logits_not_finite 1 'not finite' "$fotbench" score --model broken --tokens ids.json --out x2.csv
check bad_28_nothing_is_written test ! -e x2.csv
"$make_checkpoint" zero scale=0 only=layers.1.mlp.up
prints bad_29_constant_weights 'warning: matrices of one value only: model.layers.1.mlp.up_proj.weight$' "$fotbench" inspect zero --check-weights

"$make_checkpoint" parts shards=2
index=m/model.safetensors.index.json
sharded() { rm -rf m && cp -r parts m; }
sharded && rm m/model-00002-of-00002.safetensors && refuses bad_30_missing_shard 'model.safetensors.index.json: m/model-00002-of-00002.safetensors: cannot open'
sharded && sed -i 's#"model-00002-of-00002.safetensors"#"../x.safetensors"#' $index && refuses bad_30_escape 'expected the name of a file in the same folder, got "../x.safetensors"'
sharded && cp m/model-00001-of-00002.safetensors m/model-00002-of-00002.safetensors && refuses bad_31_in_two_shards 'is in two shards: model-00001-of-00002.safetensors and model-00002-of-00002.safetensors'

fresh && rm m/config.json && refuses bad_32_no_config 'm/config.json: cannot open'
fresh && echo '{' >m/config.json && refuses bad_32_config_cut 'm/config.json: line '
config() { fresh && sed -i "s/\"$2\": *[^,]*/\"$2\": $3/" m/config.json && refuses "bad_32_$1" "config.json: $4"; }
config no_heads num_attention_heads 0 'num_attention_heads: expected an integer from 1 to 1024, got 0'
config heads_do_not_divide num_attention_heads 5 'hidden_size 32 is not a multiple of num_attention_heads 5'
config layers num_hidden_layers 1000000000 'num_hidden_layers: expected an integer from 1 to'
config theta rope_theta NaN 'line [0-9]+, column'
config theta_zero rope_theta 0 'rope_theta: expected a number'
config vocabulary vocab_size 0 'vocab_size: expected an integer from 1'
layers() { fresh && sed -i ':a;N;$!ba;s/"mem_layers": *\[[^]]*\]/"mem_layers": '"$2"'/' m/config.json && refuses "bad_33_$1" "$3"; }
layers too_high '[3]' 'mem_layers\[0\]: .*from 0 to 2, got 3'
layers negative '[-1]' 'mem_layers\[0\]: .*from 0 to 2, got -1'
layers twice '[1, 1]' 'mem_layers: layer 1 stands there twice'
fresh && sed -i 's/"vocab_size": *258/"vocab_size": 257/; s/\("[a-z]*_token_id": *\)257/\1 256/' m/config.json && refuses bad_34_vocabulary_and_rows 'model.embed_tokens.weight is F32 \[258,32\], expected a float type \[257,32\]'
"$make_checkpoint" other vocab=1024 tokenizer=spm && cp "$root/model/zoo/bpe-2k/tokenizer.model" other/
exits bad_34_vocabulary_and_tokenizer 5 'config.json has vocab_size 1024, the tokenizer has 2048 tokens' "$fotbench" inspect other
# Rows that the tokenizer has no tokens for (padding, tokens to come) are no fault.
"$make_checkpoint" padded vocab=300
check bad_34_padded_vocabulary_is_read "$fotbench" inspect padded

prints bad_36_too_large 'more memory than this machine has' "$fotbench" inspect good --context-lengths 16384M
fresh && printf 'GGUF\3\0\0\0\1\0\0\0' >m/model.safetensors && refuses bad_37_gguf 'this is a GGUF file'
fresh && rm m/model.safetensors && printf 'GGUF\3\0\0\0\1\0\0\0' >m/pytorch_model.bin && refuses bad_37_gguf_as_bin 'this is a GGUF file'
